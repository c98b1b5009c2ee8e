"""Consecutive frames of one video as torch tensors, or as numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns, VisionColumns
from feature_store.fingerprint import Family
from feature_store.ragged import Arrays
from feature_store.schema import FAMILY_LEAVES, FRAME_LEAVES

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class FrameTensors:
    """Like :class:`FrameColumns`."""

    frame: Tensor  # [T] int32
    time: Tensor  # [T] float64 seconds
    pts: Tensor  # [T] float64 seconds
    width: Tensor  # [T] int32 px
    height: Tensor  # [T] int32 px


@dataclass(frozen=True, slots=True)
class PoseTensors:
    """Like :class:`PoseColumns`; S people in all."""

    n_people: Tensor  # [T] int32
    keypoints: Tensor  # [S, 17, 3] float32 x px, y px, score
    score: Tensor  # [S] float32
    box: Tensor  # [S, 4] float32 px
    previous: Tensor  # [S] int32; those of the first frame point before the window


@dataclass(frozen=True, slots=True)
class RelationTensors:
    """Like :class:`RelationColumns`; S objects and R relations in all."""

    n_objects: Tensor  # [T] int32
    object_class: Tensor  # [S] int32
    object_score: Tensor  # [S] float32
    object_box: Tensor  # [S, 4] float32 px
    n_relations: Tensor  # [T] int32
    subject: Tensor  # [R] int32, within the frame
    predicate: Tensor  # [R] int32
    object: Tensor  # [R] int32, within the frame
    relation_score: Tensor  # [R] float32


@dataclass(frozen=True, slots=True)
class VisionTensors:
    """Like :class:`VisionColumns`; S objects in all."""

    frame_tokens: Tensor  # [T, G, D] float16
    masked_token: Tensor  # [T, D] float16
    n_objects: Tensor  # [T] int32
    object_tokens: Tensor  # [S, D] float16


@dataclass(frozen=True, slots=True)
class Window:
    """Frames ``start`` to ``stop`` of a video as tensors of their own memory; families not asked for are None."""

    video: str
    start: int
    stop: int
    frames: FrameTensors
    pose: PoseTensors | None
    relations: RelationTensors | None
    vision: VisionTensors | None


@dataclass(frozen=True, slots=True)
class WindowColumns:
    """Frames ``start`` to ``stop`` of a video as numpy arrays; families not asked for are None."""

    video: str
    start: int
    stop: int
    frames: FrameColumns
    pose: PoseColumns | None
    relations: RelationColumns | None
    vision: VisionColumns | None


_FRAME_NAMES = tuple(leaf.field for leaf in FRAME_LEAVES)
_NAMES = {family: tuple(leaf.field for leaf in leaves) for family, leaves in FAMILY_LEAVES.items()}
_TENSORS: Mapping[Family, Any] = {"pose": PoseTensors, "relations": RelationTensors, "vision": VisionTensors}
_COLUMNS: Mapping[Family, Any] = {"pose": PoseColumns, "relations": RelationColumns, "vision": VisionColumns}


def to_window(video: str, start: int, stop: int, arrays: Mapping[Family, Arrays]) -> Window:
    """Wrap fresh arrays as tensors, without another copy."""
    import torch

    wrap = torch.from_numpy
    first: Mapping[str, NDArray[Any]] = next(iter(arrays.values()))
    parts = {
        family: _TENSORS[family](*[wrap(found[name]) for name in _NAMES[family]]) for family, found in arrays.items()
    }
    frames = FrameTensors(*[wrap(first[name]) for name in _FRAME_NAMES])
    return Window(video, start, stop, frames, parts.get("pose"), parts.get("relations"), parts.get("vision"))


def to_columns(video: str, start: int, stop: int, arrays: Mapping[Family, Arrays]) -> WindowColumns:
    """Wrap arrays as the columns they were written from."""
    first = next(iter(arrays.values()))
    parts = {family: _COLUMNS[family](*[found[name] for name in _NAMES[family]]) for family, found in arrays.items()}
    frames = FrameColumns(*[first[name] for name in _FRAME_NAMES])
    return WindowColumns(video, start, stop, frames, parts.get("pose"), parts.get("relations"), parts.get("vision"))
