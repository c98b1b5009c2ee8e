"""GlanceVAD's clicks and the windows around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.glance import HALF_WIDTH_S, read_glance_times, read_glances, times_of_glances
from hawkeye_core.errors import AnnotationError

REAL = Path(__file__).parents[5] / "shared/data/annotations/ucf_crime/glancevad_ucf_glance_annotations.csv"
GOOD = "video-id,glance\nAbuse001_x264,299\nAbuse002_x264,30\nAbuse001_x264,60\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "glances.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_clicks_by_video_in_ascending_order(tmp_path: Path) -> None:
    found = {"Abuse001_x264": (60, 299), "Abuse002_x264": (30,)}
    assert read_glances(write(tmp_path, GOOD)) == found
    assert read_glances(write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n\r\n").encode())) == found


def test_windows_lie_inside_the_video_and_join(tmp_path: Path) -> None:
    times = times_of_glances(
        {"A": (30, 300, 390), "B": (300,), "C": (900,)}, half_width_s=2, durations={"A": 14.0, "B": 7.0, "Z": 1.0}
    )
    assert times.segments == {"A": (Segment(0, 3), Segment(8, 14)), "C": (Segment(28, 32),)}
    assert times.durations == {"A": 14.0, "B": 7.0}
    assert [(r.deed, r.rule, r.subject) for r in times.remarks] == [
        ("note", "windows of a chosen width", "all"),
        ("clipped", "ends behind the video", "A"),
        ("merged", "times overlap or touch", "A"),
        ("dropped", "starts behind the video", "B"),
        ("dropped", "no time is left", "B"),
    ]
    times = read_glance_times(write(tmp_path, GOOD))
    assert times.segments["Abuse002_x264"] == (Segment(0.0, 1 + HALF_WIDTH_S),)
    assert set(times.files) == {"glances.csv"}


@pytest.mark.parametrize("width", [0, -1, float("nan"), float("inf"), 1e9])
def test_an_absurd_width_is_an_error(width: float) -> None:
    with pytest.raises(AnnotationError, match="half_width_s"):
        times_of_glances({"A": (1,)}, half_width_s=width)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("video-id,glance\n", "has no click"),
        ("Abuse001_x264,299\n", r"csv:1: the header is 'Abuse001_x264,299'"),
        (GOOD + "Abuse003_x264\n", r"csv:5: 'Abuse003_x264' is no video and frame"),
        (GOOD + "Abuse003_x264,1,2\n", r"csv:5: .* is no video and frame"),
        (GOOD + "Abuse003_x264,1.5\n", r"csv:5: .* is no video and frame"),
        (GOOD + "Abuse003_x264,-1\n", r"csv:5: .* is no video and frame"),
        (GOOD + "Abuse003_x264,\u0663\n", r"csv:5: .* is no video and frame"),
        (GOOD + "Abuse003_x264,999999999\n", r"csv:5: .* is no video and frame"),
        (GOOD + "../x,1\n", r"csv:5: '../x' is no name of a video"),
        (GOOD + ",1\n", r"csv:5: '' is no name of a video"),
        (GOOD + "Abuse001_x264,60\n", r"csv:5: .* occurs a second time"),
        (GOOD + "A" * 70_000 + ",1\n", r"csv:5: the line is longer"),
        (GOOD.encode() + b"\xff\xfe,1\n", r"csv:5: is not UTF-8"),
    ],
)
def test_a_wrong_line_is_an_error_that_names_it(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(AnnotationError, match=message) as caught:
        read_glances(write(tmp_path, content))
    assert "remedy:" in str(caught.value)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, change: bytes | tuple[int, bytes]) -> None:
    if isinstance(change, tuple):
        at, new = change
        change = GOOD.encode()[:at] + new + GOOD.encode()[at + len(new) :]
    try:
        found = read_glances(write(tmp_path, change))
    except AnnotationError:
        return
    assert all(frames and list(frames) == sorted(set(frames)) for frames in found.values())


@pytest.mark.skipif(not REAL.is_file(), reason="the real annotation files are not beside this checkout")
def test_real_file() -> None:
    found = read_glances(REAL)
    assert (len(found), sum(map(len, found.values()))) == (810, 2026)
    assert found["Abuse001_x264"] == (299, 1047, 1836, 2339)
