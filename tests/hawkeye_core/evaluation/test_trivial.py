"""Rows without a model; on the real annotations they give the values that are known beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.evaluation.metrics import FrameCounts, Interval, mean_average_precision
from hawkeye_core.evaluation.result import Truth, score_row
from hawkeye_core.evaluation.trivial import all_positive, oracle_clips, random_clips

SHARED = (Path(__file__).parents[4] / "shared/data/annotations").resolve()
needs_annotations = pytest.mark.skipif(not SHARED.is_dir(), reason="the annotation files are not beside the project")


def test_all_positive_covers_every_frame() -> None:
    truth = Truth({"a": 10.0, "b": 5.0}, {"a": [(0.0, 3.0)], "b": []})
    row = score_row("x", all_positive(truth.durations), truth)
    assert row.fnr == 0.0
    assert row.precision == pytest.approx(3 / 15)
    assert row.segments == 2


def test_random_clips_lie_on_the_grid_and_repeat_with_their_seed() -> None:
    durations = {"a": 100.4, "b": 7.0}
    found = random_clips(durations, seed=3)
    assert found == random_clips(durations, seed=3) != random_clips(durations, seed=4)
    for item in found:
        assert item.start_s == int(item.start_s)
        assert item.end_s == int(item.end_s) or item.end_s == durations[item.video]
        assert 0 <= item.start_s < item.end_s <= durations[item.video]
    said = sum(item.end_s - item.start_s for item in found)
    assert 0.3 < said / 107.4 < 0.7


@given(st.lists(st.integers(0, 1), min_size=1, max_size=30))
def test_the_oracle_is_perfect_where_the_truth_lies_on_its_grid(seconds: list[int]) -> None:
    runs: list[Interval] = []
    for i, value in enumerate(seconds):
        if value and runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1.0)
        elif value:
            runs.append((float(i), i + 1.0))
    durations = {"a": float(len(seconds))}
    assert [(d.start_s, d.end_s) for d in oracle_clips(durations, {"a": runs})] == runs


def test_the_oracle_takes_a_second_from_half_of_its_frames_on() -> None:
    found = oracle_clips({"a": 3.3}, {"a": [(0.5, 1.4), (3.1, 3.3)]})
    assert [(d.start_s, d.end_s) for d in found] == [(0.0, 2.0), (3.0, 3.3)]
    assert oracle_clips({"a": 2.0}, {"a": [(0.6, 1.3)]}) == []


def base_rate(truth: Truth) -> float:
    row = score_row("all positive", all_positive(truth.durations), truth)
    return 100 * row.precision


def percents(truth: Truth) -> tuple[float, list[float]]:
    """F2 and mAP of "all positive", equal scores in the order of the videos."""
    found = all_positive(truth.durations)
    mean_ap = mean_average_precision(truth.segments, found)
    return round(100 * score_row("all", found, truth).f2, 1), [
        round(100 * mean_ap[t], 1) for t in ("0.1", "0.2", "0.3")
    ]


def tsl_negative_test() -> Truth:
    """TSL-300, label n of the 100 test videos."""
    database = json.loads((SHARED / "tsl300/gt.json").read_text())["database"]
    durations = json.loads((SHARED / "tsl300/len_duration_dict.json").read_text())
    test = {video: item for video, item in database.items() if item["subset"] == "test"}
    segments = {
        video: [(float(a["segment"][0]), float(a["segment"][1])) for a in item["annotations"] if a["label"] == "n"]
        for video, item in test.items()
    }
    return Truth({video: durations[video] for video in test}, segments)


def ucf_test(*, anomalous_only: bool) -> Truth:
    """UCF-Crime, the official times of the 290 test videos in frames at 30 fps."""
    lengths = json.loads((SHARED / "ucf_crime/hivau70k_ucf_test_events_compact.json").read_text())
    durations, segments = {}, {}
    for line in (SHARED / "ucf_crime/Temporal_Anomaly_Annotation.txt").read_text().splitlines():
        if line.strip():
            name, kind, *numbers = line.split()
            if anomalous_only and kind == "Normal":
                continue
            video, times = name.removesuffix(".mp4"), list(map(int, numbers))
            durations[video] = lengths[video]["n_frames"] / 30
            segments[video] = [(a / 30, b / 30) for a, b in (times[:2], times[2:]) if a >= 0]
    return Truth(durations, segments)


@needs_annotations
def test_tsl_300_known_values() -> None:
    truth = tsl_negative_test()
    assert len(truth.durations) == 100
    assert sum(map(len, truth.segments.values())) == 232
    assert round(base_rate(truth), 1) == 12.1
    assert percents(truth) == (40.8, [2.5, 0.2, 0.1])


@needs_annotations
def test_ucf_290_known_values() -> None:
    truth = ucf_test(anomalous_only=False)
    assert len(truth.durations) == 290
    assert sum(map(len, truth.segments.values())) == 156
    assert round(base_rate(truth), 1) == 7.6
    assert percents(truth) == (29.1, [31.2, 13.3, 4.7])


@needs_annotations
def test_ucf_140_known_values() -> None:
    truth = ucf_test(anomalous_only=True)
    assert len(truth.durations) == 140
    assert round(base_rate(truth), 1) == 18.2
    # All scores are equal, so AP depends on the order of the videos (0.1: 34.7 to 42.6 over random ones): F2 does not.
    assert percents(truth)[0] == 52.6


def test_no_positives_leave_rates_undefined() -> None:
    truth = Truth({"a": 4.0}, {"a": []})
    row = score_row("x", [], truth)
    assert row.fnr != row.fnr
    assert FrameCounts().total == 0
