"""From per-frame scenes to the store's ragged columns and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns, VisionColumns
from hawkeye_core.scene import FrameBatch, FramePose, FrameRelations, FrameVision

JOINTS = 17


def frame_columns(batch: FrameBatch) -> FrameColumns:
    """Number, times and size of each frame of a batch."""
    frames, height, width = batch.images.shape[:3]
    return FrameColumns(
        frame=batch.index.astype(np.int32),
        time=batch.time.astype(np.float64),
        pts=batch.pts.astype(np.float64),
        width=np.full(frames, width, np.int32),
        height=np.full(frames, height, np.int32),
    )


def pose_columns(poses: Sequence[FramePose], previous: Sequence[NDArray[np.int32]]) -> PoseColumns:
    """Concatenate the people of T frames.

    Args:
        poses: One entry a frame.
        previous: One [P] array a frame: index of the same person in the frame before, -1 if new.
    """
    return PoseColumns(
        n_people=np.array([len(pose.score) for pose in poses], np.int32),
        keypoints=_stack([pose.keypoints for pose in poses], np.float32, (JOINTS, 3)),
        score=_stack([pose.score for pose in poses], np.float32, ()),
        box=_stack([pose.box for pose in poses], np.float32, (4,)),
        previous=_stack(list(previous), np.int32, ()),
    )


def relation_columns(scenes: Sequence[FrameRelations]) -> RelationColumns:
    """Concatenate the objects and relations of T frames."""
    return RelationColumns(
        n_objects=np.array([len(scene.object_class) for scene in scenes], np.int32),
        object_class=_stack([scene.object_class for scene in scenes], np.int32, ()),
        object_score=_stack([scene.object_score for scene in scenes], np.float32, ()),
        object_box=_stack([scene.object_box for scene in scenes], np.float32, (4,)),
        n_relations=np.array([len(scene.predicate) for scene in scenes], np.int32),
        subject=_stack([scene.subject for scene in scenes], np.int32, ()),
        predicate=_stack([scene.predicate for scene in scenes], np.int32, ()),
        object=_stack([scene.object for scene in scenes], np.int32, ()),
        relation_score=_stack([scene.score for scene in scenes], np.float32, ()),
    )


def vision_columns(tokens: Sequence[FrameVision]) -> VisionColumns:
    """Concatenate the tokens of T frames (T >= 1)."""
    width = tokens[0].masked_token.shape[-1]
    return VisionColumns(
        frame_tokens=np.stack([token.frame_tokens for token in tokens]).astype(np.float16, copy=False),
        masked_token=np.stack([token.masked_token for token in tokens]).astype(np.float16, copy=False),
        n_objects=np.array([len(token.object_tokens) for token in tokens], np.int32),
        object_tokens=_stack([token.object_tokens for token in tokens], np.float16, (width,)),
    )


def split_poses(columns: PoseColumns) -> list[FramePose]:
    """One :class:`FramePose` a frame: the inverse of :func:`pose_columns`."""
    people = np.cumsum(columns.n_people)[:-1]
    return [
        FramePose(keypoints, score, box)
        for keypoints, score, box in zip(
            np.split(columns.keypoints, people),
            np.split(columns.score, people),
            np.split(columns.box, people),
            strict=True,
        )
    ]


def split_relations(columns: RelationColumns) -> list[FrameRelations]:
    """One :class:`FrameRelations` a frame: the inverse of :func:`relation_columns`."""
    objects, relations = np.cumsum(columns.n_objects)[:-1], np.cumsum(columns.n_relations)[:-1]
    return [
        FrameRelations(*parts)
        for parts in zip(
            np.split(columns.object_class, objects),
            np.split(columns.object_score, objects),
            np.split(columns.object_box, objects),
            np.split(columns.subject, relations),
            np.split(columns.predicate, relations),
            np.split(columns.object, relations),
            np.split(columns.relation_score, relations),
            strict=True,
        )
    ]


def _stack(parts: Sequence[NDArray], dtype: type, tail: tuple[int, ...]) -> NDArray:
    """Concatenate arrays [n_i, *tail]; works for no parts and for empty ones."""
    kept: list[NDArray] = [np.asarray(part, dtype).reshape(-1, *tail) for part in parts]
    return np.concatenate(kept) if kept else np.zeros((0, *tail), dtype)
