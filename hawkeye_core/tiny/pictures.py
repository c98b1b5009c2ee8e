"""Drawn pictures with what the vision tower learns to see in them, as arrays of one size: drawn once, read many times.

Legend: N pictures, E entities a picture at most, P people at most, R relations at most, J = 17 joints, S side in
pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hawkeye_core.tiny.checkpoint import write_whole
from hawkeye_core.tiny.llava_config import SIDE

F32 = NDArray[np.float32]

ENTITIES, PEOPLE, RELATIONS = 20, 6, 12
"""Kept of a picture; what is more is left out, least seen first."""

NONE = -1
"""Class, action or predicate of a place that is not used."""


@dataclass(frozen=True)
class DrawnPicture:
    """One picture and its labels, entities with people first.

    Args:
        image: [H, W, 3] uint8 RGB.
        classes: [E] index into ``OBJECT_INDEX``.
        boxes: [E, 4] pixels, NaN where the entity is not in the picture.
        visible: [E] seen share.
        actions: [P] number of what each person does.
        keypoints: [P, J, 3] pixels and COCO's visibility.
        relations: (subject, predicate index, object) by entity number.
    """

    image: NDArray[np.uint8]
    classes: Sequence[int]
    boxes: F32
    visible: F32
    actions: Sequence[int]
    keypoints: F32
    relations: Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class Pictures:
    """N pictures; places as parts of the picture's width and height."""

    image: NDArray[np.uint8]  # [N, S, S, 3] RGB
    classes: NDArray[np.int16]  # [N, E], -1 unused
    boxes: NDArray[np.float16]  # [N, E, 4]
    actions: NDArray[np.int16]  # [N, E], -1 for things
    joints: NDArray[np.float16]  # [N, P, J, 2]
    seen: NDArray[np.bool_]  # [N, P, J]
    relations: NDArray[np.int16]  # [N, R, 3] subject, predicate, object; -1 unused

    def __len__(self) -> int:
        return len(self.image)

    def take(self, rows: NDArray[np.int64] | slice) -> Pictures:
        """Some of them."""
        return Pictures(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def save(self, path: Path) -> None:
        """One file, written whole or not at all."""

        def write(temporary: Path) -> None:
            with open(temporary, "wb") as file:
                np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

        write_whole(path, write)

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Self:
        """Those of several files, one after the other."""
        files = [np.load(path) for path in paths]
        return cls(**{field.name: np.concatenate([file[field.name] for file in files]) for field in fields(cls)})


def gather(drawn: Iterator[DrawnPicture], count: int, *, min_visible: float = 0.3) -> Pictures:
    """The next ``count`` pictures.

    Args:
        drawn: Where they come from.
        count: N.
        min_visible: Entities of which less is seen have no label.
    """
    rows = [_row(picture, min_visible) for picture in islice(drawn, count)]
    columns = [np.stack(column) for column in list(zip(*rows, strict=True))[1:]]
    return Pictures(shrink(np.stack([row[0] for row in rows])), *columns)


def shrink(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N, H, W, 3] -> [N, S, S, 3], as the tower's own preparation does it."""
    planes = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    small = functional.interpolate(planes, size=(SIDE, SIDE), mode="bicubic", antialias=True, align_corners=False)
    result: NDArray[np.uint8] = small.permute(0, 2, 3, 1).contiguous().numpy()
    return result


def _row(picture: DrawnPicture, min_visible: float) -> tuple[NDArray[np.generic], ...]:
    height, width = picture.image.shape[:2]
    size = np.array([width, height], np.float32)
    shown = np.isfinite(picture.boxes[:, 0]) & (picture.visible >= min_visible)
    kept = [e for e in np.argsort(-picture.visible, kind="stable").tolist() if shown[e]][:ENTITIES]
    place = {entity: index for index, entity in enumerate(kept)}
    classes, actions = np.full(ENTITIES, NONE, np.int16), np.full(ENTITIES, NONE, np.int16)
    boxes = np.zeros((ENTITIES, 4), np.float16)
    for entity, index in place.items():
        classes[index] = picture.classes[entity]
        boxes[index] = (picture.boxes[entity].reshape(2, 2) / size).ravel()
        if entity < len(picture.actions):
            actions[index] = picture.actions[entity]
    joints = np.zeros((PEOPLE, picture.keypoints.shape[1], 2), np.float16)
    seen = np.zeros(joints.shape[:2], bool)
    people = min(PEOPLE, len(picture.keypoints))
    joints[:people] = picture.keypoints[:people, :, :2] / size
    seen[:people] = picture.keypoints[:people, :, 2] > 1.5
    relations = np.full((RELATIONS, 3), NONE, np.int16)
    known = [(place[s], p, place[o]) for s, p, o in picture.relations if s in place and o in place][:RELATIONS]
    if known:
        relations[: len(known)] = known
    return picture.image, classes, boxes, actions, joints, seen, relations
