"""From annotation files to tables, cards and findings."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from hawkeye_core.answers.render import NO_SEGMENT
from hawkeye_core.datasets.instructions.build import TABLE, build
from hawkeye_core.datasets.instructions.config import DatasetSettings
from hawkeye_core.datasets.instructions.files import read_table
from hawkeye_core.datasets.instructions.rows import SCHEMA
from hawkeye_core.datasets.instructions.sources import read_sources
from hawkeye_core.errors import AnnotationError
from hawkeye_core.settings import load_settings
from hawkeye_core.training.annotations import read_annotations

from .small_sets import write_tsl300, write_ucf_crime


@pytest.fixture
def settings(tmp_path: Path) -> DatasetSettings:
    return load_settings(
        DatasetSettings,
        values={
            "out": str(tmp_path / "out"),
            "tsl300": {"annotations": str(write_tsl300(tmp_path / "tsl300"))},
            "ucf_crime": {"annotations": str(write_ucf_crime(tmp_path / "ucf"))},
        },
    )


def write_video(path: Path, *, seconds: float, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for k in range(round(seconds * 10)):
        writer.write(np.full((48, 64, 3), (shade + k) % 256, np.uint8))
    writer.release()


def test_all_videos_of_both_sets_become_rows(settings: DatasetSettings) -> None:
    built = build(settings, read_sources(settings))
    rows = {row.video: row for row in built.rows}
    assert len(rows) == 3 + 2 + 2  # the normal training video is left out, as in the paper
    assert rows["Abuse001_x264"].sentiment == "S-D"
    assert rows["1_Ekman6_joy_1"].sentiment == "S-S"
    assert [(s.start_s, s.end_s) for s in rows["Abuse001_x264"].segments] == [(1.0, 4.0), (6.0, 8.0)]
    assert [s.end_s for s in rows["3_Ekman6_joy_3"].segments] == [50.0]  # clipped to the video
    assert rows["2_Ekman6_joy_2"].answer == NO_SEGMENT
    assert "who hits a child" in rows["Abuse001_x264"].answer
    assert built.usable


def test_the_table_is_read_back_as_it_was_written(settings: DatasetSettings) -> None:
    built = build(settings, read_sources(settings))
    assert tuple(read_table(built.folder / TABLE)) == built.rows
    table = pq.read_table(built.folder / TABLE)
    assert table.schema.equals(SCHEMA)
    assert table["answer"].to_pylist() == [row.answer for row in built.rows]


def test_the_trainer_reads_the_annotations(settings: DatasetSettings) -> None:
    built = build(settings, read_sources(settings))
    read = {item.video: item for item in read_annotations(built.folder / "annotations.jsonl")}
    for row in built.rows:
        assert tuple(read[row.video].timeline()) == row.segments
        assert read[row.video].question == row.question
    sparse = read_annotations(built.folder / "s-s.jsonl")
    assert {item.video for item in sparse} == {row.video for row in built.rows if row.sentiment == "S-S"}


def test_conversations_are_llavas(settings: DatasetSettings) -> None:
    built = build(settings, read_sources(settings))
    lines = [json.loads(line) for line in (built.folder / "llava.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [row.video for row in built.rows if row.split == "train"]
    human, gpt = lines[0]["conversations"]
    assert human["from"] == "human"
    assert human["value"].startswith("<video>\n")
    assert gpt == {"from": "gpt", "value": built.rows[0].answer}


def test_the_same_files_give_the_same_bytes(settings: DatasetSettings, tmp_path: Path) -> None:
    first = build(settings, read_sources(settings))
    second = build(settings.model_copy(update={"out": str(tmp_path / "again")}), read_sources(settings))
    assert first.card.tables == second.card.tables
    assert first.card.files
    other = build(settings.model_copy(update={"seed": 1}), read_sources(settings))
    assert other.card.tables[TABLE] != first.card.tables[TABLE]


def test_the_card_counts_and_says_what_was_left_out(settings: DatasetSettings) -> None:
    card = build(settings, read_sources(settings)).card
    dense = card.sets["S-D train"]
    assert (dense.videos, dense.segments, dense.segments_per_video) == (2, 3, 1.5)
    assert dense.base_rate == pytest.approx(6.5 / 20, abs=1e-4)
    assert card.sets["S-S test"].mean_segment_s == 30.0
    assert any(rule.startswith("dropped: normal training video") for rule in card.remarks)
    text = (Path(settings.out) / "card.md").read_text()
    assert "| S-D train | 2 | 2 | 3 | 1.50 | 810 videos, 1.09 |" in text


def test_missing_broken_and_twin_videos_are_found(settings: DatasetSettings, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    write_video(videos / "Abuse/Abuse001_x264.mp4", seconds=10, shade=10)
    write_video(videos / "Arson002_x264.mp4", seconds=2, shade=90)  # too short for its segment, and not in its folder
    (videos / "Robbery").mkdir()
    (videos / "Robbery/Robbery050_x264.mp4").write_bytes(b"no video at all")
    twin = videos / "Testing_Normal_Videos_Anomaly/Normal_Videos_003_x264.mp4"
    twin.parent.mkdir()
    twin.write_bytes((videos / "Abuse/Abuse001_x264.mp4").read_bytes())
    ucf = settings.ucf_crime
    assert ucf is not None
    located = settings.model_copy(update={"ucf_crime": ucf.model_copy(update={"videos": str(videos)}), "tsl300": None})
    built = build(located, read_sources(located))
    found = {(one.severity, one.rule, one.video) for one in built.findings}
    assert found == {
        ("error", "segment ends behind the file", "Arson002_x264"),
        ("missing", "cannot be decoded", "Robbery050_x264"),
        ("error", "same content", "Abuse001_x264"),
    }
    assert not built.usable
    lines = (built.folder / "findings.jsonl").read_text().splitlines()
    assert len(lines) == 3
    nowhere = located.model_copy(update={"ucf_crime": ucf.model_copy(update={"videos": str(tmp_path / "no")})})
    missing = build(nowhere, read_sources(nowhere))
    assert {one.rule for one in missing.findings} == {"no video file"}
    assert missing.usable


def test_settings_without_a_set_say_what_to_give() -> None:
    with pytest.raises(Exception, match=r"tsl300\.annotations"):
        load_settings(DatasetSettings)


def test_a_video_in_two_sets_is_refused(settings: DatasetSettings, tmp_path: Path) -> None:
    sources = read_sources(settings)
    with pytest.raises(AnnotationError, match="occurs in tsl300 and in ucf-crime"):
        build(settings, [sources[0], type(sources[1])("ucf-crime", "x", sources[0].videos)])
