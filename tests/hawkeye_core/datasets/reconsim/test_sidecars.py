"""Truth as sidecar files, read back by the backends that import them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.sidecars import write_sidecars
from hawkeye_core.datasets.reconsim.truth import RelationSpan, VideoTruth
from hawkeye_core.pose.config import SidecarPoseSettings
from hawkeye_core.pose.sidecar import SidecarPoseBackend
from hawkeye_core.relation.config import SidecarRelationSettings
from hawkeye_core.relation.sidecar import SidecarRelationBackend
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.scene import FrameBatch


@pytest.fixture
def truth() -> VideoTruth:
    """Two people and a bag in three frames; the second person is hidden in frame 1, the bag gone in frame 2."""
    frames, people = 3, 2
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(20, 60, (frames, people, 17, 3)).astype(np.float32)
    keypoints[..., 2] = 2
    keypoints[0, 0, 9] = (40, 50, 1)
    keypoints[0, 0, 10] = 0
    boxes = np.tile(np.array([[10, 10, 70, 70], [15, 12, 65, 66], [30, 30, 40, 44]], np.float32), (frames, 1, 1))
    visible = np.ones((frames, 3), np.float32)
    visible[1, 1] = 0.02
    visible[2, 2], boxes[2, 2] = 0, np.nan
    return VideoTruth(
        video="clip", split="train", fps=8.0, width=320, height=240, view="oblique", place="street", light="day",
        scenario="walk", entities=("man", "woman", "bag"), n_people=people, keypoints=keypoints, boxes=boxes,
        visible=visible, body=np.zeros((frames, people, 22, 3), np.float32), actions=(),
        relations=(RelationSpan(0, "near", 1, 0.0, 10.0), RelationSpan(0, "holding", 2, 0.0, 10.0)), segments=(),
    )  # fmt: skip


def batch(truth: VideoTruth) -> FrameBatch:
    number = np.arange(truth.n_frames)
    images = np.zeros((truth.n_frames, truth.height, truth.width, 3), np.uint8)
    return FrameBatch("clip", number, number / 8.0, number / 8.0, number, images)


def test_the_backends_read_back_what_is_known(truth: VideoTruth, tmp_path: Path) -> None:
    pose, relations = write_sidecars(truth, tmp_path)
    found = SidecarPoseBackend(SidecarPoseSettings(path=str(pose.parent))).detect(batch(truth))
    assert [len(frame.score) for frame in found] == [2, 1, 2]
    first = found[0].keypoints[0]
    np.testing.assert_allclose(first[0, :2], truth.keypoints[0, 0, 0, :2], atol=0.01)
    assert first[[0, 9, 10], 2].tolist() == [1.0, 0.5, 0.0]
    np.testing.assert_allclose(found[0].box[0], truth.boxes[0, 0], atol=0.01)

    graphs = SidecarRelationBackend(SidecarRelationSettings(path=str(relations.parent))).detect(batch(truth))
    names = {index: name for name, index in OBJECT_INDEX.items()}
    assert sorted(names[int(c)] for c in graphs[0].object_class) == ["bag", "man", "woman"]
    assert sorted(graphs[0].predicate.tolist()) == sorted([PREDICATE_INDEX["near"], PREDICATE_INDEX["holding"]])
    assert [len(graph.predicate) for graph in graphs] == [2, 1, 1]
