"""UCF-Crime's and HIVAU-70k's files against the truth and against the real ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.formats.names import UCF_CLASSES, ucf_class, ucf_class_of, ucf_name, ucf_path
from hawkeye_core.datasets.reconsim.formats.ucf_crime import write_ucf_crime
from hawkeye_core.datasets.reconsim.scenarios import CATEGORIES
from hawkeye_core.datasets.reconsim.truth import ActionSpan
from hawkeye_core.errors import AnnotationError

FILES = {
    "Anomaly_Train.txt", "Anomaly_Test.txt", "Temporal_Anomaly_Annotation.txt",
    "hivau70k_ucf_train_events_compact.json", "hivau70k_ucf_test_events_compact.json",
    "hivau70k_ucf_train_video_summary_anomalous.json",
}  # fmt: skip
CRASH = (
    Segment(1.5, 2.75, "road accident", "a car hits a man"),
    Segment(3.1, 4.0, "road accident", "a car hits a woman."),
)
SHOT = Segment(0.0, 1.1, "shooting", "a man is aiming at a woman")


@pytest.fixture
def folder(make_video: Any, tmp_path: Path) -> Path:
    ordinary = (
        ActionSpan(0, 0.0, 5.0, "walk", ""),
        ActionSpan(1, 1.0, 2.5, "wave", ""),
        ActionSpan(0, 2, 3, "sit_down", ""),
    )
    videos = [
        make_video(ucf_name("shooting", 12, split="test"), split="test", segments=(SHOT,)),
        make_video(ucf_name("road accident", 3, split="test"), split="test", segments=CRASH),
        make_video(ucf_name(None, 1, split="test"), split="test"),
        make_video(ucf_name(None, 2, split="train"), actions=ordinary),
        make_video(ucf_name("road accident", 1, split="train"), segments=CRASH),
    ]
    paths = write_ucf_crime(tmp_path, iter(videos))
    assert {path.name for path in paths} == FILES == {path.name for path in tmp_path.iterdir()}
    return tmp_path


def test_frame_numbers_are_thirtieths_of_a_second(folder: Path) -> None:
    """Whatever the video's own rate; they count from 1."""
    assert (folder / "Temporal_Anomaly_Annotation.txt").read_text() == (
        "Normal_Videos_001_x264.mp4  Normal  -1  -1  -1  -1  \n"
        "RoadAccidents003_x264.mp4  RoadAccidents  45  82  93  120  \n"
        "Shooting012_x264.mp4  Shooting  1  33  -1  -1  \n"
    )


def test_lists_of_videos(folder: Path) -> None:
    assert (folder / "Anomaly_Train.txt").read_text().split() == [
        "RoadAccidents/RoadAccidents001_x264.mp4",
        "Training_Normal_Videos_Anomaly/Normal_Videos002_x264.mp4",
    ]
    assert (folder / "Anomaly_Test.txt").read_text().split() == [
        "RoadAccidents/RoadAccidents003_x264.mp4",
        "Shooting/Shooting012_x264.mp4",
        "Testing_Normal_Videos_Anomaly/Normal_Videos_001_x264.mp4",
    ]


def test_events_are_in_seconds_of_the_video(folder: Path) -> None:
    rows = json.loads((folder / "hivau70k_ucf_train_events_compact.json").read_text())
    assert rows == {
        "RoadAccidents001_x264": {
            "n_frames": 40,
            "fps": 8.0,
            "label": ["RoadAccidents"],
            "events": [[1.5, 2.75], [3.1, 4.0]],
        },
        "Normal_Videos002_x264": {"n_frames": 40, "fps": 8.0, "label": [], "events": [[1.0, 3.0]]},  # ordinary ones
    }
    texts = json.loads((folder / "hivau70k_ucf_train_video_summary_anomalous.json").read_text())
    assert texts == {
        "RoadAccidents001_x264": (
            "An anomaly exists. Road accident, as a car hits a man. Road accident, as a car hits a woman."
        )
    }


@pytest.mark.parametrize("name", ["Anomaly_Train.txt", "Anomaly_Test.txt", "Temporal_Anomaly_Annotation.txt"])
def test_lines_are_spelled_as_the_real_ones(folder: Path, real: Path, name: str) -> None:
    """Every line of either fits the same pattern; both are sorted and end with a line end."""
    classes = "|".join(UCF_CLASSES)
    anomalous = rf"({classes})/\1\d{{3}}_x264\.mp4"
    patterns = {
        "Anomaly_Train.txt": rf"{anomalous}|Training_Normal_Videos_Anomaly/Normal_Videos\d{{3}}_x264\.mp4",
        "Anomaly_Test.txt": rf"{anomalous}|Testing_Normal_Videos_Anomaly/Normal_Videos_\d{{3}}_x264\.mp4",
        "Temporal_Anomaly_Annotation.txt": (
            rf"({classes})\d{{3}}_x264\.mp4  \1  [1-9]\d*  \d+  (-1  -1|\d+  \d+)  "
            r"|Normal_Videos_\d{3}_x264\.mp4  Normal  -1  -1  -1  -1  "
        ),
    }
    for root in (folder, real / "ucf_crime"):
        text = (root / name).read_text()
        assert text.endswith("\n")
        lines = text[:-1].split("\n")
        assert [line for line in lines if not re.fullmatch(patterns[name], line)] == []
        assert lines == sorted(lines)


@pytest.mark.parametrize("split", ["train", "test"])
def test_events_have_the_structure_of_the_real_ones(folder: Path, real: Path, split: str) -> None:
    name = f"hivau70k_ucf_{split}_events_compact.json"
    texts = [(root / name).read_text() for root in (folder, real / "ucf_crime")]
    shapes = []
    for text in texts:
        rows = json.loads(text)
        assert text == json.dumps(rows, separators=(",", ":"))
        names = {re.sub(r"\d+_x264$", "", video) for video in rows}
        assert names <= {*UCF_CLASSES, "Normal_Videos", "Normal_Videos_"}
        assert all(row["label"] == ([] if v.startswith("Normal") else [ucf_class_of(v)]) for v, row in rows.items())
        times = {(type(t), len(event)) for row in rows.values() for event in row["events"] for t in event}
        shapes.append(({tuple((k, type(v)) for k, v in row.items()) for row in rows.values()}, times))
    assert shapes[0][0] == shapes[1][0]
    assert shapes[0][1] <= shapes[1][1]  # two of the real times are whole numbers


def test_summaries_are_texts_by_video(folder: Path, real: Path) -> None:
    for root in (folder, real / "ucf_crime"):
        rows = json.loads((root / "hivau70k_ucf_train_video_summary_anomalous.json").read_text())
        assert all(ucf_class_of(video) in UCF_CLASSES and isinstance(text, str) for video, text in rows.items())


def test_names_of_the_real_videos_are_taken_apart(real: Path) -> None:
    for split in ("Train", "Test"):
        for path in (real / f"ucf_crime/Anomaly_{split}.txt").read_text().split():
            assert ucf_path(Path(path).stem, split=split.lower()) == path


def test_every_category_has_its_folder() -> None:
    assert {ucf_class(category) for category in CATEGORIES} == set(UCF_CLASSES)
    with pytest.raises(AnnotationError, match="'littering' is no class of UCF-Crime"):
        ucf_class("littering")


@pytest.mark.parametrize(
    ("name", "split", "segments", "message"),
    [
        ("Shooting001_x264", "train", CRASH, "holds segments of RoadAccidents"),
        ("Normal_Videos001_x264", "train", CRASH, "holds segments of RoadAccidents"),
        ("Shooting001_x264", "train", (), "holds segments of Normal"),
        ("Shooting001_x264", "test", (SHOT,) * 3, "3 segments; a line of the temporal annotation holds 2"),
        ("Shooting001_x264", "val", (SHOT,), "no split 'val'"),
        ("shooting1", "train", (SHOT,), "'shooting1' is no name"),
    ],
)
def test_what_it_cannot_hold_is_an_error(
    make_video: Any, tmp_path: Path, name: str, split: str, segments: tuple[Segment, ...], message: str
) -> None:
    with pytest.raises(AnnotationError, match=message):
        write_ucf_crime(tmp_path, [make_video(name, split=split, segments=segments)])
