"""How good the graphs of a store are: what is stored of drawn videos against what is true of them.

Measured is what training and evaluation read, behind thresholds and merging, not what the networks could say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feature_store.columns import PoseColumns, RelationColumns
from feature_store.store import FeatureStore
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.relation.recall import TrueTriplets, scene_graph_recall
from hawkeye_core.scene import FramePose
from hawkeye_core.tiny.keypoint_ap import coco_ap
from hawkeye_core.tiny.relation_eval import average_precision, match
from hawkeye_core.tiny.relation_targets import alike, annotation

CUTOFF = 20


@dataclass(frozen=True, slots=True)
class GraphQuality:
    """Of a store, all parts of 1.

    Args:
        keypoint_ap: COCO's OKS-AP of people, means over thresholds 0.5 to 0.95.
        keypoint_ap50: The same at 0.5.
        box_ap50: Mean over classes of the AP at IoU 0.5 of the objects of the stored scene graphs.
        recall: R@20 of the stored triplets, mean over the frames that have any.
        frames: Compared.
    """

    keypoint_ap: float
    keypoint_ap50: float
    box_ap50: float
    recall: float
    frames: int


@dataclass(frozen=True, slots=True)
class _TrueFrame:
    """One frame of a truth, as a labelled frame is read."""

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    entities: tuple[str, ...]
    boxes: NDArray[np.float32]
    visible: NDArray[np.float32]
    triplets: list[tuple[int, str, int]]


def graph_quality(store: FeatureStore, truths: Sequence[VideoTruth]) -> GraphQuality:
    """Compare the frames of drawn videos of a store with their truths.

    Raises:
        StoreError: The store has not their features.
    """
    frames: list[_TrueFrame] = []
    poses: list[FramePose] = []
    scored: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    positives: dict[int, int] = defaultdict(int)
    pairs: list[tuple[Triplets, TrueTriplets]] = []
    for truth in truths:
        count = min(store.n_frames(truth.video), truth.n_frames)
        stored = store.window_numpy(truth.video, 0, count, families=("pose", "relations"))
        if stored.pose is None or stored.relations is None:
            raise ValueError("the families asked for are not there")
        true = [_true_frame(truth, number) for number in range(count)]
        frames += true
        poses += _poses(stored.pose)
        for frame, graph in zip(true, _graphs(stored.relations), strict=True):
            labels, scores, boxes, triplets = graph
            wanted = annotation(frame)
            for label in set(wanted.labels.tolist()) | set(labels.tolist()):
                own = wanted.labels == label
                positives[label] += int(own.sum())
                scored[label] += match(boxes[labels == label], scores[labels == label], wanted.boxes[own])
            s, p, o = wanted.triplets.T
            pairs.append((triplets, TrueTriplets(
                wanted.labels[s].astype(np.int32), p.astype(np.int32), wanted.labels[o].astype(np.int32),
                wanted.boxes[s], wanted.boxes[o],
            )))  # fmt: skip
    people = coco_ap(frames, poses)
    values = [average_precision(scored[label], count) for label, count in positives.items() if count]
    return GraphQuality(
        people["ap"], people["ap50"], float(np.mean(values)) if values else float("nan"),
        scene_graph_recall(pairs, cutoffs=(CUTOFF,)).recall[CUTOFF], len(frames),
    )  # fmt: skip


def _true_frame(truth: VideoTruth, number: int) -> _TrueFrame:
    nothing: NDArray[np.uint8] = np.zeros((truth.height, truth.width, 3), np.uint8)
    return _TrueFrame(
        nothing, truth.keypoints[number], truth.entities, truth.boxes[number], truth.visible[number],
        truth.triplets(number),
    )  # fmt: skip


def _poses(columns: PoseColumns) -> Iterator[FramePose]:
    """People of each frame."""
    stop = np.cumsum(columns.n_people)
    for start, end in zip(stop - columns.n_people, stop, strict=True):
        yield FramePose(columns.keypoints[start:end], columns.score[start:end], columns.box[start:end])


def _graphs(
    columns: RelationColumns,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32], Triplets]]:
    """Labels, scores and boxes of the objects of each frame, and its triplets."""
    objects, relations = np.cumsum(columns.n_objects), np.cumsum(columns.n_relations)
    for k, (last, end) in enumerate(zip(objects, relations, strict=True)):
        mine = slice(last - columns.n_objects[k], last)
        own = slice(end - columns.n_relations[k], end)
        label = alike(columns.object_class[mine]).astype(np.int32)
        score, box = columns.object_score[mine], columns.object_box[mine]
        subject, object_ = columns.subject[own], columns.object[own]
        ones = np.ones(len(subject), np.float32)
        yield label, score, box, Triplets(
            query=np.arange(len(subject), dtype=np.int32), subject_class=label[subject],
            predicate=columns.predicate[own], object_class=label[object_], subject_score=ones, predicate_score=ones,
            object_score=ones, score=columns.relation_score[own], subject_box=box[subject], object_box=box[object_],
        )  # fmt: skip
