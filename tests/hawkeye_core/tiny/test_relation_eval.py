"""Average precision against a literal computation, and what perfect predictions measure."""

import numpy as np
import pytest

from hawkeye_core.tiny.relation_eval import average_precision, match


def _literal_ap(scored, positives):
    ordered = sorted(scored, key=lambda item: -item[0])
    points = []
    for n in range(1, len(ordered) + 1):
        hits = sum(hit for _, hit in ordered[:n])
        points.append((hits / positives, hits / n))
    total = 0.0
    for step in range(101):
        total += max((precision for recall, precision in points if recall >= step / 100 - 1e-12), default=0.0)
    return total / 101


def test_average_precision_equals_a_literal_loop():
    rng = np.random.default_rng(3)
    for _ in range(20):
        n, positives = int(rng.integers(1, 15)), int(rng.integers(8, 20))
        scored = list(zip(rng.permutation(n).tolist(), (rng.random(n) < 0.5).tolist(), strict=True))
        assert average_precision(scored, positives) == pytest.approx(_literal_ap(scored, positives))


def test_a_true_box_is_taken_once_by_the_surest():
    box = np.array([[0, 0, 10, 10]], np.float32)
    boxes = np.concatenate((box, box + 1, box + 100))
    found = match(boxes, np.array([0.5, 0.9, 0.7], np.float32), box)
    assert found == [(pytest.approx(0.9), True), (pytest.approx(0.7), False), (pytest.approx(0.5), False)]


def test_without_true_boxes_everything_is_false_and_without_detections_nothing_is_found():
    boxes = np.array([[0, 0, 10, 10]], np.float32)
    assert match(boxes, np.array([0.5], np.float32), boxes[:0]) == [(0.5, False)]
    assert average_precision([], 3) == 0.0
    assert average_precision([(0.9, True)], 1) == pytest.approx(1.0)
