"""Videos with all features in memory: of a store, or drawn on the spot, with graphs of the truth.

Legend: T frames of a video, S people or objects of them, R relations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns, VisionColumns
from feature_store.window import FrameTensors, PoseTensors, RelationTensors, VisionTensors, Window
from hawkeye_core.backend import VisionBackend
from hawkeye_core.datasets.reconsim.plan import VideoPlan
from hawkeye_core.datasets.reconsim.sidecars import HIDDEN_SCORE, MIN_VISIBLE
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.reconsim.video import draw
from hawkeye_core.extraction.columns import frame_columns, pose_columns, relation_columns, vision_columns
from hawkeye_core.pose.tracking import match_previous
from hawkeye_core.relation.config import SidecarRelationSettings
from hawkeye_core.relation.graph import build_graph
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.scene import FrameBatch, FramePose, FrameRelations
from hawkeye_core.tiny.account import Account, account_of
from hawkeye_core.tiny.drawing import tiny_plan
from hawkeye_core.tiny.scene_clips import Stretch

_AT_ONCE = 16
"""Frames that go through the tower together."""
_MERGE_IOU = float(SidecarRelationSettings.model_fields["merge_iou"].default)


@dataclass(frozen=True, slots=True)
class MemoryVideo:
    """A whole video; cuts are copies of nothing but the rows they have."""

    window: Window
    fps: float
    account: Account

    @property
    def frames(self) -> int:
        """T."""
        return len(self.window.frames.frame)

    def cut(self, start: int, stop: int) -> Stretch:
        """Frames ``start`` to ``stop``, not included."""
        return Stretch(
            cut_window(self.window, start, stop), self.fps, self.account.cut(start / self.fps, stop / self.fps)
        )

    def whole(self) -> Stretch:
        """All of it."""
        return Stretch(self.window, self.fps, self.account)


def cut_window(window: Window, start: int, stop: int) -> Window:
    """Frames ``start`` to ``stop`` (not included) of a window with all families, counted from its first."""
    pose, relations, vision = window.pose, window.relations, window.vision
    if pose is None or relations is None or vision is None:
        raise ValueError("only windows with all three families are cut")
    people, objects = _rows(pose.n_people, start, stop), _rows(relations.n_objects, start, stop)
    edges, frames = _rows(relations.n_relations, start, stop), slice(start, stop)
    return Window(
        window.video, window.start + start, window.start + stop,
        FrameTensors(*(getattr(window.frames, field.name)[frames] for field in fields(FrameTensors))),
        PoseTensors(pose.n_people[frames], pose.keypoints[people], pose.score[people], pose.box[people],
                    pose.previous[people]),
        RelationTensors(
            relations.n_objects[frames], relations.object_class[objects], relations.object_score[objects],
            relations.object_box[objects], relations.n_relations[frames], relations.subject[edges],
            relations.predicate[edges], relations.object[edges], relations.relation_score[edges],
        ),
        VisionTensors(vision.frame_tokens[frames], vision.masked_token[frames], vision.n_objects[frames],
                      vision.object_tokens[objects]),
    )  # fmt: skip


def drawn_videos(seed: int, *, start: int, tower: VisionBackend) -> Iterator[MemoryVideo]:
    """The videos of a stream (:func:`~hawkeye_core.tiny.drawing.tiny_plan`) from number ``start`` on, without end."""
    number = start
    while True:
        yield drawn_video(tiny_plan(seed, number), tower)
        number += 1


def drawn_video(plan: VideoPlan, tower: VisionBackend) -> MemoryVideo:
    """Draw a video; joints, boxes and triplets are those of the truth, as its sidecar files have them."""
    pictures, truth = [], None
    for image, found in draw(plan):
        pictures.append(image[..., ::-1])
        truth = found
    assert truth is not None  # a plan has a frame
    index = np.arange(truth.n_frames)
    frames = FrameBatch(plan.video, index, index / plan.fps, index / plan.fps, index, np.stack(pictures))
    graphs = [true_graph(truth, frame) for frame in index.tolist()]
    tokens = []
    for begin in range(0, len(index), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        batch = FrameBatch(plan.video, index[part], frames.time[part], frames.pts[part], index[part],
                           frames.images[part])  # fmt: skip
        tokens += tower.encode(batch, graphs[part])
    poses = [true_pose(truth, frame) for frame in index.tolist()]
    previous = [match_previous(pose, poses[k - 1] if k else None) for k, pose in enumerate(poses)]
    window = Window(
        plan.video, 0, truth.n_frames,
        _tensors(FrameTensors, frame_columns(frames)), _tensors(PoseTensors, pose_columns(poses, previous)),
        _tensors(RelationTensors, relation_columns(graphs)), _tensors(VisionTensors, vision_columns(tokens)),
    )  # fmt: skip
    return MemoryVideo(window, plan.fps, account_of(plan))


def true_pose(truth: VideoTruth, frame: int) -> FramePose:
    """People of a frame of whom enough is seen, best seen first, as :mod:`...reconsim.sidecars` writes them."""
    joints = truth.keypoints[frame]
    score = np.choose(joints[..., 2].astype(int), [0.0, HIDDEN_SCORE, 1.0])  # [P, J]
    visible = truth.visible[frame, : truth.n_people]
    there = np.flatnonzero((visible >= MIN_VISIBLE) & (score > 0).any(-1))
    there = there[np.argsort(-visible[there], kind="stable")]
    keypoints = np.concatenate([joints[there, :, :2], score[there, :, None]], -1).astype(np.float32)
    box = truth.boxes[frame, there].clip(0, [truth.width, truth.height] * 2)
    return FramePose(keypoints, visible[there].clip(0, 1).astype(np.float32), box.astype(np.float32))


def true_graph(truth: VideoTruth, frame: int) -> FrameRelations:
    """The scene graph of a frame's triplets."""
    found = truth.triplets(frame)
    kind = np.array([OBJECT_INDEX[name] for name in truth.entities], np.int32)
    subject, object_ = (np.array([row[at] for row in found], np.int64) for at in (0, 2))
    predicate = np.array([PREDICATE_INDEX[name] for _, name, _ in found], np.int32)
    sure = np.ones(len(found), np.float32)
    boxes = truth.boxes[frame].astype(np.float32)
    triplets = Triplets(
        np.arange(len(found), dtype=np.int32), kind[subject], predicate, kind[object_], sure, sure, sure, sure,
        boxes[subject], boxes[object_],
    )  # fmt: skip
    return build_graph(triplets, merge_iou=_MERGE_IOU, width=truth.width, height=truth.height)


def _rows(counts: Tensor, start: int, stop: int) -> slice:
    """Rows of the frames ``start`` to ``stop``, of which ``counts`` belong to each."""
    return slice(int(counts[:start].sum()), int(counts[:stop].sum()))


def _tensors(kind: Any, columns: FrameColumns | PoseColumns | RelationColumns | VisionColumns) -> Any:
    values: list[NDArray[Any]] = [getattr(columns, field.name) for field in fields(kind)]
    return kind(*map(torch.from_numpy, values))
