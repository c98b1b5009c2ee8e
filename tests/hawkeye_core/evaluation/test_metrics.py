"""Frame and detection metrics against slow literal versions, and their edge cases."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.evaluation.metrics import (
    Detection,
    FrameCounts,
    average_precision,
    count_frames,
    f_beta,
    false_negative_rate,
    frame_mask,
    mean_average_precision,
    precision,
    recall,
    temporal_iou,
)

ticks = st.integers(0, 40)
intervals = st.tuples(ticks, ticks).filter(lambda p: p[0] < p[1]).map(lambda p: (p[0] / 4, p[1] / 4))


@given(st.lists(intervals, max_size=4), st.integers(0, 90))
def test_frame_masks_equal_a_loop_over_frames(segments: list[tuple[float, float]], n: int) -> None:
    expected = [any(start <= k / 8 < end for start, end in segments) for k in range(n)]
    assert frame_mask(segments, n).tolist() == expected


def test_a_frame_on_the_border_belongs_to_the_later_side() -> None:
    assert frame_mask([(0.125, 0.25)], 4).tolist() == [False, True, False, False]
    assert frame_mask([(0.3, 0.6)], 8, fps=10).nonzero()[0].tolist() == [3, 4, 5]
    assert not frame_mask([(1.0, 1.0)], 16).any()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_frame_metrics_equal_equations_8_and_9(frames: list[tuple[bool, bool]]) -> None:
    truth, said = (np.array([frame[i] for frame in frames], bool) for i in (0, 1))
    counts = count_frames(truth, said)
    hits = sum(t and p for t, p in frames)
    positives, predicted = sum(t for t, _ in frames), sum(p for _, p in frames)
    assert counts.total == len(frames)
    assert math.isnan(false_negative_rate(counts)) is (positives == 0)
    assert math.isnan(precision(counts)) is (predicted == 0)
    if positives:
        assert false_negative_rate(counts) == (positives - hits) / positives
        assert recall(counts) == hits / positives
    if positives and predicted and hits:
        p, r = Fraction(hits, predicted), Fraction(hits, positives)
        assert f_beta(counts) == pytest.approx(float(5 * p * r / (4 * p + r)))
    elif positives or predicted:
        assert f_beta(counts) == 0.0
    else:
        assert math.isnan(f_beta(counts))


def test_counts_add_up_over_videos() -> None:
    assert FrameCounts(1, 2, 3, 4) + FrameCounts(10, 20, 30, 40) == FrameCounts(11, 22, 33, 44)
    with pytest.raises(ValueError, match="masks of"):
        count_frames(np.zeros(3, bool), np.zeros(4, bool))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [((0, 4), (2, 6), 2 / 6), ((0, 1), (1, 2), 0), ((0, 4), (1, 2), 0.25), ((1, 1), (1, 1), 0), ((0, 2), (0, 2), 1)],
)
def test_temporal_iou(first: tuple, second: tuple, expected: float) -> None:
    assert temporal_iou(first, second) == temporal_iou(second, first) == pytest.approx(expected)


def literal_ap(truths: dict, detections: list[Detection], tiou: float) -> float:
    """As ActivityNet's evaluation does it, in plain loops: rank, match, then VOC 2011's area."""
    total = sum(map(len, truths.values()))
    order = sorted(range(len(detections)), key=lambda i: (-detections[i].score, i))
    taken: set[tuple[str, int]] = set()
    hits = []
    for i in order:
        d = detections[i]
        best, best_overlap = None, -1.0
        for j, truth in enumerate(truths.get(d.video, [])):
            overlap = temporal_iou(truth, (d.start_s, d.end_s))
            if (d.video, j) not in taken and overlap >= tiou and overlap > best_overlap:
                best, best_overlap = j, overlap
        hits.append(best is not None)
        if best is not None:
            taken.add((d.video, best))
    recalls, precisions = [0.0], [0.0]
    for rank in range(1, len(hits) + 1):
        recalls.append(sum(hits[:rank]) / total)
        precisions.append(sum(hits[:rank]) / rank)
    recalls.append(1.0)
    precisions.append(0.0)
    for i in range(len(precisions) - 2, -1, -1):
        precisions[i] = max(precisions[i], precisions[i + 1])
    return sum((recalls[i] - recalls[i - 1]) * precisions[i] for i in range(1, len(recalls)))


videos = st.sampled_from("abc")
scores = st.sampled_from([0.1, 0.5, 0.5, 0.9])
detections = st.builds(lambda v, i, s: Detection(v, *i, s), videos, intervals, scores)


@given(
    st.dictionaries(videos, st.lists(intervals, max_size=4)),
    st.lists(detections, max_size=12),
    st.sampled_from([0.1, 0.2, 0.3, 0.5, 1.0]),
)
def test_ap_equals_the_literal_version(truths: dict, found: list[Detection], tiou: float) -> None:
    ours = average_precision(truths, found, tiou=tiou)
    if not any(truths.values()):
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(literal_ap(truths, found, tiou))


def test_ap_edge_cases() -> None:
    truths = {"a": [(0.0, 2.0), (4.0, 6.0)], "b": []}
    assert average_precision(truths, [], tiou=0.1) == 0.0
    assert math.isnan(average_precision({"a": []}, [Detection("a", 0, 1, 1.0)], tiou=0.1))
    perfect = [Detection("a", 0, 2, 0.9), Detection("a", 4, 6, 0.8)]
    assert average_precision(truths, perfect, tiou=1.0) == 1.0
    # A truth is found once: of two equal detections the second is a false positive.
    assert average_precision(truths, [perfect[0], perfect[0]], tiou=0.5) == 0.5
    # A video that has no truth, or is not in the split, makes false positives.
    assert average_precision(truths, [Detection("b", 0, 2, 1.0), Detection("z", 0, 2, 1.0), *perfect], tiou=0.5) == 0.5
    # Equal scores keep the order given.
    wrong, right = Detection("a", 8, 9, 0.5), Detection("a", 0, 2, 0.5)
    assert average_precision(truths, [right, wrong], tiou=0.5) == 0.5
    assert average_precision(truths, [wrong, right], tiou=0.5) == 0.25


def test_mean_ap_names_its_thresholds() -> None:
    values = mean_average_precision({"a": [(0.0, 10.0)]}, [Detection("a", 0, 2.5, 1.0)])
    assert values == {"0.1": 1.0, "0.2": 1.0, "0.3": 0.0, "mean": pytest.approx(2 / 3)}
