"""Liu & Ma's boxes: runs of frames, the pickle as it is published, faults."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.anomaly_boxes import STEP_FRAMES, read_anomaly_boxes, runs
from hawkeye_core.errors import AnnotationError


def row(frame: int, video: str = "Abuse007_x264") -> list[Any]:
    return [f"/home3/x/Anomaly_Train/Abuse/{video}/image_{frame:04d}.jpg", 21, 45, 118, 197]


def write(folder: Path, content: Any, protocol: int = 0) -> Path:
    path = folder / "Train_annotation.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_runs_of_frames_are_segments(tmp_path: Path, protocol: int) -> None:
    frames = [75, 91, 107, 16, 10_043, 10_059]
    path = write(tmp_path, {"Abuse007_x264": [row(frame) for frame in frames]}, protocol)
    times = read_anomaly_boxes(path, max_gap_s=1)
    assert times.segments == {
        "Abuse007_x264": (
            Segment(15 / 30, 31 / 30),
            Segment(74 / 30, 122 / 30),
            Segment(10_042 / 30, 10_074 / 30),
        )
    }
    assert set(times.files) == {"Train_annotation.pkl"}


def test_a_gap_up_to_the_limit_is_bridged() -> None:
    assert runs([1, 31], max_gap_s=1.0) == [Segment(0, (30 + STEP_FRAMES) / 30)]
    assert len(runs([1, 32], max_gap_s=1.0)) == 2


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(1, 80))
def test_runs_against_a_loop_over_frames(frames: list[int], gap: int) -> None:
    """Each frame between two boxes at most ``gap`` apart, and the step behind a last box, is in a segment."""
    wanted = set()
    for frame in range(1, 301):
        if frame in frames:
            reach = [f for f in frames if 0 < f - frame <= gap]
            wanted |= set(range(frame, min(reach) if reach else frame + STEP_FRAMES))
    got = {k + 1 for s in runs(frames, max_gap_s=gap / 30) for k in range(round(s.start_s * 30), round(s.end_s * 30))}
    assert got == wanted


def test_texts_of_python_2_are_read(tmp_path: Path) -> None:
    """The published files are of protocol 0, their texts bytes of Python 2."""
    path = write(tmp_path, b"(dp0\nS'A_x264'\np1\n(lp2\n(lp3\nS'f/A_x264/image_0016.jpg'\np4\naI1\naI2\naI3\naI4\naas.")
    assert read_anomaly_boxes(path).segments == {"A_x264": (Segment(0.5, 31 / 30),)}


def test_remarks_say_what_was_met(tmp_path: Path) -> None:
    path = write(tmp_path, {"A": [], "B": [row(16, "B0"), row(32, "B")]})
    assert [(r.deed, r.rule, r.subject, r.detail) for r in read_anomaly_boxes(path).remarks] == [
        ("note", "gaps up to a chosen length are bridged", "all", "2 s"),
        ("dropped", "without boxes", "A", ""),
        ("note", "frames in a folder of another name", "B", "1 of 2"),
    ]


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/tmp/hawkeye-was-here"),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_in_a_pickle_is_refused(tmp_path: Path, protocol: int) -> None:
    with pytest.raises(AnnotationError, match="GLOBAL"):
        read_anomaly_boxes(write(tmp_path, {"A": [Hostile()]}, protocol))
    assert not Path("/tmp/hawkeye-was-here").exists()


PATH, *BOX = row(16)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "holds no boxes by video"),
        ({}, "holds no boxes by video"),
        ({"A": []}, "holds no box"),
        ({"A": {}}, "A: holds no list of boxes"),
        ({3: []}, "'3' is no name"),
        ({"../A": []}, "no name of a video"),
        ({"A": [[PATH, 1, 2, 3]]}, "A: box 0: is no path and four numbers"),
        ({"A": [PATH]}, "A: box 0: is no path and four numbers"),
        ({"A": [["image_0016.jpg", *BOX]]}, "is no path of a frame"),
        ({"A": [["A/image_0000.jpg", *BOX]]}, "is no path of a frame from 1"),
        ({"A": [["A/image_x.png", *BOX]]}, "is no path of a frame"),
        ({"A": [[PATH, 1, 2, 1, 4]]}, "is no box inside 320 x 240"),
        ({"A": [[PATH, 1, 2, 3, 241]]}, "is no box inside"),
        ({"A": [[PATH, -1, 2, 3, 4]]}, "is no box inside"),
        ({"A": [[PATH, 1.0, 2, 3, 4]]}, "is no box inside"),
        ({"A": [[PATH, False, 2, 3, 4]]}, "is no box inside"),
        (b"", "is empty"),
        (b"(dp0\nS'A_x26", "Train_annotation.pkl"),
        (b'{"A": [1]}', "Train_annotation.pkl"),
    ],
)
def test_other_content_is_an_error(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(AnnotationError, match=message) as caught:
        read_anomaly_boxes(write(tmp_path, content))
    assert "remedy:" in str(caught.value)


@pytest.mark.parametrize("gap", [0, -1, float("nan"), float("inf")])
def test_an_absurd_gap_is_an_error(tmp_path: Path, gap: float) -> None:
    with pytest.raises(AnnotationError, match="max_gap_s"):
        read_anomaly_boxes(write(tmp_path, {"A": [row(16)]}), max_gap_s=gap)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "Train_annotation.pkl"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(AnnotationError, match="more than"):
        read_anomaly_boxes(path)


VALID = [pickle.dumps({"A": [row(16), row(32)], "B": [row(48)]}, protocol) for protocol in (0, 2, 4)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=100)
    | st.tuples(st.sampled_from(VALID), st.integers(0, 200), st.binary(min_size=1, max_size=3), st.booleans())
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, change: Any) -> None:
    if isinstance(change, tuple):
        valid, at, new, cut = change
        change = valid[:at] + new + (b"" if cut else valid[at + len(new) :])
    try:
        times = read_anomaly_boxes(write(tmp_path, change))
    except AnnotationError:
        return
    assert all(s.end_s > s.start_s >= 0 for found in times.segments.values() for s in found)
