"""A training-only loss on the encoder's map: each cell in the middle of an entity is told its class and box.

Sets of queries learn slowly from nothing, because what a query should look at and what the features should say have to
be found at once. Here the features learn first: the entity heads are applied to the cells themselves, as the first
stage of two-stage detectors of this family does (Deformable DETR, Zhu et al., ICLR 2021). No parameters are added, and
inference does not know of it.

Legend: B images, S = h * w cells, G annotations of the fullest image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hawkeye_core.tiny.relation_loss import NONE_WEIGHT, box_loss
from hawkeye_core.tiny.relation_targets import RelationTargets

MIDDLE = 0.25
"""Half extent of the middle of a box, as a share of the box; never less than half a cell."""


@dataclass(frozen=True, slots=True)
class CellTargets:
    """What each cell is."""

    entity: Tensor  # [B, S] int64 the entity whose middle covers the cell, -1 for none
    ignored: Tensor  # [B, S] bool cells inside some box but in no middle


def cell_targets(targets: RelationTargets, grid: tuple[int, int]) -> CellTargets:
    """Assign the cells of a grid h x w; where middles overlap, the smaller box has the cell."""
    h, w = grid
    device = targets.boxes.device
    y = (torch.arange(h, device=device) + 0.5) / h
    x = (torch.arange(w, device=device) + 0.5) / w
    centre = torch.stack((x.repeat(h), y.repeat_interleave(w)), dim=-1)  # [S, 2]
    exists = torch.arange(targets.labels.shape[1], device=device) < targets.entities[:, None]  # [B, G]
    away = (centre[None, :, None] - targets.boxes[:, None, :, :2]).abs()  # [B, S, G, 2]
    size = targets.boxes[:, None, :, 2:]
    least = torch.tensor([0.5 / w, 0.5 / h], device=device)
    middle = (away <= torch.maximum(size * MIDDLE, least)).all(dim=-1) & exists[:, None]
    inside = (away <= torch.maximum(size / 2, least)).all(dim=-1) & exists[:, None]
    area = targets.boxes[..., 2:].prod(dim=-1)[:, None].expand_as(middle)
    smallest, entity = torch.where(middle, area, torch.inf).min(dim=-1)
    entity = torch.where(smallest.isfinite(), entity, -1)
    return CellTargets(entity, inside.any(dim=-1) & (entity < 0))


def dense_loss(logits: Tensor, boxes: Tensor, targets: RelationTargets, grid: tuple[int, int]) -> Tensor:
    """Cross-entropy ("none" with weight 0.1, ignored cells left out) plus the box loss of positive cells.

    Args:
        logits: [B, S, C] entity classes of each cell, "none" last.
        boxes: [B, S, 4] cx, cy, w, h as fractions of the image.
        targets: Annotations.
        grid: h and w.
    """
    cells = cell_targets(targets, grid)
    positive = cells.entity >= 0
    which = cells.entity.clamp(min=0)
    labels, true_boxes = targets.take(which)
    target = torch.where(positive, labels, logits.shape[2] - 1)
    weight = torch.where(positive, 1.0, NONE_WEIGHT).masked_fill(cells.ignored, 0.0)
    each = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    class_loss = (each * weight.flatten()).sum() / weight.sum().clamp(min=1e-6)
    return class_loss + box_loss(boxes[positive], true_boxes[positive])
