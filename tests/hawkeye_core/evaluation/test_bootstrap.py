"""Paired bootstrap over videos, against draws that are written out."""

from __future__ import annotations

import numpy as np
import pytest

from hawkeye_core.evaluation.bootstrap import compare, draw_videos, resample
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.result import Truth, score_row


def made_up(seed: int, videos: int = 6) -> tuple[Truth, list[Detection]]:
    rng = np.random.default_rng(seed)
    names = [f"v{index}" for index in range(videos)]
    durations = dict.fromkeys(names, 12.0)
    segments = {name: [(float(s), float(s) + 2) for s in rng.uniform(0, 10, rng.integers(0, 3))] for name in names}
    segments["v0"] = segments["v0"] or [(1.0, 3.0)]
    detections = [
        Detection(name, float(start), float(start) + 2, float(rng.random()))
        for name in names
        for start in rng.uniform(0, 10, rng.integers(0, 4))
    ]
    return Truth(durations, segments), detections


def written_out(truth: Truth, detections: list[Detection], counts: np.ndarray) -> tuple[Truth, list[Detection]]:
    """The draw as a set of videos of its own: a video drawn twice is two videos."""
    durations, segments, found = {}, {}, []
    for video, times in zip(truth.durations, counts, strict=True):
        for copy in range(times):
            name = f"{video}/{copy}"
            durations[name], segments[name] = truth.durations[video], truth.segments[video]
            found += [Detection(name, d.start_s, d.end_s, d.score) for d in detections if d.video == video]
    return Truth(durations, segments), found


@pytest.mark.parametrize("seed", range(4))
def test_every_draw_equals_its_videos_written_out(seed: int) -> None:
    truth, detections = made_up(seed)
    counts = draw_videos(6, seed=seed, draws=20)
    found = resample(detections, truth, counts)
    for row, times in enumerate(counts):
        drawn = written_out(truth, detections, times)
        literal = score_row("", drawn[1], drawn[0])
        if not np.isnan(literal.f2):
            assert found.f2[row] == pytest.approx(literal.f2)
        if not np.isnan(literal.mean_ap["mean"]):
            # Copies of one detection tie; precision is monotone from the right, so their order does not matter.
            assert found.mean_ap[row] == pytest.approx(literal.mean_ap["mean"])


def test_draws_hold_as_many_videos_as_there_are_and_follow_the_seed() -> None:
    counts = draw_videos(7, seed=3, draws=50)
    assert counts.shape == (51, 7)
    assert (counts.sum(1) == 7).all()
    assert (counts[0] == 1).all()
    assert (counts == draw_videos(7, seed=3, draws=50)).all()
    assert (counts != draw_videos(7, seed=4, draws=50)).any()


def test_a_clear_difference_and_none() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.2, 0.4, 2001)
    ahead = compare(base + 0.1, base)
    assert ahead.value == pytest.approx(0.1)
    assert ahead.low == pytest.approx(0.1)
    assert ahead.p == pytest.approx(1 / 2001)
    same = compare(base, base)
    assert (same.value, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_without_detections_all_is_zero() -> None:
    truth, _ = made_up(0)
    found = resample([], truth, draw_videos(6, seed=0, draws=5))
    assert not found.f2.any()
    assert not found.mean_ap.any()
