"""Frame scores, and pooled AUC and AP of frames, against slow literal versions and scikit-learn."""

from __future__ import annotations

import math
import tracemalloc
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from hawkeye_core.evaluation import curves
from hawkeye_core.evaluation.curves import (
    ScoreTable,
    curve_scores,
    curves_table,
    frame_auc,
    frame_average_precision,
    pool,
    score_table,
    segment_scores,
    segments_table,
)
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.result import Truth

frames = st.lists(st.tuples(st.booleans(), st.sampled_from([-1.0, -0.0, 0.0, 0.25, 0.5, 1e-300, 7.0])), max_size=40)
ticks = st.integers(-4, 44)
segments = st.builds(
    lambda a, b, s: Detection("a", min(a, b) / 4, max(a, b) / 4, s), ticks, ticks, st.sampled_from([0.0, 0.5, 1.0])
)


def table_of(pairs: list[tuple[bool, float]]) -> ScoreTable:
    return score_table(np.array([t for t, _ in pairs], bool), np.array([s for _, s in pairs], np.float64))


def literal_auc(pairs: list[tuple[bool, float]]) -> float:
    """Every positive frame against every negative one."""
    positive, negative = [s for t, s in pairs if t], [s for t, s in pairs if not t]
    if not positive or not negative:
        return math.nan
    won = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative)
    return won / (len(positive) * len(negative))


def literal_ap(pairs: list[tuple[bool, float]]) -> float:
    """A threshold at each score, highest first."""
    total = sum(t for t, _ in pairs)
    area = before = 0.0
    for threshold in sorted({s for _, s in pairs}, reverse=True):
        said = [t for t, s in pairs if s >= threshold]
        recall = sum(said) / total if total else math.nan
        area += (recall - before) * sum(said) / len(said)
        before = recall
    return area if total else math.nan


@given(frames)
def test_auc_and_ap_equal_literal_loops_and_scikit_learn(pairs: list[tuple[bool, float]]) -> None:
    table = table_of(pairs)
    auc, ap = frame_auc(table), frame_average_precision(table)
    assert auc == pytest.approx(literal_auc(pairs), abs=1e-9, nan_ok=True)
    assert ap == pytest.approx(literal_ap(pairs), abs=1e-9, nan_ok=True)
    truth, scores = [t for t, _ in pairs], [s for _, s in pairs]
    if any(truth) and not all(truth):
        assert auc == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)
        assert ap == pytest.approx(average_precision_score(truth, scores), abs=1e-9)


@given(st.lists(frames, max_size=6), st.integers(0, 30))
def test_pooled_videos_equal_their_frames_in_one(videos: list[list[tuple[bool, float]]], pending: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "PENDING", pending)
        pooled = pool(table_of(pairs) for pairs in videos)
    whole = table_of([frame for pairs in videos for frame in pairs])
    for name in ("scores", "positives", "negatives"):
        assert np.array_equal(getattr(pooled, name), getattr(whole, name))
    assert pooled.frames == sum(map(len, videos))


def test_pooling_is_not_the_mean_over_videos() -> None:
    # Each video is ranked perfectly, on a scale of its own.
    low, high = table_of([(True, 0.2), (False, 0.1)]), table_of([(True, 0.9), (False, 0.8)])
    assert frame_auc(low) == frame_auc(high) == 1.0
    assert frame_auc(pool([low, high])) == 0.75


def test_undefined_and_constant_cases() -> None:
    nothing = pool([])
    assert nothing.frames == 0
    assert math.isnan(frame_auc(nothing))
    assert math.isnan(frame_average_precision(nothing))
    only_negative, only_positive = table_of([(False, 0.1), (False, 0.9)]), table_of([(True, 0.1), (True, 0.9)])
    assert math.isnan(frame_auc(only_negative))
    assert math.isnan(frame_average_precision(only_negative))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert average_precision_score([0, 0], [0.1, 0.9]) == 0.0  # What scikit-learn has there.
    assert math.isnan(frame_auc(only_positive))
    assert frame_average_precision(only_positive) == 1.0
    same = table_of([(True, 0.5)] + [(False, 0.5)] * 3)
    assert frame_auc(same) == 0.5
    assert frame_average_precision(same) == 0.25


def test_a_million_frames_equal_scikit_learn_in_little_memory() -> None:
    # As many frames as UCF-Crime's test videos have; ties between and within videos.
    generator = np.random.default_rng(0)
    videos, length = 290, 3834
    truth = generator.random((videos, length)) < 0.076
    scores = np.repeat(generator.random((videos, length // 30 + 1)).round(3), 30, axis=1)[:, :length] + 0.1 * truth

    def tables() -> Iterator[ScoreTable]:
        for row, values in zip(truth, scores, strict=True):
            yield score_table(row, values)

    tracemalloc.start()
    whole = pool(tables())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert whole.frames == videos * length > 1_100_000
    assert peak < 12e6, "the frames alone are 10 MB"
    assert frame_auc(whole) == pytest.approx(roc_auc_score(truth.ravel(), scores.ravel()), abs=1e-9)
    assert frame_average_precision(whole) == pytest.approx(
        average_precision_score(truth.ravel(), scores.ravel()), abs=1e-9
    )


def test_counts_do_not_overflow() -> None:
    big = np.array([10**9], np.int64)
    table = ScoreTable(np.array([1.0, 0.0]), np.concatenate([big, big]), np.concatenate([big, big]))
    assert frame_auc(table) == 0.5


@given(st.lists(segments, max_size=5), st.integers(0, 90))
def test_segment_scores_equal_a_loop_over_frames(found: list[Detection], n: int) -> None:
    expected = [max([d.score for d in found if d.start_s <= k / 8 < d.end_s], default=0.0) for k in range(n)]
    assert segment_scores(found, n).tolist() == expected


@given(st.integers(0, 100), st.sampled_from([8.0, 10.0, 29.97, 0.5]))
def test_a_curve_is_held_over_its_seconds(n: int, fps: float) -> None:
    seconds = [math.floor(k / fps) for k in range(n)]
    curve = np.arange(max(seconds, default=-1) + 1) * 0.1
    assert curve_scores(curve, n, fps=fps).tolist() == [curve[second] for second in seconds]
    with pytest.raises(ValueError, match="it needs"):
        curve_scores(np.append(curve, 0.0), n, fps=fps)


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1])
def test_scores_that_cannot_be_ranked_are_refused(score: float) -> None:
    with pytest.raises(ValueError, match="a: score"):
        segment_scores([Detection("a", 0, 1, score)], 8)
    if not math.isfinite(score):
        with pytest.raises(ValueError, match="not finite"):
            curve_scores([score], 8)
        with pytest.raises(ValueError, match="not finite"):
            score_table(np.zeros(1, bool), [score])


def test_times_and_shapes_are_checked() -> None:
    for times in ((math.nan, 1.0), (2.0, 1.0), (0.0, math.inf)):
        with pytest.raises(ValueError, match="the end not before the start"):
            segment_scores([Detection("a", *times, 0.5)], 8)
    with pytest.raises(ValueError, match="equally many"):
        score_table(np.zeros(2, bool), [0.1])
    with pytest.raises(ValueError, match="equally many"):
        score_table(np.zeros(1, np.int64), [0.1])  # type: ignore[arg-type]


SPLIT = Truth({"a": 2.0, "b": 1.0}, {"a": [(1.0, 2.0)], "b": []})


def test_a_split_scored_by_segments() -> None:
    table = segments_table([Detection("a", 0.5, 2.0, 0.9), Detection("a", 1.5, 2.0, 0.4)], SPLIT)
    assert (table.scores.tolist(), table.positives.tolist(), table.negatives.tolist()) == ([0.9, 0.0], [8, 0], [4, 12])
    assert frame_auc(table) == (12 + 0.5 * 4) / 16
    assert frame_average_precision(segments_table([], SPLIT)) == 8 / 24
    with pytest.raises(ValueError, match="'z', which is no video"):
        segments_table([Detection("z", 0, 1, 0.5)], SPLIT)


def test_a_split_scored_by_curves() -> None:
    table = curves_table({"a": [0.1, 0.8], "b": [0.3]}, SPLIT)
    assert frame_auc(table) == frame_average_precision(table) == 1.0
    with pytest.raises(ValueError, match="no curve for 1 videos, such as 'b'"):
        curves_table({"a": [0.1, 0.8]}, SPLIT)
    with pytest.raises(ValueError, match="such as 'z'"):
        curves_table({"a": [0.1, 0.8], "b": [0.3], "z": [0.1]}, SPLIT)


@settings(max_examples=40)
@given(
    st.lists(st.builds(Detection, st.sampled_from("abz"), st.floats(), st.floats(), st.floats()), max_size=3),
    st.dictionaries(st.sampled_from("abz"), st.lists(st.floats(), max_size=3)),
)
def test_anything_else_is_a_value_error(found: list[Detection], held: dict[str, list[float]]) -> None:
    for make in (lambda: segments_table(found, SPLIT), lambda: curves_table(held, SPLIT)):
        try:
            table = make()
        except ValueError:
            continue
        assert table.frames == 24
        assert 0 <= frame_auc(table) <= 1
