"""From RelTR's raw predictions to scored triplets and entities with boxes in pixels.

Two rules exist and differ in the predicate's score: :func:`select_triplets` is the demo's (what extraction uses),
:func:`rank_triplets` the evaluation's (what published recalls are measured with).

Legend: B images, T triplet queries, N entity queries, n kept ones of one image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hawkeye_core.relation.boxes import Boxes, to_corners
from hawkeye_core.relation.reltr import RelTROutput

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

Size = tuple[int, int]
"""Width and height of an image in pixels."""


@dataclass(frozen=True, slots=True)
class Triplets:
    """Triplets of one image, best first. Boxes are x1, y1, x2, y2 in pixels and may reach over the image's edge."""

    query: I32  # [n] which triplet query
    subject_class: I32  # [n]
    predicate: I32  # [n]
    object_class: I32  # [n]
    subject_score: F32  # [n]
    predicate_score: F32  # [n]
    object_score: F32  # [n]
    score: F32  # [n] product of the three
    subject_box: Boxes  # [n, 4]
    object_box: Boxes  # [n, 4]

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, slots=True)
class Entities:
    """Detected objects of one image, best first; without non-maximum suppression."""

    query: I32  # [n]
    label: I32  # [n]
    score: F32  # [n]
    box: Boxes  # [n, 4] x1, y1, x2, y2 px


@dataclass(frozen=True, slots=True)
class _Best:
    """The likeliest class of each query."""

    score: Tensor  # [B, T]
    label: Tensor  # [B, T]


def select_triplets(
    output: RelTROutput,
    sizes: Sequence[Size],
    *,
    threshold: float = 0.3,
    top_k: int = 10,
    exclude_background: bool = True,
) -> list[Triplets]:
    """The demo's rule: subject, predicate and object each above ``threshold``, ranked by the product of the three.

    Probabilities are a softmax over all classes, of which the last ("none") cannot win. Several queries may describe
    one triplet; none is removed here. Equal products keep the order of the queries.

    Args:
        output: Predictions for B images.
        sizes: Width and height of each of the B source images, pixels.
        threshold: 0..1; a probability equal to it is too low.
        top_k: Triplets kept an image.
        exclude_background: Also bar class 0 (``N/A``, ``__background__``) from winning; the original does not.
    """
    first = 1 if exclude_background else 0
    subject, predicate, object_ = (
        _best_class(logits, first=first)
        for logits in (output.subject_logits, output.predicate_logits, output.object_logits)
    )
    weakest = torch.minimum(torch.minimum(subject.score, predicate.score), object_.score)
    return _gather(output, sizes, (subject, predicate, object_), kept=weakest > threshold, top_k=top_k)


def rank_triplets(output: RelTROutput, sizes: Sequence[Size], *, top_k: int | None = None) -> list[Triplets]:
    """The evaluation's rule: every query, with the predicate's softmax over the 50 real predicates only.

    Leaving "no relation" out of the softmax makes a predicate's score comparable between queries that are sure of a
    relation and queries that are not; subject and object scores keep their "no object".

    Args:
        output: Predictions for B images.
        sizes: Width and height of each of the B source images, pixels.
        top_k: Triplets kept an image; None keeps all.
    """
    subject, object_ = (_best_class(logits, first=0) for logits in (output.subject_logits, output.object_logits))
    score, label = output.predicate_logits[..., 1:-1].float().softmax(dim=-1).max(dim=-1)
    kept = torch.ones_like(score, dtype=torch.bool)
    top_k = score.shape[1] if top_k is None else top_k
    return _gather(output, sizes, (subject, _Best(score, label + 1), object_), kept=kept, top_k=top_k)


def top_entities(output: RelTROutput, sizes: Sequence[Size], *, top_k: int = 100) -> list[Entities]:
    """The entity branch as a detector: the likeliest class of each entity query, best first."""
    best = _best_class(output.entity_logits, first=0)
    order = best.score.sort(dim=1, descending=True, stable=True).indices[:, :top_k]
    score, label, box = (_take(values, order) for values in (best.score, best.label, output.entity_boxes.float()))
    return [
        Entities(order_i, label_i, score_i, to_corners(box_i, width=width, height=height))
        for order_i, label_i, score_i, box_i, (width, height) in zip(
            _numpy(order), _numpy(label), _numpy(score), _numpy(box), sizes, strict=True
        )
    ]


def _best_class(logits: Tensor, *, first: int) -> _Best:
    """Highest softmax probability among classes ``first`` to the last but one, [B, T, C + 1] -> [B, T]."""
    score, label = logits.float().softmax(dim=-1)[..., first:-1].max(dim=-1)
    return _Best(score, label + first)


def _gather(
    output: RelTROutput, sizes: Sequence[Size], best: tuple[_Best, _Best, _Best], *, kept: Tensor, top_k: int
) -> list[Triplets]:
    """Sort the kept queries by product and cut them out, for all images at once; one copy to the host each."""
    product = best[0].score * best[1].score * best[2].score
    order = product.masked_fill(~kept, -1.0).sort(dim=1, descending=True, stable=True).indices[:, :top_k]
    counts = kept.sum(dim=1).clamp(max=top_k).tolist()
    labels = _numpy(_take(torch.stack([part.label for part in best], dim=-1), order))  # [B, K, 3]
    scores = _numpy(_take(torch.stack([*(part.score for part in best), product], dim=-1), order))  # [B, K, 4]
    boxes = torch.stack((output.subject_boxes, output.object_boxes), dim=-2).float()  # [B, T, 2, 4]
    chosen, queries = _numpy(_take(boxes, order)), _numpy(order)
    found = []
    for i, (width, height) in zip(range(len(product)), sizes, strict=True):
        n = counts[i]
        corners = to_corners(chosen[i, :n], width=width, height=height)
        found.append(
            Triplets(
                query=queries[i, :n],
                subject_class=labels[i, :n, 0],
                predicate=labels[i, :n, 1],
                object_class=labels[i, :n, 2],
                subject_score=scores[i, :n, 0],
                predicate_score=scores[i, :n, 1],
                object_score=scores[i, :n, 2],
                score=scores[i, :n, 3],
                subject_box=corners[:, 0],
                object_box=corners[:, 1],
            )
        )
    return found


def _take(values: Tensor, order: Tensor) -> Tensor:
    """values[b, order[b]] for [B, T, ...] and [B, K]."""
    return values[torch.arange(len(order), device=order.device)[:, None], order]


def _numpy(tensor: Tensor) -> NDArray:
    array = tensor.cpu().numpy()
    return array.astype(np.int32) if array.dtype == np.int64 else array
