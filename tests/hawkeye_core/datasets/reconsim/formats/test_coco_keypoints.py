"""COCO keypoints, read by pycocotools and by the project's own reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.formats.coco_keypoints import SEGMENT_SHARE, write_coco_keypoints
from hawkeye_core.pose.config import SidecarPoseSettings
from hawkeye_core.pose.sidecar import SidecarPoseBackend
from hawkeye_core.scene import FrameBatch

coco = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")


@pytest.fixture
def videos(make_video: Any) -> list[Any]:
    return [make_video("Assault001_x264"), make_video("Normal_Videos_002_x264", split="test")]


def labels(folder: Path, split: str) -> Any:
    return coco.COCO(str(folder / f"annotations/person_keypoints_{split}2017.json"))


def test_pycocotools_reads_the_truth(videos: list[Any], tmp_path: Path) -> None:
    write_coco_keypoints(tmp_path, iter(videos), pictures=5)
    for split, video in (("train", videos[0]), ("val", videos[1])):
        found = labels(tmp_path, split)
        assert found.loadCats(found.getCatIds())[0]["name"] == "person"
        images = found.loadImgs(found.getImgIds())
        frames = [int(image["coco_url"].rsplit("/", 1)[1]) for image in images]
        assert frames == [4, 12, 20, 28, 36]
        for frame, image in zip(frames, images, strict=True):
            rows = found.loadAnns(found.getAnnIds(imgIds=image["id"]))
            assert len(rows) == 3
            for person, row in enumerate(rows):
                joints = np.array(row["keypoints"]).reshape(17, 3)
                np.testing.assert_allclose(joints, video.truth.keypoints[frame, person], atol=0.006)
                assert row["num_keypoints"] == 16
                x, y, w, h = row["bbox"]
                np.testing.assert_allclose([x, y, x + w, y + h], video.truth.boxes[frame, person], atol=0.016)
                assert row["area"] == pytest.approx(w * h * SEGMENT_SHARE)
                assert found.annToMask(row).sum() == pytest.approx(w * h, rel=0.05)
            picture = cv2.imread(str(tmp_path / f"{split}2017" / image["file_name"]))
            assert picture.shape == (image["height"], image["width"], 3)
            assert abs(int(picture[0, 0, 0]) - frame) <= 1


def test_who_cannot_be_seen_is_not_there(videos: list[Any], tmp_path: Path) -> None:
    """The second man in frame 0, and the woman in frame 2, of whom a twentieth is seen."""
    videos[0].truth.visible[2, 2] = 0.05
    write_coco_keypoints(tmp_path, videos[:1], pictures=40)
    found = labels(tmp_path, "train")
    assert [len(found.getAnnIds(imgIds=number)) for number in (1, 2, 3)] == [2, 3, 2]


def test_evaluation_of_the_truth_itself_is_perfect(videos: list[Any], tmp_path: Path) -> None:
    write_coco_keypoints(tmp_path, videos)
    truth = labels(tmp_path, "train")
    results = [
        {"image_id": row["image_id"], "category_id": 1, "keypoints": row["keypoints"], "score": 1.0}
        for row in truth.dataset["annotations"]
    ]
    judge = cocoeval.COCOeval(truth, truth.loadRes(results), "keypoints")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def test_the_own_reader_reads_it(videos: list[Any], tmp_path: Path) -> None:
    """Numbers of pictures stand for numbers of frames."""
    write_coco_keypoints(tmp_path, videos[:1], pictures=5)
    sidecar = tmp_path / "sidecar"
    sidecar.mkdir()
    (sidecar / "clip.json").write_bytes((tmp_path / "annotations/person_keypoints_train2017.json").read_bytes())
    number = np.arange(1, 6)
    batch = FrameBatch("clip", number, number / 8.0, number / 8.0, number, np.zeros((5, 240, 320, 3), np.uint8))
    found = SidecarPoseBackend(SidecarPoseSettings(path=str(sidecar))).detect(batch)
    assert [len(frame.score) for frame in found] == [3] * 5
    np.testing.assert_allclose(found[0].box[0], videos[0].truth.boxes[4, 0], atol=0.016)


def test_keys_are_those_that_coco_publishes(videos: list[Any], tmp_path: Path) -> None:
    path = write_coco_keypoints(tmp_path, videos)[0]
    content = json.loads(path.read_text())
    assert list(content) == ["info", "licenses", "images", "annotations", "categories"]
    assert list(content["images"][0]) == [
        "license", "file_name", "coco_url", "height", "width", "date_captured", "flickr_url", "id",
    ]  # fmt: skip
    assert list(content["annotations"][0]) == [
        "segmentation", "num_keypoints", "area", "iscrowd", "keypoints", "image_id", "bbox", "category_id", "id",
    ]  # fmt: skip
    assert content["categories"][0]["skeleton"][:4] == [[16, 14], [14, 12], [17, 15], [15, 13]]
    assert len(content["categories"][0]["skeleton"]) == 19
