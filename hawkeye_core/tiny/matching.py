"""One-to-one assignment of predictions to annotated entities and triplets (DETR, Carion et al. 2020, eq. 1; RelTR,
section 3.4), for a batch at a time.

Legend: B images, N queries, G annotations padded to the fullest image, K assigned pairs of the whole batch,
C classes with "none" last. Boxes are cx, cy, w, h as fractions of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

CLASS_COST = 1.0
L1_COST = 5.0
GIOU_COST = 2.0
EPS = 1e-7


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which query of which image is assigned to which annotation, K pairs."""

    image: Tensor  # [K] int64
    query: Tensor  # [K] int64
    truth: Tensor  # [K] int64 index among the image's annotations

    def __len__(self) -> int:
        return len(self.image)


def corners(boxes: Tensor) -> Tensor:
    """cx, cy, w, h -> x1, y1, x2, y2, [..., 4]."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat((centre - half, centre + half), dim=-1)


def iou_giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and its generalised form (Rezatofighi et al. 2019).

    GIoU = IoU - (hull - union) / hull, where the hull is the smallest box around both; -1..1.

    Args:
        a: [..., 4] cx, cy, w, h.
        b: [..., 4], broadcastable against ``a``.

    Returns:
        IoU and GIoU, each of the broadcast shape without its last dimension.
    """
    a, b = corners(a), corners(b)
    shared = _area(torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:]))
    union = _area(a[..., :2], a[..., 2:]) + _area(b[..., :2], b[..., 2:]) - shared
    hull = _area(torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:]))
    iou = shared / (union + EPS)
    return iou, iou - (hull - union) / (hull + EPS)


def _area(lower: Tensor, upper: Tensor) -> Tensor:
    return (upper - lower).clamp(min=0).prod(dim=-1)


def entity_cost(logits: Tensor, boxes: Tensor, labels: Tensor, true_boxes: Tensor) -> Tensor:
    """Cost of assigning each query to each annotation: -p(class) + 5 L1 - 2 GIoU.

    Args:
        logits: [B, N, C].
        boxes: [B, N, 4].
        labels: [B, G] int64.
        true_boxes: [B, G, 4].

    Returns:
        [B, N, G]
    """
    predicted, true = boxes[:, :, None], true_boxes[:, None]
    distance = (predicted - true).abs().sum(dim=-1)
    return CLASS_COST * class_cost(logits, labels) + L1_COST * distance - GIOU_COST * iou_giou(predicted, true)[1]


def class_cost(logits: Tensor, labels: Tensor) -> Tensor:
    """-p(class) of each query for each annotation's class, [B, N, C] and [B, G] -> [B, N, G]."""
    return -logits.softmax(dim=-1).gather(2, labels[:, None].expand(-1, logits.shape[1], -1))


def assign(cost: Tensor, counts: Tensor, *, repeats: int = 1) -> Pairs:
    """The assignment of least total cost for each image.

    Args:
        cost: [B, N, G]; columns from an image's count on are padding.
        counts: [B] annotations of each image.
        repeats: Queries an annotation receives at most. 1 is DETR's one-to-one matching; more (used for early decoder
            layers while training) matches as many copies of each annotation as there are queries for.
    """
    host = cost.detach().cpu().numpy().astype(np.float64)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for number, count in enumerate(counts.tolist()):
        copies = max(1, min(repeats, host.shape[1] // max(count, 1)))
        query, column = linear_sum_assignment(np.tile(host[number, :, :count], copies))
        found.append((np.full(len(query), number), query, column % max(count, 1)))
    columns = (np.concatenate(part).astype(np.int64) for part in zip(*found, strict=True))
    image, queries, truth = (torch.from_numpy(column).to(cost.device) for column in columns)
    return Pairs(image, queries, truth)
