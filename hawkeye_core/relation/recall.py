"""Scene graph recall: R@K and mR@K, as RelTR's scene graph detection is measured on Visual Genome.

Legend: G annotated triplets of one image, n predicted ones, K a cut-off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.relation.boxes import Boxes, pairwise_iou
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.relation.vocabulary import PREDICATE_CLASSES

I32 = NDArray[np.int32]

MATCH_IOU = 0.5
NEVER = np.iinfo(np.int64).max
"""Rank of a triplet that no prediction matches."""


@dataclass(frozen=True, slots=True)
class TrueTriplets:
    """Annotated triplets of one image; boxes x1, y1, x2, y2 in the same pixels as the predictions."""

    subject_class: I32  # [G]
    predicate: I32  # [G]
    object_class: I32  # [G]
    subject_box: Boxes  # [G, 4]
    object_box: Boxes  # [G, 4]

    def __len__(self) -> int:
        return len(self.predicate)


@dataclass(frozen=True, slots=True)
class SceneGraphRecall:
    """Recalls of a data set, 0..1, by cut-off K."""

    recall: dict[int, float]
    """Mean over images of the share of an image's triplets that its first K predictions match."""
    mean_recall: dict[int, float]
    """The same share a predicate, averaged over images that have the predicate, then over all predicates."""


def matching_ranks(predicted: Triplets, truth: TrueTriplets, *, iou: float = MATCH_IOU) -> NDArray[np.int64]:
    """Rank (from 0) of the first prediction that matches each annotated triplet, [G]; ``NEVER`` where none does.

    A match needs the same three classes and an IoU, corner pixels inside, of at least ``iou`` for the subject's and
    for the object's box. One prediction may match several annotations.
    """
    if not len(predicted) or not len(truth):
        return np.full(len(truth), NEVER, dtype=np.int64)
    matches = (
        (predicted.subject_class[:, None] == truth.subject_class)
        & (predicted.predicate[:, None] == truth.predicate)
        & (predicted.object_class[:, None] == truth.object_class)
        & (pairwise_iou(predicted.subject_box, truth.subject_box, pixel=1.0) >= iou)
        & (pairwise_iou(predicted.object_box, truth.object_box, pixel=1.0) >= iou)
    )
    return np.where(matches.any(axis=0), matches.argmax(axis=0), NEVER)


def scene_graph_recall(
    images: Iterable[tuple[Triplets, TrueTriplets]],
    *,
    cutoffs: Sequence[int] = (20, 50, 100),
    predicates: int = len(PREDICATE_CLASSES),
) -> SceneGraphRecall:
    """R@K and mR@K of predictions that are sorted best first.

    Images without annotations are left out. mR@K divides by the number of predicates without index 0 even where some
    never occur, as the published numbers do.

    Args:
        images: Predictions and annotations of each image.
        cutoffs: The K.
        predicates: Predicate classes including index 0.

    Raises:
        ValueError: There is no annotated triplet at all.
    """
    shares: list[NDArray[np.float64]] = []  # [len(cutoffs)] an image
    totals = np.zeros((len(cutoffs), predicates))
    occurrences = np.zeros(predicates)
    limits = np.asarray(cutoffs)[:, None]
    for predicted, truth in images:
        if not len(truth):
            continue
        hit = matching_ranks(predicted, truth) < limits  # [len(cutoffs), G]
        shares.append(hit.mean(axis=1))
        for predicate in np.unique(truth.predicate):
            totals[:, predicate] += hit[:, truth.predicate == predicate].mean(axis=1)
            occurrences[predicate] += 1
    if not shares:
        raise ValueError("recall needs at least one annotated triplet")
    per_predicate = totals / np.maximum(occurrences, 1)
    recall = np.mean(shares, axis=0)
    mean_recall = per_predicate[:, 1:].sum(axis=1) / (predicates - 1)
    return SceneGraphRecall(
        {k: float(value) for k, value in zip(cutoffs, recall, strict=True)},
        {k: float(value) for k, value in zip(cutoffs, mean_recall, strict=True)},
    )
