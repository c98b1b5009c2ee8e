"""Agreement of two sources: frames by bounds against frames one by one, tables, and the real files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.agreement import agreement, agreement_rows, class_of, frame_ranges
from hawkeye_core.datasets.glance import read_glance_times
from hawkeye_core.datasets.hivau import read_hivau
from hawkeye_core.datasets.times import Times
from hawkeye_core.errors import AnnotationError

REAL = Path(__file__).parents[5] / "shared/data/annotations/ucf_crime"

SECONDS = st.integers(0, 400).map(lambda n: n / 30) | st.floats(0, 13)
SEGMENTS = st.lists(
    st.tuples(SECONDS, SECONDS).filter(lambda p: p[0] < p[1]).map(lambda p: Segment(*p)), min_size=1, max_size=6
).map(tuple)


def times(name: str, **segments: tuple[tuple[float, float], ...]) -> Times:
    return Times(name, {video: tuple(Segment(*pair) for pair in pairs) for video, pairs in segments.items()})


def frames_of(segments: tuple[Segment, ...], fps: float) -> set[int]:
    """One by one."""
    return {k for k in range(int(14 * fps) + 2) if any(s.start_s <= k / fps < s.end_s for s in segments)}


@given(SEGMENTS, SEGMENTS, st.sampled_from([1.0, 8.0, 25.0, 29.97, 30.0]))
def test_frames_by_bounds_against_frames_one_by_one(a: tuple[Segment, ...], b: tuple[Segment, ...], fps: float) -> None:
    first, second = frames_of(a, fps), frames_of(b, fps)
    assert {k for start, end in frame_ranges(a, fps=fps) for k in range(start, end)} == first
    (video,) = agreement(Times("a", {"v": a}), Times("b", {"v": b}), fps=fps).videos
    assert (video.both, video.either) == (len(first & second), len(first | second))
    assert video.iou == (len(first & second) / len(first | second) if first | second else 1.0)


@given(SEGMENTS, SEGMENTS)
def test_agreement_is_the_same_from_both_sides(a: tuple[Segment, ...], b: tuple[Segment, ...]) -> None:
    one, two = Times("a", {"v": a}), Times("b", {"v": b})
    assert agreement(one, two).mean_iou == agreement(two, one).mean_iou
    assert agreement(one, one).mean_iou == 1.0


def test_numbers_by_hand() -> None:
    a = times("a", Abuse001=((0, 10),), Abuse002=((0, 1),), Arson003=((0, 2), (4, 6)), Arson009=((0, 1),))
    b = times("b", Abuse001=((5, 10),), Abuse002=((2, 3),), Arson003=((1, 5),), Robbery001=((0, 1),))
    found = agreement(a, b)
    assert [video.iou for video in found.videos] == [0.5, 0.0, pytest.approx(2 / 6)]
    assert (found.mean_iou, found.median_iou) == (pytest.approx(5 / 18), pytest.approx(1 / 3))
    assert found.share_of_seconds == pytest.approx((5 + 0 + 2) / (10 + 2 + 6))
    assert (found.disjoint, found.only_first, found.only_second) == (1, ("Arson009",), ("Robbery001",))
    rows = {row.label: row for row in agreement_rows(found)}
    assert list(rows) == ["Abuse", "Arson", "Robbery", "all"]
    assert (rows["Abuse"].videos, rows["Abuse"].mean_iou, rows["Abuse"].median_iou) == (2, 0.25, 0.25)
    assert rows["Abuse"].share_of_seconds == pytest.approx(5 / 12)
    assert (rows["Arson"].only_first, rows["Arson"].only_second) == (1, 0)
    assert (rows["Robbery"].videos, rows["Robbery"].mean_iou, rows["Robbery"].only_second) == (0, None, 1)
    assert (rows["all"].videos, rows["all"].mean_iou) == (3, found.mean_iou)


def test_sources_of_different_videos_are_an_error() -> None:
    with pytest.raises(AnnotationError, match="a and b have no video in common"):
        agreement(times("a", x=((0, 1),)), times("b", y=((0, 1),)))


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_an_absurd_rate_is_an_error(fps: float) -> None:
    one = times("a", x=((0, 1),))
    with pytest.raises(ValueError, match="fps must be above 0"):
        agreement(one, one, fps=fps)


def test_class_is_what_a_name_begins_with() -> None:
    names = ("RoadAccidents001_x264", "Normal_Videos_003_x264", "Normal_Videos003_x264", "12_x", "Arson", "")
    assert [class_of(name) for name in names] == [
        "RoadAccidents", "Normal_Videos", "Normal_Videos", "other", "Arson", "other",
    ]  # fmt: skip


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotation files are not beside this checkout")
def test_real_sources_disagree() -> None:
    """HIVAU-70k against GlanceVAD; a narrow window agrees less."""
    hivau = read_hivau(REAL / "hivau70k_ucf_train_events_compact.json")
    clicks = REAL / "glancevad_ucf_glance_annotations.csv"
    found = agreement(hivau, read_glance_times(clicks, durations=hivau.durations))
    assert (len(found.videos), found.only_first, found.only_second) == (810, (), ())
    assert found.mean_iou == pytest.approx(0.439, abs=0.001)
    assert found.share_of_seconds == pytest.approx(0.327, abs=0.001)
    narrow = agreement(hivau, read_glance_times(clicks, half_width_s=2, durations=hivau.durations))
    assert narrow.mean_iou == pytest.approx(0.334, abs=0.001)
    assert len(agreement_rows(found)) == 14
