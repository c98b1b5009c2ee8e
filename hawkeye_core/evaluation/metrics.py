"""Metrics of discovering and grounding, as pure functions on segments. Times in seconds, results as parts of 1.

Frame metrics follow the paper's Eq. 8-9, pooled over all frames of a split; detection follows ActivityNet's AP.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FPS = 8.0
"""Frames a second that frame metrics are counted at (paper, section 4.1)."""

TIOUS = (0.1, 0.2, 0.3)
"""Thresholds of mAP@tIoU (paper, section 4.3)."""

BETA = 2.0

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Detection:
    """One predicted segment."""

    video: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frames by truth and prediction; counts of several videos add up."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def __add__(self, other: FrameCounts) -> FrameCounts:
        return FrameCounts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.true_negative + other.true_negative,
        )

    @property
    def positives(self) -> int:
        """Frames that are anomalous."""
        return self.true_positive + self.false_negative

    @property
    def total(self) -> int:
        """All frames."""
        return self.positives + self.false_positive + self.true_negative


def frame_mask(segments: Iterable[Interval], n_frames: int, *, fps: float = FPS) -> NDArray[np.bool_]:
    """[n_frames] True for frames k with start <= k / fps < end of any segment."""
    mask = np.zeros(n_frames, bool)
    times = np.arange(n_frames) / fps
    for start, end in segments:
        # Bisection on the times themselves: start * fps would round across a frame's border.
        mask[np.searchsorted(times, start) : np.searchsorted(times, end)] = True
    return mask


def count_frames(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> FrameCounts:
    """Counts of one video from two masks of equal length."""
    if truth.shape != predicted.shape:
        raise ValueError(f"masks of {truth.shape} and {predicted.shape} frames")
    return FrameCounts(
        int((truth & predicted).sum()),
        int((~truth & predicted).sum()),
        int((truth & ~predicted).sum()),
        int((~truth & ~predicted).sum()),
    )


def false_negative_rate(counts: FrameCounts) -> float:
    """Eq. 8: FN / positives; not a number where nothing is positive."""
    return _ratio(counts.false_negative, counts.positives)


def precision(counts: FrameCounts) -> float:
    """TP / predicted positives; not a number where nothing was predicted."""
    return _ratio(counts.true_positive, counts.true_positive + counts.false_positive)


def recall(counts: FrameCounts) -> float:
    """TP / positives; not a number where nothing is positive."""
    return _ratio(counts.true_positive, counts.positives)


def f_beta(counts: FrameCounts, *, beta: float = BETA) -> float:
    """Eq. 9 in counts: ``(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP)``.

    Equal to the printed form wherever that is defined; 0 where positives were all missed, not a number where nothing
    is positive and nothing was predicted.
    """
    hits = (1 + beta**2) * counts.true_positive
    return _ratio(hits, hits + beta**2 * counts.false_negative + counts.false_positive)


def temporal_iou(first: Interval, second: Interval) -> float:
    """Length of the intersection over the length of the union; 0 if both are empty."""
    intersection = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    union = (first[1] - first[0]) + (second[1] - second[0]) - intersection
    return intersection / union if union > 0 else 0.0


def average_precision(
    truths: Mapping[str, Sequence[Interval]], detections: Sequence[Detection], *, tiou: float
) -> float:
    """ActivityNet's detection AP over all videos at one threshold.

    Detections by falling score (ties in the order given); each takes the unmatched truth of its video with the
    highest tIoU >= ``tiou``, else it is a false positive. Precision is made monotone and summed over the steps of
    recall (PASCAL VOC 2011).

    Args:
        truths: Segments by video.
        detections: Predicted segments of all videos.
        tiou: Threshold.

    Returns:
        AP; not a number where there are no truths, 0 where there are no detections.
    """
    total = sum(len(segments) for segments in truths.values())
    if total == 0:
        return math.nan
    ranked = sorted(detections, key=lambda detection: -detection.score)
    return _area(match_detections(truths, ranked, tiou=tiou), total)


def mean_average_precision(
    truths: Mapping[str, Sequence[Interval]], detections: Sequence[Detection], *, tious: Sequence[float] = TIOUS
) -> dict[str, float]:
    """AP at each threshold and their mean, under the keys ``0.1`` ... and ``mean``."""
    values = {f"{tiou:g}": average_precision(truths, detections, tiou=tiou) for tiou in tious}
    return values | {"mean": float(np.mean(list(values.values())))}


def match_detections(
    truths: Mapping[str, Sequence[Interval]], ranked: Sequence[Detection], *, tiou: float
) -> NDArray[np.bool_]:
    """[N] whether each detection, best first, takes a truth; see :func:`average_precision`."""
    free = {video: list(segments) for video, segments in truths.items()}
    return np.array([_take(free.get(item.video, []), item, tiou) for item in ranked], bool)


def _take(free: list[Interval], detection: Detection, tiou: float) -> bool:
    """Match a detection with the best free truth of its video, which is then taken. Of equal ones the first."""
    if not free:
        return False
    overlaps = [temporal_iou(truth, (detection.start_s, detection.end_s)) for truth in free]
    best = int(np.argmax(overlaps))
    if overlaps[best] < tiou:
        return False
    free.pop(best)
    return True


def _area(hits: NDArray[np.bool_], total: int) -> float:
    found = np.cumsum(hits)
    precisions = found / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precisions[::-1])[::-1]
    return float(highest[hits].sum() / total)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
