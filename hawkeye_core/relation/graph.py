"""From triplets, each with its own two boxes, to one scene graph a frame whose relations share objects.

Legend: n triplets, M = 2n mentions (the subject and the object of each), K objects, R relations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.relation.boxes import Boxes, pairwise_iou
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.scene import FrameRelations


def build_graph(triplets: Triplets, *, merge_iou: float, width: float, height: float) -> FrameRelations:
    """Merge mentions of one object and point the relations at the merged objects.

    Mentions are taken by falling score. Each joins the first object so far that has its class and overlaps it by more
    than ``merge_iou``; otherwise it becomes an object, whose class, score and box are this mention's. Two triplets
    that come to say the same are one relation with the higher score; a triplet whose subject and object come to be
    one object says nothing about two things, and only its object stays. The result does not depend on the order of
    the triplets: equal scores are ordered by class and box.

    Args:
        triplets: Triplets of one frame.
        merge_iou: 0..1, measured on the boxes as predicted.
        width: Pixels of the frame, to which boxes are clipped after merging.
        height: As ``width``.

    Returns:
        Objects by falling score, relations by falling score.
    """
    label = np.concatenate((triplets.subject_class, triplets.object_class))  # [M]
    score = np.concatenate((triplets.subject_score, triplets.object_score))
    box = np.concatenate((triplets.subject_box, triplets.object_box))
    order = np.lexsort((*box.T[::-1], label, -score))
    label, score, box = label[order], score[order], box[order]
    same = (label[:, None] == label) & (pairwise_iou(box, box) > merge_iou)
    founders, owner = _merge(same)
    objects = np.empty(len(order), dtype=np.int32)  # the object of each mention, in the triplets' order
    objects[order] = owner
    subject, predicate, object_, relation_score = _relations(triplets, objects)
    return FrameRelations(
        object_class=label[founders].astype(np.int32),
        object_score=score[founders].astype(np.float32),
        object_box=_clip(box[founders], width=width, height=height),
        subject=subject,
        predicate=predicate,
        object=object_,
        score=relation_score,
    )


def _merge(same: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Greedy merging of mentions in order: indices of the founders [K], and each mention's object [M]."""
    founders: list[int] = []
    owner = np.empty(len(same), dtype=np.int32)
    for mention in range(len(same)):
        joined = np.flatnonzero(same[mention, founders])
        owner[mention] = joined[0] if len(joined) else len(founders)
        if not len(joined):
            founders.append(mention)
    return np.array(founders, dtype=np.int64), owner


def _relations(
    triplets: Triplets, objects: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Subject, predicate, object and score of each distinct relation between two objects, best first."""
    subject, object_ = objects.reshape(2, -1)
    edges = np.stack((subject, triplets.predicate, object_), axis=1).astype(np.int32)  # [n, 3]
    order = np.lexsort((*edges.T[::-1], -triplets.score))
    order = order[subject[order] != object_[order]]
    first = np.unique(edges[order], axis=0, return_index=True)[1]
    kept = order[np.sort(first)]
    return (*edges[kept].T, triplets.score[kept].astype(np.float32))


def _clip(boxes: Boxes, *, width: float, height: float) -> Boxes:
    limit = np.array([width, height, width, height], dtype=np.float32)
    return np.clip(boxes, 0, limit).astype(np.float32)
