"""Frame scores, and ROC-AUC and average precision of frames, pooled over all frames of a split.

Work on UCF-Crime reports the AUC of frames (Sultani et al., CVPR 2018), on XD-Violence their AP; the paper reports
neither. Both depend on the order of scores only, so frames are kept as a table of distinct scores with the positive
and negative frames of each: exact with ties, and small where scores are held over segments or seconds.

Legend: n frames of a video, K distinct scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hawkeye_core.evaluation.grounding import checked_interval
from hawkeye_core.evaluation.metrics import FPS, Detection, frame_mask
from hawkeye_core.evaluation.result import Truth

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

OUTSIDE = 0.0
"""Score of a frame that no segment covers."""

PENDING = 65_536
"""Distinct scores of videos that :func:`pool` lets wait before it joins them."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Frames by score.

    Args:
        scores: [K] Distinct, falling.
        positives: [K] Anomalous frames of each score.
        negatives: [K] The other frames of each.
    """

    scores: F64
    positives: I64
    negatives: I64

    @property
    def frames(self) -> int:
        """All frames."""
        return int(self.positives.sum() + self.negatives.sum())


def segment_scores(segments: Iterable[Detection], n_frames: int, *, fps: float = FPS) -> F64:
    """[n_frames] the highest score of the segments that cover a frame, as :func:`frame_mask` says; else ``OUTSIDE``.

    Args:
        segments: Of one video; none has a score below ``OUTSIDE``, so that a covered frame is never ranked behind
            an uncovered one. A segment of that very score says as little as none.
        n_frames: Frames of the video.
        fps: Frames a second.

    Raises:
        ValueError: A score is below ``OUTSIDE`` or not finite, or a segment is no interval (:func:`checked_interval`).
    """
    scores = np.full(n_frames, OUTSIDE)
    for item in segments:
        if not OUTSIDE <= item.score < math.inf:
            raise ValueError(f"{item.video}: score {item.score} is not a finite number from {OUTSIDE:g} on")
        covered = frame_mask([checked_interval((item.start_s, item.end_s), item.video)], n_frames, fps=fps)
        scores[covered] = np.maximum(scores[covered], item.score)
    return scores


def curve_scores(curve: ArrayLike, n_frames: int, *, fps: float = FPS) -> F64:
    """[n_frames] an anomaly curve held over its seconds: frame k has the value of second floor(k / fps).

    Nothing is interpolated: a value is said of its whole second.

    Args:
        curve: [ceil(n_frames / fps)] One finite value a second, of any scale; the last second may be a part of one.
        n_frames: Frames of the video.
        fps: Frames a second.

    Raises:
        ValueError: The curve has another length, or a value is not finite.
    """
    values = np.asarray(curve, np.float64)
    seconds = np.floor(np.arange(n_frames) / fps).astype(np.int64)
    wanted = int(seconds[-1]) + 1 if n_frames else 0
    if values.shape != (wanted,):
        raise ValueError(f"a curve of shape {values.shape} for {n_frames} frames at {fps:g} fps; it needs ({wanted},)")
    _require_finite(values)
    return values[seconds]


def score_table(truth: NDArray[np.bool_], scores: ArrayLike) -> ScoreTable:
    """Table of some frames.

    Args:
        truth: [n] Whether a frame is anomalous.
        scores: [n] Higher is more anomalous.

    Raises:
        ValueError: The shapes differ, or a score is not finite.
    """
    values = np.asarray(scores, np.float64)
    if truth.shape != values.shape or truth.ndim != 1 or truth.dtype != bool:
        raise ValueError(f"truth {truth.dtype} {truth.shape} and scores {values.shape} must be of equally many frames")
    _require_finite(values)
    positives = truth.astype(np.int64)
    return _joined(values, positives, 1 - positives)


def pool(tables: Iterable[ScoreTable]) -> ScoreTable:
    """Table of all frames of some tables.

    Takes one after another and needs 24 bytes for each distinct score of the result, a few times over while joining.
    """
    empty = np.zeros(0, np.int64)
    whole = ScoreTable(np.zeros(0), empty, empty)
    waiting: list[ScoreTable] = []
    size = 0
    for table in tables:
        waiting.append(table)
        size += len(table.scores)
        # Waiting for as many as there are already keeps the work at n log n.
        if size > max(PENDING, len(whole.scores)):
            whole, waiting, size = _pooled([whole, *waiting]), [], 0
    return _pooled([whole, *waiting])


def segments_table(detections: Sequence[Detection], truth: Truth) -> ScoreTable:
    """Table of all frames of a split at ``FPS``, scored by predicted segments; a video without any has ``OUTSIDE``.

    Raises:
        ValueError: A segment is of no video of the split, or :func:`segment_scores` says so.
    """
    by_video: dict[str, list[Detection]] = {video: [] for video in truth.durations}
    for item in detections:
        if item.video not in by_video:
            raise ValueError(f"a segment of {item.video!r}, which is no video of the split")
        by_video[item.video].append(item)
    return pool(score_table(mask, segment_scores(by_video[video], len(mask))) for video, mask in _masks(truth))


def curves_table(curves: Mapping[str, ArrayLike], truth: Truth) -> ScoreTable:
    """Table of all frames of a split at ``FPS``, scored by one curve a video, as :func:`curve_scores` reads it.

    Raises:
        ValueError: The curves are not those of the videos of the split, or :func:`curve_scores` says so.
    """
    without = truth.durations.keys() - curves.keys()
    if without:
        raise ValueError(f"no curve for {len(without)} videos, such as {min(without)!r}")
    unknown = curves.keys() - truth.durations.keys()
    if unknown:
        raise ValueError(f"{len(unknown)} curves of no video of the split, such as {min(unknown)!r}")
    return pool(score_table(mask, curve_scores(curves[video], len(mask))) for video, mask in _masks(truth))


def frame_auc(table: ScoreTable) -> float:
    """Area under the ROC curve: how likely a positive frame is scored above a negative one, equal scores counting half.

    Computed in whole numbers up to the last division. Equals scikit-learn's ``roc_auc_score``.

    Returns:
        Part of 1; 0.5 where all scores are equal, not a number where there is no positive or no negative frame.
    """
    positives, negatives = int(table.positives.sum()), int(table.negatives.sum())
    if not positives or not negatives:
        return math.nan
    below = negatives - np.cumsum(table.negatives)
    halves = int((table.positives * (2 * below + table.negatives)).sum())
    return halves / (2 * positives * negatives)


def frame_average_precision(table: ScoreTable) -> float:
    """Sum over thresholds of precision times the gain of recall, one threshold a distinct score, not interpolated.

    Equals scikit-learn's ``average_precision_score``, which however gives 0 where nothing is positive.

    Returns:
        Part of 1; the base rate where all scores are equal, not a number where there is no positive frame.
    """
    positives = int(table.positives.sum())
    if not positives:
        return math.nan
    found = np.cumsum(table.positives)
    precisions = found / (found + np.cumsum(table.negatives))
    return float((table.positives * precisions).sum() / positives)


def _masks(truth: Truth) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for video, duration in truth.durations.items():
        yield video, frame_mask(truth.segments[video], round(duration * FPS))


def _require_finite(values: F64) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise ValueError(f"score {values[wrong[0]]} at {wrong[0]} is not finite")


def _pooled(tables: Sequence[ScoreTable]) -> ScoreTable:
    return _joined(
        np.concatenate([table.scores for table in tables]),
        np.concatenate([table.positives for table in tables]),
        np.concatenate([table.negatives for table in tables]),
    )


def _joined(scores: F64, positives: I64, negatives: I64) -> ScoreTable:
    """One entry a distinct score; -0.0 and 0.0 are one."""
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    first = np.flatnonzero(np.diff(scores, prepend=np.nan) != 0)
    if not len(first):
        return ScoreTable(scores, positives, negatives)
    return ScoreTable(scores[first], np.add.reduceat(positives[order], first), np.add.reduceat(negatives[order], first))
