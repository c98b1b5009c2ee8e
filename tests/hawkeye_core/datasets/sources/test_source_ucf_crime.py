"""UCF-Crime as it is read: against the real files, against ReconSim's writer, and against damaged files."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.formats.names import UCF_CLASSES, ucf_class, ucf_name
from hawkeye_core.datasets.reconsim.formats.ucf_crime import write_ucf_crime
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo
from hawkeye_core.datasets.reconsim.scenarios import CATEGORIES
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.source import SourceVideo, SourceVideos
from hawkeye_core.datasets.ucf_classes import (
    CATEGORY_TEXTS,
    PAPER_NAMES,
    TABLE_2,
    category_text,
    paper_name,
    temporal_class,
)
from hawkeye_core.datasets.ucf_crime import positive_frames, read_ucf_crime, with_times
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

TRAIN, TEST, TEMPORAL = "Anomaly_Train.txt", "Anomaly_Test.txt", "Temporal_Anomaly_Annotation.txt"
FILES = (TRAIN, TEST, TEMPORAL)
SHOT = Segment(0.5, 1.1, "shooting", "a man is aiming at a woman")
CRASH = (Segment(1.51, 2.75, "road accident", "a car hits a man"), Segment(3.1, 4.0, "road accident", ""))
CRASHED, CALM, CRASHES = "RoadAccidents001_x264", "Normal_Videos002_x264", "RoadAccidents003_x264"


def drawn(name: str, split: str, *segments: Segment) -> FormatVideo:
    empty = np.zeros((40, 0, 0, 3), np.float32)
    truth = VideoTruth(
        video=name, split=split, fps=8.0, width=320, height=240, view="oblique", place="street", light="day",
        scenario="fighting", entities=(), n_people=0, keypoints=empty, boxes=empty, visible=empty, body=empty,
        actions=(), relations=(), segments=segments, description="",
    )  # fmt: skip
    return FormatVideo(truth, "ucf_crime", (), lambda frame: np.zeros((240, 320, 3), np.uint8))


def write(folder: Path) -> Path:
    write_ucf_crime(
        folder,
        [
            drawn(ucf_name("shooting", 12, split="test"), "test", SHOT),
            drawn(ucf_name("road accident", 3, split="test"), "test", *CRASH),
            drawn(ucf_name(None, 1, split="test"), "test"),
            drawn(ucf_name(None, 2, split="train"), "train"),
            drawn(ucf_name("road accident", 1, split="train"), "train", *CRASH),
        ],
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture(scope="module")
def real() -> Path:
    found = Path(__file__).parents[5] / "shared/data/annotations/ucf_crime"
    if not found.is_dir():
        pytest.skip("the real annotation files are not beside this checkout")
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def by_id(found: SourceVideos) -> dict[str, SourceVideo]:
    return {video.video: video for video in found.videos}


def test_counts_of_the_real_files(real: Path) -> None:
    found = read_ucf_crime(real)
    assert (found.name, found.protocol, found.remarks) == ("ucf-crime", "ucf-290", ())
    assert [Counter(v.anomalous for v in found.of(split)) for split in ("train", "test")] == [
        {True: 810, False: 800},
        {True: 140, False: 150},
    ]
    assert Counter(len(v.segments or ()) for v in found.of("test")) == {0: 150, 1: 124, 2: 16}
    assert sum(len(v.segments or ()) for v in found.of("test")) == 156
    assert {v.segments for v in found.of("train")} == {None, ()}
    assert Counter(v.label for v in found.of("test")) == {
        "Abuse": 2, "Arrest": 5, "Arson": 9, "Assault": 3, "Burglary": 13, "Explosion": 21, "Fighting": 5,
        "RoadAccidents": 23, "Robbery": 5, "Shooting": 23, "Shoplifting": 21, "Stealing": 5, "Vandalism": 5,
        "Testing_Normal_Videos_Anomaly": 150,
    }  # fmt: skip
    assert found.files == {name: sha256_of(real / name) for name in FILES}


def test_positive_frames_of_the_real_files(real: Path) -> None:
    """84,189 is the sum of end - start; five ends lie one or two frames behind the video."""
    frames = {
        video: row["n_frames"]
        for video, row in json.loads((real / "hivau70k_ucf_test_events_compact.json").read_text()).items()
    }
    tests = read_ucf_crime(real).of("test")
    assert sum(frames[v.video] for v in tests) == sum(frames.values()) == 1_111_808
    assert sum(positive_frames(v.segments or ()) for v in tests) == 84_189
    assert sum(positive_frames(v.segments or (), n_frames=frames[v.video]) for v in tests) == 84_182
    official = [positive_frames(v.segments or (), n_frames=frames[v.video], ends="closed") for v in tests]
    assert sum(official) == 84_338
    behind = {
        v.video: round((v.segments[-1].end_s) * 30) - frames[v.video]
        for v in tests
        if v.segments and round(v.segments[-1].end_s * 30) > frames[v.video]
    }
    assert behind == {
        "Arson011_x264": 1, "Arson016_x264": 1, "Explosion033_x264": 2, "Fighting003_x264": 1, "Shooting015_x264": 2,
    }  # fmt: skip


def test_real_seconds_are_those_of_hivau(real: Path) -> None:
    events = json.loads((real / "hivau70k_ucf_test_events_compact.json").read_text())
    same = Counter(
        any(abs(s.start_s - a) < 0.002 and abs(s.end_s - b) < 0.002 for a, b in events[v.video]["events"])
        for v in read_ucf_crime(real).of("test")
        for s in v.segments or ()
    )
    assert same == {True: 138, False: 18}


def test_anomalous_videos_only(real: Path) -> None:
    all_of_them, found = read_ucf_crime(real), read_ucf_crime(real, protocol="ucf-140")
    assert found.protocol == "ucf-140"
    assert found.of("train") == all_of_them.of("train")
    assert found.of("test") == tuple(v for v in all_of_them.of("test") if v.segments)
    assert found.counted() == {("dropped", "normal test video"): 150}
    with pytest.raises(ValueError, match="no protocol 'ucf-300'; use one of ucf-290, ucf-140"):
        read_ucf_crime(real, protocol="ucf-300")  # type: ignore[arg-type]


def test_reads_what_reconsim_writes(folder: Path) -> None:
    """Seconds come back to the nearest thirtieth, categories exactly."""
    found = read_ucf_crime(folder)
    assert [(v.video, v.split, v.path, v.label) for v in found.videos] == [
        (CRASHED, "train", "RoadAccidents/RoadAccidents001_x264.mp4", "RoadAccidents"),
        (CALM, "train", "Training_Normal_Videos_Anomaly/Normal_Videos002_x264.mp4", "Training_Normal_Videos_Anomaly"),
        (CRASHES, "test", "RoadAccidents/RoadAccidents003_x264.mp4", "RoadAccidents"),
        ("Shooting012_x264", "test", "Shooting/Shooting012_x264.mp4", "Shooting"),
        (
            "Normal_Videos_001_x264", "test", "Testing_Normal_Videos_Anomaly/Normal_Videos_001_x264.mp4",
            "Testing_Normal_Videos_Anomaly",
        ),
    ]  # fmt: skip
    videos = by_id(found)
    for video, truth in ((CRASHES, CRASH), ("Shooting012_x264", (SHOT,))):
        segments = videos[video].segments or ()
        assert [s.category for s in segments] == [s.category for s in truth]
        for mine, true in zip(segments, truth, strict=True):
            assert abs(mine.start_s - true.start_s) <= 1 / 60 + 1e-9
            assert abs(mine.end_s - true.end_s) <= 1 / 60 + 1e-9
    assert videos[CRASHED].segments is None
    assert videos[CALM].segments == videos["Normal_Videos_001_x264"].segments == ()


def test_names_of_the_classes() -> None:
    assert set(PAPER_NAMES) == set(CATEGORY_TEXTS) == set(UCF_CLASSES)
    assert sorted(PAPER_NAMES.values()) == sorted(TABLE_2)
    assert len(set(TABLE_2)) == 13
    assert set(CATEGORY_TEXTS.values()) == set(CATEGORIES)
    assert [ucf_class(category_text(name)) for name in UCF_CLASSES] == list(UCF_CLASSES)
    assert (category_text("RoadAccidents"), paper_name("RoadAccidents")) == ("road accident", "Accident")
    assert temporal_class("Training_Normal_Videos_Anomaly") == "Normal"
    assert temporal_class("Arson") == "Arson"
    for name in ("Normal", "road accident", "Training_Normal_Videos"):
        with pytest.raises(AnnotationError, match="is no anomalous class"):
            temporal_class(name)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (TEMPORAL, "15  33  -1  -1", "15  33  -1", "has 5 fields, not 6"),
        (TEMPORAL, "15  33  -1  -1", "15  33  -1  -1  4", "has 7 fields"),
        (TEMPORAL, "15  33", "33  15", "a start and an end after it, not 33 to 15"),
        (TEMPORAL, "15  33", "15  -1", "not 15 to -1"),
        (TEMPORAL, "15  33", "-1  33", "not -1 to 33"),
        (TEMPORAL, "15  33", "-1  -1", "Shooting012_x264 is 'Shooting', but has no segment"),
        (TEMPORAL, "15  33", "0  33", "'0' is neither a frame, counted from 1, nor -1"),
        (TEMPORAL, "15  33", "-2  33", "'-2' is neither"),
        (TEMPORAL, "15  33", "15.0  33", "'15.0' is neither"),
        (TEMPORAL, "15  33", "nan  33", "'nan' is neither"),
        (TEMPORAL, "15  33", "15  99999999", "'99999999' is neither"),
        (TEMPORAL, "15  33", "١٥  33", "is neither"),
        (TEMPORAL, "  Shooting  ", "  Robbery  ", "'Robbery' here and 'Shooting' in Anomaly_Test.txt"),
        (TEMPORAL, "  Shooting  ", "  Hunting  ", "'Hunting' is no class"),
        (TEMPORAL, "Normal  -1  -1", "Normal  4  9", "is normal, but has a segment, 4 to 9"),
        (TEMPORAL, "Shooting012", "Shooting013", "no line for 1 test videos, such as Shooting012_x264"),
        (TEMPORAL, "Shooting012_x264.mp4", "../Shooting012_x264.mp4", "is no name of a video"),
        (TEMPORAL, "Shooting012_x264.mp4", "RoadAccidents003_x264.mp4", "3: RoadAccidents003_x264 occurs a second"),
        (TEST, "Shooting/Shooting012_x264.mp4\n", "", "3: Shooting012_x264 is not in Anomaly_Test.txt"),
        (TEST, "Shooting/Shooting012", "Robbery/Shooting012", "2: 'Robbery/Shooting012_x264.mp4' is not where"),
        (TEST, "Testing_Normal", "Training_Normal", "is not where UCF-Crime has this test video, Testing_Normal"),
        (TEST, "Shooting/Shooting012_x264.mp4", "Shooting012_x264.mp4", "is not where"),
        (TEST, "Shooting/Shooting012_x264.mp4", "Shooting/Shooting012_x264.avi", "is no name of a UCF-Crime video"),
        (TEST, "Shooting/Shooting012_x264.mp4", "../../etc/passwd", "is no name of a UCF-Crime video"),
        (TEST, "Shooting/Shooting012", "RoadAccidents/RoadAccidents003", "2: RoadAccidents003_x264 occurs a second"),
        (TRAIN, "RoadAccidents001", "RoadAccidents003", "RoadAccidents003_x264 is a training video, too"),
    ],
)
def test_contradictions_are_refused(folder: Path, name: str, old: str, new: str, message: str) -> None:
    edit(folder / name, old, new)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_ucf_crime(folder)
    assert str(folder) in str(caught.value)
    assert caught.value.remedy


def test_odd_but_clear_lines_are_read(folder: Path) -> None:
    """One frame; a second segment that overlaps the first; the later one first; a CR before the line's end."""
    edit(folder / TEMPORAL, "15  33  -1  -1", "15  15  -1  -1")
    edit(folder / TEMPORAL, "45  82  93  120", "80  93  45  82")
    (folder / TEMPORAL).write_bytes((folder / TEMPORAL).read_bytes().replace(b"\n", b"\r\n"))
    found = read_ucf_crime(folder)
    assert by_id(found)["Shooting012_x264"].segments == (Segment(15 / 30, 16 / 30, "shooting"),)
    assert by_id(found)[CRASHES].segments == (Segment(45 / 30, 93 / 30, "road accident"),)
    assert {(r.deed, r.rule, r.subject) for r in found.remarks} == {
        ("clipped", "ends in its first frame; made one frame long", "Shooting012_x264"),
        ("merged", "segments overlap or touch", CRASHES),
    }


@given(
    spans=st.lists(st.tuples(st.integers(1, 80), st.integers(1, 30)), max_size=4),
    n_frames=st.none() | st.integers(1, 120),
    ends=st.sampled_from(["open", "closed"]),
)
@settings(max_examples=100, deadline=None)
def test_positive_frames_are_those_of_a_loop(spans: list[tuple[int, int]], n_frames: int | None, ends: Any) -> None:
    first, last = (1, n_frames or 500) if ends == "closed" else (0, (n_frames or 500) - 1)
    positive = sum(
        any(s <= f < s + length or (ends == "closed" and f == s + length) for s, length in spans)
        for f in range(first, last + 1)
    )
    segments = [Segment(s / 30, (s + length) / 30) for s, length in spans]
    assert positive_frames(segments, n_frames=n_frames, ends=ends) == positive


def test_frames_must_be_there() -> None:
    with pytest.raises(ValueError, match="must be above 0, not 0"):
        positive_frames([], n_frames=0)


def test_times_of_another_source_are_filled_in(folder: Path) -> None:
    read = read_ucf_crime(folder)
    found = with_times(
        read, {CRASHED: [Segment(4, 6), Segment(1, 2, "crash", "a car hits a tree")], CALM: []}, protocol="ucf-290, x"
    )
    assert found.protocol == "ucf-290, x"
    assert [v.video for v in found.videos] == [v.video for v in read.videos]
    assert by_id(found)[CRASHED].segments == (
        Segment(1, 2, "crash", "a car hits a tree"),
        Segment(4, 6, "road accident"),
    )
    assert by_id(found)[CALM].segments == ()
    assert found.of("test") == read.of("test")
    assert (found.remarks, found.files) == ((), read.files)


def test_videos_without_times_are_dropped(folder: Path) -> None:
    read = read_ucf_crime(folder)
    for times in ({}, {CRASHED: []}):
        found = with_times(read, times, protocol="p")
        assert CRASHED not in by_id(found)
        assert len(found.videos) == len(read.videos) - 1
        assert [(r.deed, r.rule, r.subject) for r in found.remarks] == [
            ("dropped", "anomalous training video without times", CRASHED)
        ]


def test_times_are_fitted_where_the_length_is_known(folder: Path) -> None:
    read = read_ucf_crime(folder)
    read = replace(read, videos=tuple(replace(v, duration_s=5.0) for v in read.videos))
    found = with_times(read, {CRASHED: [Segment(1, 3), Segment(2, 5.5), Segment(6, 7)]}, protocol="p")
    assert by_id(found)[CRASHED].segments == (Segment(1, 5, "road accident"),)
    assert [remark.deed for remark in found.remarks] == ["clipped", "dropped", "merged"]
    gone = with_times(read, {CRASHED: [Segment(6, 7)]}, protocol="p")
    assert CRASHED not in by_id(gone)
    assert [r.rule for r in gone.remarks] == ["segment behind the video", "anomalous training video without times"]


@pytest.mark.parametrize(
    ("video", "segments", "message"),
    [
        ("Arson999_x264", [Segment(1, 2)], "'Arson999_x264' is no video of the data set"),
        ("Arson999_x264", [], "is no video of the data set"),
        (CRASHES, [Segment(1, 2)], "is a test video, whose times are official"),
        (CALM, [Segment(1, 2)], "is a normal video, but has times here"),
        (CRASHED, [Segment(2, 2)], "not 2 to 2 s"),
        (CRASHED, [Segment(-1, 2)], "not -1 to 2 s"),
        (CRASHED, [Segment(1, 2), Segment(1, float("nan"))], "not 1 to nan s"),
        (CRASHED, [Segment(1, float("inf"))], "not 1 to inf s"),
    ],
)
def test_wrong_times_are_refused(folder: Path, video: str, segments: list[Segment], message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        with_times(read_ucf_crime(folder), {video: segments}, protocol="p")


def test_times_are_filled_in_once(folder: Path) -> None:
    times = {CRASHED: [Segment(1, 2)]}
    found = with_times(read_ucf_crime(folder), times, protocol="p")
    with pytest.raises(AnnotationError, match="'RoadAccidents001_x264' has times already"):
        with_times(found, times, protocol="p")


@pytest.mark.parametrize("name", FILES)
def test_missing_empty_and_binary_files_are_named(folder: Path, name: str) -> None:
    for content, message in ((b"\n \n", "is empty"), (b"Arson\xff\n", ":1: is not UTF-8"), (b"x" * 70_000, "longer")):
        (folder / name).write_bytes(content)
        with pytest.raises(AnnotationError, match=message) as caught:
            read_ucf_crime(folder)
        assert str(folder / name) in str(caught.value)
    (folder / name).unlink()
    with pytest.raises(AnnotationError, match="no such file"):
        read_ucf_crime(folder)


@pytest.fixture(scope="module")
def valid() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield write(Path(name))


def survives(valid: Path, name: str, content: bytes) -> None:
    """With one file replaced, reading succeeds or raises AnnotationError; videos that come out keep the rules."""
    found, refused = None, (False, False)
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(valid, copy, dirs_exist_ok=True)
        Path(copy, name).write_bytes(content)
        try:
            found = read_ucf_crime(copy)
        except AnnotationError as error:
            refused = (bool(error.remedy), copy in str(error))
    if found is None:
        assert refused == (True, True), "an error says where and what to do"
        return
    assert len({video.video for video in found.videos}) == len(found.videos)
    for video in found.of("test"):
        assert all(0 <= s.start_s < s.end_s for s in video.segments or ())
        assert bool(video.segments) == (video.label in UCF_CLASSES)


@given(name=st.sampled_from(FILES), content=st.binary(max_size=60) | st.text(max_size=40).map(lambda t: t.encode()))
@settings(max_examples=60, deadline=None)
def test_random_bytes_raise_only_annotation_errors(valid: Path, name: str, content: bytes) -> None:
    survives(valid, name, content)


@given(name=st.sampled_from(FILES), seed=st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_damaged_files_raise_only_annotation_errors(valid: Path, name: str, seed: int) -> None:
    rng = random.Random(seed)
    content = bytearray((valid / name).read_bytes())
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(content))
        match rng.randrange(3):
            case 0:
                content[place] = rng.choice(b"0123456789-. /\\_\n\r\xff\x00Nxm")
            case 1:
                del content[place : place + rng.randint(1, 30)]
            case _:
                content[place:place] = content[rng.randrange(len(content)) :][: rng.randint(1, 60)]
        if not content:
            break
    survives(valid, name, bytes(content))


@given(
    fields=st.lists(st.sampled_from(["-1", "1", "0", "33", "9999999", "1e3", "-0", "+4", "٣", "Normal"]), max_size=5)
)
@settings(max_examples=60, deadline=None)
def test_random_fields_raise_only_annotation_errors(valid: Path, fields: list[str]) -> None:
    text = (valid / TEMPORAL).read_text().replace("15  33  -1  -1", "  ".join(fields))
    survives(valid, TEMPORAL, text.encode())
