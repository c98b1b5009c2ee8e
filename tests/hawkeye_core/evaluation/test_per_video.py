"""Metrics by video and on draws, against the pooled ones and against sums that are written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hawkeye_core.evaluation.bootstrap import draw_videos
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.per_video import drawn_metrics, frame_counts, mean_over_seeds, video_values
from hawkeye_core.evaluation.result import Truth, score_row


def test_drawn_metrics_start_with_the_pooled_ones() -> None:
    names = [f"v{index}" for index in range(12)]
    truth = Truth(dict.fromkeys(names, 20.0), {name: [(4.0, 12.0)] for name in names})
    half = [Detection(name, 4.0, 8.0 + index % 3, 0.5) for index, name in enumerate(names)]
    found = drawn_metrics(half, truth, draw_videos(12, seed=1, draws=50))
    row = score_row("", half, truth)
    assert found.fnr[0] == pytest.approx(row.fnr)
    assert found.f2[0] == pytest.approx(row.f2)
    assert found.mean_ap[0] == pytest.approx(row.mean_ap["mean"])
    assert found.fnr[1:].std() > 0


def test_a_draw_without_positives_misses_none() -> None:
    truth = Truth({"a": 4.0, "b": 4.0}, {"a": [(0.0, 1.0)], "b": []})
    counts = np.array([[1, 1], [0, 2], [2, 0]])
    assert drawn_metrics([], truth, counts).fnr.tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("seed", range(3))
def test_drawn_fnr_equals_the_sum_over_the_drawn_videos(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d"]
    truth = Truth(dict.fromkeys(names, 10.0), {name: [(float(rng.uniform(0, 5)), 7.0)] for name in names})
    said = [Detection(name, float(rng.uniform(0, 9)), 10.0, 1.0) for name in names]
    counts = draw_videos(4, seed=seed, draws=20)
    found = drawn_metrics(said, truth, counts).fnr
    each = list(frame_counts(said, truth).values())
    for row, times in enumerate(counts.tolist()):
        missed = sum(n * one.false_negative for n, one in zip(times, each, strict=True))
        assert found[row] == pytest.approx(missed / sum(n * one.positives for n, one in zip(times, each, strict=True)))


def test_values_by_video_and_their_mean_over_seeds() -> None:
    truth = Truth({"a": 10.0, "b": 10.0}, {"a": [(0.0, 4.0)], "b": []})
    found = video_values([Detection("a", 0.0, 3.0, 1.0), Detection("b", 0.0, 1.0, 1.0)], truth)
    assert found.fnr["a"] == pytest.approx(0.25)
    assert found.f2["a"] == pytest.approx(5 * 24 / (5 * 24 + 4 * 8))
    assert math.isnan(found.fnr["b"])
    assert math.isnan(found.f2["b"])
    assert mean_over_seeds([{"a": 0.2}, {"a": 0.6}]) == {"a": pytest.approx(0.4)}
    with pytest.raises(ValueError, match="same videos"):
        mean_over_seeds([{"a": 0.2}, {"b": 0.6}])
    with pytest.raises(ValueError, match="'c'"):
        video_values([Detection("c", 0.0, 3.0, 1.0)], truth)
