"""Scenes to ragged columns and back, empty frames included."""

from __future__ import annotations

import numpy as np

from hawkeye_core.extraction.columns import (
    pose_columns,
    relation_columns,
    split_poses,
    split_relations,
    vision_columns,
)
from hawkeye_core.scene import FramePose, FrameRelations, FrameVision


def pose(people: int, seed: int) -> FramePose:
    rng = np.random.default_rng(seed)
    return FramePose(*(rng.random((people, *tail), np.float32) for tail in ((17, 3), (), (4,))))


def scene(objects: int, relations: int, seed: int) -> FrameRelations:
    rng = np.random.default_rng(seed)
    return FrameRelations(
        rng.integers(0, 151, objects).astype(np.int32),
        rng.random(objects, np.float32),
        rng.random((objects, 4), np.float32),
        rng.integers(0, max(objects, 1), relations).astype(np.int32),
        rng.integers(0, 51, relations).astype(np.int32),
        rng.integers(0, max(objects, 1), relations).astype(np.int32),
        rng.random(relations, np.float32),
    )


def equal(one: object, other: object) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in type(one).__slots__)


def test_poses_survive_the_round_trip() -> None:
    poses = [pose(2, 0), pose(0, 1), pose(5, 2)]
    columns = pose_columns(poses, [np.full(len(p.score), -1, np.int32) for p in poses])
    assert columns.n_people.tolist() == [2, 0, 5]
    assert columns.keypoints.shape == (7, 17, 3)
    assert all(equal(a, b) for a, b in zip(poses, split_poses(columns), strict=True))


def test_relations_survive_the_round_trip() -> None:
    scenes = [scene(0, 0, 0), scene(3, 4, 1), scene(1, 0, 2)]
    columns = relation_columns(scenes)
    assert columns.n_objects.tolist() == [0, 3, 1]
    assert columns.n_relations.tolist() == [0, 4, 0]
    assert all(equal(a, b) for a, b in zip(scenes, split_relations(columns), strict=True))


def test_frames_without_anything_keep_shapes_and_types() -> None:
    columns = relation_columns([scene(0, 0, 0)] * 2)
    assert columns.object_box.shape == (0, 4)
    assert columns.predicate.dtype == np.int32
    people = pose_columns([pose(0, 0)] * 2, [np.zeros(0, np.int32)] * 2)
    assert people.keypoints.shape == (0, 17, 3)


def test_vision_tokens_are_stacked_by_frame_and_by_object() -> None:
    tokens = [
        FrameVision(np.full((4, 8), i, np.float16), np.full(8, i, np.float16), np.full((n, 8), i, np.float16))
        for i, n in enumerate((0, 2, 1))
    ]
    columns = vision_columns(tokens)
    assert columns.frame_tokens.shape == (3, 4, 8)
    assert columns.masked_token[:, 0].tolist() == [0, 1, 2]
    assert columns.object_tokens[:, 0].tolist() == [1, 1, 2]
    assert columns.n_objects.tolist() == [0, 2, 1]
    assert columns.object_tokens.dtype == np.float16
