"""Stored windows to the model's tensors: people dense, graphs joined by offsets, no loop over frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from feature_store.window import PoseTensors, RelationTensors, VisionTensors, Window
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.model.scene_batch import SceneBatch

MAX_PEOPLE = 5
"""People of a frame that reach the model, best first (paper, footnote 2)."""


def collate_scenes(windows: Sequence[Window], *, max_people: int = MAX_PEOPLE) -> SceneBatch:
    """Pad windows to the longest and join their scene graphs.

    Args:
        windows: B windows with all three families.
        max_people: P.

    Raises:
        HawkeyeError: A window lacks a family.
    """
    frames = max(len(window.frames.frame) for window in windows)
    people, graphs, visions = [], [], []
    objects = 0
    for row, window in enumerate(windows):
        pose, relations, vision = _families(window)
        size = torch.stack([window.frames.width, window.frames.height], 1).float()  # [T, 2]
        people.append(_people(pose, size, max_people))
        visions.append((vision.frame_tokens, vision.masked_token))
        graphs.append((*_graph(relations, size, row * frames, objects), vision.object_tokens))
        objects += len(relations.object_class)
    lengths = torch.tensor([len(window.frames.frame) for window in windows])
    keypoints, box, mask, velocity, previous = (_stack(parts, frames) for parts in zip(*people, strict=True))
    frame_tokens, masked_token = (_stack(parts, frames) for parts in zip(*visions, strict=True))
    frame, kind, sure, where, subject, predicate, object_, score, tokens = (
        torch.cat(parts) for parts in zip(*graphs, strict=True)
    )
    return SceneBatch(
        frame_mask=torch.arange(frames) < lengths[:, None],
        keypoints=keypoints, person_box=box, person_mask=mask, velocity=velocity,
        previous=previous,
        frame_tokens=frame_tokens, masked_token=masked_token,
        object_frame=frame, object_class=kind, object_score=sure, object_box=where, object_tokens=tokens,
        subject=subject, predicate=predicate, object=object_, relation_score=score,
    )  # fmt: skip


def _families(window: Window) -> tuple[PoseTensors, RelationTensors, VisionTensors]:
    if window.pose is None or window.relations is None or window.vision is None:
        raise HawkeyeError(f"frames {window.start} to {window.stop} lack a family of features", path=window.video)
    return window.pose, window.relations, window.vision


def _owner(counts: Tensor) -> Tensor:
    """Frame of each row, from the rows a frame: [2, 0, 1] -> [0, 0, 2]."""
    return torch.repeat_interleave(torch.arange(len(counts)), counts.long())


def _first(counts: Tensor) -> Tensor:
    """[T] number of rows in front of each frame's."""
    return counts.long().cumsum(0) - counts


def _people(pose: PoseTensors, size: Tensor, max_people: int) -> tuple[Tensor, ...]:
    """Keypoints [T, P, J, 3], boxes [T, P, 4], mask [T, P], velocity [T, P, J, 2] and place in the previous frame
    [T, P] of the best people a frame.
    """
    frame, first = _owner(pose.n_people), _first(pose.n_people)
    rank = torch.arange(len(frame)) - first[frame]
    kept = rank < max_people
    before = torch.where((pose.previous < max_people) & (frame > 0), pose.previous, -1).long()
    frame, rank, velocity = frame[kept], rank[kept], _velocity(pose, frame, first)[kept]
    scale = size[frame]  # [S, 2]
    keypoints = torch.cat([pose.keypoints[kept][..., :2] / scale[:, None], pose.keypoints[kept][..., 2:]], -1)
    box, there = pose.box[kept] / scale.repeat(1, 2), torch.ones_like(rank, dtype=torch.bool)
    rows = keypoints, box, there, velocity, before[kept]
    dense = tuple(part.new_zeros(len(first), max_people, *part.shape[1:]) for part in rows)
    for target, part in zip(dense, rows, strict=True):
        target[frame, rank] = part
    return dense


def _velocity(pose: PoseTensors, frame: Tensor, first: Tensor) -> Tensor:
    """[S, J, 2] movement of each joint since the previous frame, in sides of the person's box.

    0 for a person who is new, and in the window's first frame, whose previous one lies outside.
    """
    known = (pose.previous >= 0) & (frame > 0)
    before = torch.where(known, first[(frame - 1).clamp(min=0)] + pose.previous, torch.arange(len(frame)))
    side = (pose.box[:, None, 2:] - pose.box[:, None, :2]).clamp(min=1.0)  # [S, 1, 2] px
    return (pose.keypoints[..., :2] - pose.keypoints[before][..., :2]) / side


def _graph(relations: RelationTensors, size: Tensor, first_frame: int, first_object: int) -> tuple[Tensor, ...]:
    """Frame, class, score and box of each object; subject, predicate, object and score of each relation; objects are
    numbered batch-wide.
    """
    frame, first = _owner(relations.n_objects), _first(relations.n_objects)
    offset = first[_owner(relations.n_relations)] + first_object
    return (
        frame + first_frame,
        relations.object_class.long(),
        relations.object_score,
        relations.object_box / size[frame].repeat(1, 2),
        relations.subject + offset,
        relations.predicate.long(),
        relations.object + offset,
        relations.relation_score,
    )


def _stack(parts: Sequence[Tensor], frames: int) -> Tensor:
    """[T, ...] of each window -> [B, frames, ...], zeros behind the last frame; every number is copied once."""
    whole = parts[0].new_empty(len(parts), frames, *parts[0].shape[1:])
    for row, part in zip(whole, parts, strict=True):
        row[: len(part)] = part
        row[len(part) :] = 0
    return whole
