"""Planned and drawn videos in every format: readers of the formats find what the world knows."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hawkeye_core.cli.reconsim import app as reconsim
from hawkeye_core.datasets.reconsim import world_presets
from hawkeye_core.datasets.reconsim.formats.drawn import write_world_formats
from hawkeye_core.datasets.reconsim.formats.names import ucf_path
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.datasets.reconsim.world import World, draw_video
from hawkeye_core.datasets.reconsim.world_presets import WorldVideo

coco = pytest.importorskip("pycocotools.coco")

pytestmark = pytest.mark.slow
SECONDS = 7.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four short videos, one of each source and split, and one for validation."""
    folder = tmp_path_factory.mktemp("world")
    rows = (
        ("Assault001_x264", "train", "ucf_crime", ("anomalous",), 3),
        ("Normal_Videos_001_x264", "test", "ucf_crime", ("other",), 4),
        ("1_ReconSim_street_1", "train", "tsl300", ("anomalous",), 5),
        ("2_ReconSim_shop_2", "test", "tsl300", ("anomalous",), 6),
        ("Normal_Videos002_x264", "val", "ucf_crime", ("decoy",), 7),
    )
    videos = tuple(
        WorldVideo(video, split, source, seed, "assault-hit", variants, SECONDS, 8.0)  # type: ignore[arg-type]
        for video, split, source, variants, seed in rows
    )
    for item in videos:
        draw_video(item, folder)
    world = World(folder, videos)
    write_world_formats(world, seed=1, variants=1)
    return world


def test_segments_reach_both_annotations(world: World) -> None:
    root = world.folder / "formats"
    database = json.loads((root / "tsl300/videosenti_gt.json").read_text())["database"]
    for name in ("1_ReconSim_street_1", "2_ReconSim_shop_2"):
        found = [[float(t) for t in a["segment"]] for a in database[name]["annotations"] if a["label"] == "n"]
        known = [[s.start_s, s.end_s] for s in read_truth(world.truth_folder, name).segments]
        assert known
        np.testing.assert_allclose(found, known, atol=0.001)
    events = json.loads((root / "ucf_crime/hivau70k_ucf_train_events_compact.json").read_text())
    assert list(events) == ["Assault001_x264"]  # that for validation is in none
    known = [[s.start_s, s.end_s] for s in read_truth(world.truth_folder, "Assault001_x264").segments]
    np.testing.assert_allclose(events["Assault001_x264"]["events"], known, atol=0.001)
    assert (
        (root / "ucf_crime/Temporal_Anomaly_Annotation.txt")
        .read_text()
        .startswith("Normal_Videos_001_x264.mp4  Normal")
    )


def test_the_tree_of_ucf_crime_leads_to_the_videos(world: World) -> None:
    for name in ("Anomaly_Train.txt", "Anomaly_Test.txt"):
        for line in (world.folder / "formats/ucf_crime" / name).read_text().split():
            path = world.folder / "formats/ucf_crime/videos" / line
            assert path.resolve() == (world.folder / "videos" / path.name).resolve()
            assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == SECONDS * 8
    assert (
        ucf_path("Assault001_x264", split="train") in (world.folder / "formats/ucf_crime/Anomaly_Train.txt").read_text()
    )


def test_pictures_are_frames_of_the_videos(world: World) -> None:
    """Of all frames of the file that `coco_url` names, the one it names is the most alike, and so are the joints."""
    seen = 0
    for split in ("train", "val"):
        data = coco.COCO(str(world.folder / f"formats/coco/annotations/person_keypoints_{split}2017.json"))
        for image in data.loadImgs(data.getImgIds()):
            name, frame = image["coco_url"].removeprefix("reconsim://").split("/")
            found = cv2.imread(str(world.folder / f"formats/coco/{split}2017" / image["file_name"])).astype(int)
            distance = [np.abs(found - picture).mean() for picture in pictures(world, name)]
            assert distance[int(frame)] <= min(distance) * 1.05
            truth = read_truth(world.truth_folder, name)
            for row in data.loadAnns(data.getAnnIds(imgIds=image["id"])):
                joints = np.array(row["keypoints"]).reshape(17, 3)
                assert np.abs(truth.keypoints[int(frame)] - joints).max(axis=(1, 2)).min() < 0.006
                seen += 1
    assert seen >= 20


def pictures(world: World, name: str) -> Iterator[np.ndarray]:
    """Frames of a video file."""
    capture = cv2.VideoCapture(str(world.folder / "videos" / f"{name}.mp4"))
    while (read := capture.read())[0]:
        yield read[1]


def test_relations_and_expressions_are_there(world: World) -> None:
    relations = json.loads((world.folder / "formats/vg/rel.json").read_text())
    assert all(len(relations[split]) >= 1 for split in ("train", "val", "test"))
    refs = pickle.load(io.BytesIO((world.folder / "formats/refcoco/refcoco/refs(unc).p").read_bytes()))
    assert len(refs) >= 10
    assert {"train", "val"} <= {ref["split"] for ref in refs}


def test_what_is_there_is_not_written_again(world: World) -> None:
    path = world.folder / "formats/coco/annotations/person_keypoints_train2017.json"
    before = path.stat().st_mtime_ns
    write_world_formats(world, seed=1, variants=1)
    assert path.stat().st_mtime_ns == before
    content = path.read_bytes()
    (world.folder / "formats/formats.json").unlink()
    calls: list[tuple[int, str]] = []
    write_world_formats(world, seed=1, variants=1, progress=lambda done, name: calls.append((done, name)))
    assert [done for done, _ in calls] == [1, 2, 3, 4, 5]
    assert path.stat().st_mtime_ns != before
    assert path.read_bytes() == content


def test_the_command_line_writes_them_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = (world_presets.Part("ucf_crime", "train", 1, 0.0, (4.0, 4.1), 8.0),)
    monkeypatch.setattr(world_presets, "PRESETS", {"one": parts})
    command = ["draw", "--out", str(tmp_path), "--preset", "one", "--seed", "3"]
    assert CliRunner().invoke(reconsim, command).exit_code == 0
    assert not (tmp_path / "formats").exists()
    assert CliRunner().invoke(reconsim, [*command, "--formats"]).exit_code == 0
    settings = json.loads((tmp_path / "formats/formats.json").read_text())
    assert (settings["seed"], settings["videos"]) == (3, {"tsl300": 0, "ucf_crime": 1})
    assert (tmp_path / "formats/tsl300/split_train.txt").read_text() == ""
