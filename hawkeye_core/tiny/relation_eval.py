"""How good a RelTR is on labelled frames: AP50 of entities and triplets' R@K, through the project's post-processing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hawkeye_core.relation.boxes import pairwise_iou
from hawkeye_core.relation.postprocess import rank_triplets, top_entities
from hawkeye_core.relation.recall import TrueTriplets, scene_graph_recall
from hawkeye_core.relation.reltr import RelTR
from hawkeye_core.tiny.relation_targets import Labelled, annotation

IOU = 0.5
_AT_ONCE = 20
_STEPS = np.linspace(0, 1, 101)
"""Recalls at which COCO reads the precision."""


def relation_measures(
    model: RelTR, frames: Sequence[Labelled], to_input: Callable[[NDArray[np.uint8]], Tensor]
) -> dict[str, float]:
    """``ap50``: mean over classes of COCO's AP at IoU 0.5 of the entity detections; ``r20`` and ``r50``: share of an
    image's triplets among its best 20 or 50 predictions, mean over images (scene graph detection).

    Args:
        model: In evaluation mode.
        frames: All of one size.
        to_input: From [B, H, W, 3] uint8 RGB to the network's input.
    """
    scored: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    positives: dict[int, int] = defaultdict(int)
    pairs = []
    with torch.inference_mode():
        for start in range(0, len(frames), _AT_ONCE):
            part = frames[start : start + _AT_ONCE]
            sizes = [(frame.image.shape[1], frame.image.shape[0]) for frame in part]
            output = model(to_input(np.stack([frame.image for frame in part])))
            entities = top_entities(output, sizes)
            triplets = rank_triplets(output, sizes, top_k=50)
            for frame, found, ranked in zip(part, entities, triplets, strict=True):
                truth = annotation(frame)
                for label in set(truth.labels.tolist()) | set(found.label.tolist()):
                    mine, own = found.label == label, truth.labels == label
                    positives[label] += int(own.sum())
                    scored[label] += match(found.box[mine], found.score[mine], truth.boxes[own])
                s, p, o = truth.triplets.T
                pairs.append((ranked, TrueTriplets(
                    truth.labels[s].astype(np.int32), p.astype(np.int32), truth.labels[o].astype(np.int32),
                    truth.boxes[s], truth.boxes[o],
                )))  # fmt: skip
    recall = scene_graph_recall(pairs, cutoffs=(20, 50)).recall
    values = [average_precision(scored[label], count) for label, count in positives.items() if count]
    return {"r20": recall[20], "r50": recall[50], "ap50": float(np.mean(values))}


def match(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], truth: NDArray[np.float32]
) -> list[tuple[float, bool]]:
    """Score of each detection of one class in one image, and whether it takes a true box, best first (COCO's rule)."""
    order = np.argsort(-scores, kind="stable")
    iou = pairwise_iou(boxes[order], truth) if len(truth) and len(boxes) else np.zeros((len(boxes), 0))
    free = np.ones(len(truth), bool)
    found = []
    for row, score in zip(iou, scores[order].tolist(), strict=True):
        allowed = np.where(free, row, -1.0)
        hit = bool(len(allowed)) and float(allowed.max()) >= IOU
        if hit:
            free[int(allowed.argmax())] = False
        found.append((score, hit))
    return found


def average_precision(scored: Sequence[tuple[float, bool]], positives: int) -> float:
    """COCO's AP: precision, made monotone, read at 101 recalls."""
    hits = np.array([hit for _, hit in sorted(scored, key=lambda item: -item[0])], bool)
    if not hits.any():
        return 0.0
    found = np.cumsum(hits)
    precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(found / positives, _STEPS - 1e-12)
    return float(np.where(at < len(hits), precision[np.minimum(at, len(hits) - 1)], 0.0).mean())
