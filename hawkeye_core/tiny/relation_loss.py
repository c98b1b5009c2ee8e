"""Set losses of RelTR (Cong et al., TPAMI 2023, section 3.4) for entities and triplets, at every decoder layer.

Legend: B images, N entity queries, T triplet queries, G annotations of the fullest image, K assigned pairs, C classes
with "none" last.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hawkeye_core.relation.reltr import RelTROutput
from hawkeye_core.tiny.matching import Pairs, assign, class_cost, entity_cost, iou_giou
from hawkeye_core.tiny.relation_targets import RelationTargets

BOX_WEIGHT = 5.0
GIOU_WEIGHT = 2.0
NONE_WEIGHT = 0.1
"""Weight of "no object" and "no relation" in the classification losses."""
REDUNDANT_IOU = 0.7
"""A subject or object of an unassigned triplet that overlaps an annotated entity of its class by this is not told that
it is nothing (the paper's IoU-based assignment)."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the parts of the total loss."""

    entity: float = 1.0
    triplet: float = 1.0
    predicate: float = 1.0
    dense: float = 1.0
    early_repeats: int = 1
    """Queries each annotation receives in the decoder layers before the last (1: as in the paper)."""


def relation_losses(output: RelTROutput, targets: RelationTargets, *, weights: LossWeights) -> dict[str, Tensor]:
    """Weighted losses of the final predictions, and under ``early`` the sum of those of all earlier layers."""
    losses = _layer_losses(output, targets, weights, repeats=1)
    if output.auxiliary:
        layers = [_layer_losses(one, targets, weights, repeats=weights.early_repeats) for one in output.auxiliary]
        losses["early"] = torch.stack([value for layer in layers for value in layer.values()]).sum()
    return losses


def _layer_losses(
    output: RelTROutput, targets: RelationTargets, weights: LossWeights, *, repeats: int
) -> dict[str, Tensor]:
    cost = entity_cost(output.entity_logits, output.entity_boxes, targets.labels, targets.boxes)
    pairs = assign(cost, targets.entities, repeats=repeats)
    class_loss, box_loss = _entity_losses(
        output.entity_logits, output.entity_boxes, (targets.labels, targets.boxes), pairs
    )
    subject, object_ = targets.take(targets.subject), targets.take(targets.object)
    cost = (
        entity_cost(output.subject_logits, output.subject_boxes, *subject)
        + entity_cost(output.object_logits, output.object_boxes, *object_)
        + class_cost(output.predicate_logits, targets.predicate)
    )
    found = assign(cost, targets.triplets, repeats=repeats)
    triplet_class = triplet_box = cost.new_zeros(())
    for logits, boxes, truth in (
        (output.subject_logits, output.subject_boxes, subject),
        (output.object_logits, output.object_boxes, object_),
    ):
        spared = redundant(logits, boxes, targets)
        a, b = _entity_losses(logits, boxes, truth, found, spared=spared)
        triplet_class, triplet_box = triplet_class + a, triplet_box + b
    predicate = set_class_loss(output.predicate_logits, targets.predicate, found)
    return {
        "entity_class": weights.entity * class_loss,
        "entity_box": weights.entity * box_loss,
        "triplet_class": weights.triplet * triplet_class,
        "triplet_box": weights.triplet * triplet_box,
        "predicate": weights.predicate * predicate,
    }


def _entity_losses(
    logits: Tensor, boxes: Tensor, truth: tuple[Tensor, Tensor], pairs: Pairs, *, spared: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    labels, true_boxes = truth
    predicted, true = boxes[pairs.image, pairs.query], true_boxes[pairs.image, pairs.truth]
    return set_class_loss(logits, labels, pairs, spared=spared), box_loss(predicted, true)


def set_class_loss(logits: Tensor, labels: Tensor, pairs: Pairs, *, spared: Tensor | None = None) -> Tensor:
    """Weighted mean cross-entropy: assigned queries have their annotation's class, all others "none" with weight 0.1.

    Args:
        logits: [B, N, C].
        labels: [B, G].
        pairs: The assignment.
        spared: [B, N] bool, unassigned queries that are left out.
    """
    target = torch.full(logits.shape[:2], logits.shape[2] - 1, device=logits.device)
    weight = torch.full(logits.shape[:2], NONE_WEIGHT, device=logits.device)
    if spared is not None:
        weight = weight.masked_fill(spared, 0.0)
    target[pairs.image, pairs.query] = labels[pairs.image, pairs.truth]
    weight[pairs.image, pairs.query] = 1.0
    each = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    return (each * weight.flatten()).sum() / weight.sum().clamp(min=1e-6)


def box_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """5 L1 + 2 (1 - GIoU), a mean over the K pairs of boxes [K, 4]; 0 where there are none."""
    distance = (predicted - true).abs().sum(dim=-1)
    each = BOX_WEIGHT * distance + GIOU_WEIGHT * (1 - iou_giou(predicted, true)[1])
    return each.sum() / max(len(each), 1)


@torch.no_grad()
def redundant(logits: Tensor, boxes: Tensor, targets: RelationTargets) -> Tensor:
    """[B, N] whether a query's likeliest class is that of an annotated entity it overlaps by ``REDUNDANT_IOU``."""
    iou = iou_giou(boxes[:, :, None], targets.boxes[:, None])[0]  # [B, N, G]
    label = logits[..., :-1].argmax(dim=-1)
    exists = torch.arange(targets.labels.shape[1], device=logits.device) < targets.entities[:, None]
    same = (label[:, :, None] == targets.labels[:, None]) & exists[:, None]
    return (same & (iou >= REDUNDANT_IOU)).any(dim=-1)
