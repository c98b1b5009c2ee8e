"""What a patch, an object and a frame of a drawn picture should tell.

Legend: B pictures, E entities a picture, P patches (n x n, row by row), C object classes, A actions, K body parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hawkeye_core.tiny.pictures import NONE, Pictures
from hawkeye_core.vision.tokens import patch_coverage

BODY_PARTS: tuple[tuple[int, ...], ...] = ((0, 1, 2, 3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
"""COCO joints of head, shoulders, elbows, wrists, hips, knees, ankles; left and right alike (pictures are mirrored)."""


@dataclass(frozen=True, slots=True)
class VisionBatch:
    """B pictures as the tower reads them, and its targets.

    Args:
        pixels: [B, 3, S, S] uint8 RGB.
        cover: [B, E, P] weights of the patches an entity's token is the mean of; rows sum to 1, or 0 if unused.
        classes: [B, E] int64, -1 unused.
        actions: [B, E] int64, -1 for things.
        patch_classes: [B, P, C] part of the patch that an object of the class covers.
        patch_actions: [B, P, A] the same of a person doing something.
        patch_parts: [B, P, K] whether a joint lies in the patch.
        pairs: [N, 3] picture, subject, object of pairs of entities.
        predicates: [N] int64 their predicate, 0 for none.
    """

    pixels: Tensor
    cover: Tensor
    classes: Tensor
    actions: Tensor
    patch_classes: Tensor
    patch_actions: Tensor
    patch_parts: Tensor
    pairs: Tensor
    predicates: Tensor


def targets(
    pictures: Pictures, rng: np.random.Generator | None, *, side: int, classes: int, actions: int
) -> VisionBatch:
    """Tower input and targets of some pictures.

    Args:
        pictures: As drawn.
        rng: Mirrors half of them and chooses pairs without a relation; none: as drawn, related pairs only.
        side: n, patches along a side.
        classes: C.
        actions: A.
    """
    image, boxes, joints = (torch.from_numpy(np.array(a)) for a in (pictures.image, pictures.boxes, pictures.joints))
    boxes, joints = boxes.float(), joints.float()
    if rng is not None:
        flipped = torch.from_numpy(rng.random(len(pictures)) < 0.5)
        image = torch.where(flipped[:, None, None, None], image.flip(2), image)
        boxes = torch.where(flipped[:, None, None], torch.stack(_mirrored(boxes), -1), boxes)
        joints = torch.where(
            flipped[:, None, None, None], torch.stack([1 - joints[..., 0], joints[..., 1]], -1), joints
        )
    kind, act = (torch.from_numpy(a.astype(np.int64)) for a in (pictures.classes, pictures.actions))
    share = patch_coverage(boxes.flatten(0, 1) * side, side=side).unflatten(0, boxes.shape[:2])  # [B, E, P]
    share = share * (kind != NONE)[..., None]
    pairs, predicates = _pairs(pictures, rng)
    return VisionBatch(
        pixels=image.permute(0, 3, 1, 2).contiguous(),
        cover=share / share.sum(-1, keepdim=True).clamp(min=1e-6),
        classes=kind,
        actions=act,
        patch_classes=_by_label(share, kind, classes),
        patch_actions=_by_label(share, act, actions),
        patch_parts=_parts(joints, torch.from_numpy(np.array(pictures.seen)), side),
        pairs=pairs,
        predicates=predicates,
    )


def _mirrored(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return 1 - x2, y1, 1 - x1, y2


def _by_label(share: Tensor, label: Tensor, count: int) -> Tensor:
    """Largest share of each patch that one entity of a label covers: [B, E, P], [B, E] -> [B, P, count]."""
    batch, _, patches = share.shape
    result = torch.zeros(batch, count + 1, patches)  # the last place takes what has no label
    place = torch.where(label == NONE, count, label)[..., None].expand(-1, -1, patches)
    return result.scatter_reduce_(1, place, share, reduce="amax")[:, :count].transpose(1, 2)


def _parts(joints: Tensor, seen: Tensor, side: int) -> Tensor:
    batch = len(joints)
    result = torch.zeros(batch, side * side, len(BODY_PARTS))
    cell = (joints * side).long().clamp(0, side - 1)
    patch = cell[..., 1] * side + cell[..., 0]  # [B, people, J]
    for part, members in enumerate(BODY_PARTS):
        places = patch[:, :, members].flatten(1)
        result[:, :, part].scatter_reduce_(1, places, seen[:, :, members].flatten(1).float(), reduce="amax")
    return result


def _pairs(pictures: Pictures, rng: np.random.Generator | None) -> tuple[Tensor, Tensor]:
    """Related pairs, and, with ``rng``, as many chosen at random that are not."""
    rows, places = np.nonzero(pictures.relations[..., 0] != NONE)
    found = pictures.relations[rows, places].astype(np.int64)  # [N, 3]
    pairs = np.stack([rows, found[:, 0], found[:, 2]], 1)
    predicates = found[:, 1]
    if rng is not None and len(pairs):
        known = {tuple(pair) for pair in pairs.tolist()}
        there = (pictures.classes != NONE).sum(1)
        other = []
        for row in rows.tolist():
            pair = (row, int(rng.integers(there[row])), int(rng.integers(there[row])))
            if pair[1] != pair[2] and pair not in known:
                other.append(pair)
        if other:
            pairs = np.concatenate([pairs, np.array(other)])
            predicates = np.concatenate([predicates, np.zeros(len(other), np.int64)])
    return torch.from_numpy(pairs), torch.from_numpy(predicates)
