"""How sure a difference between two systems is: a paired bootstrap over videos (Efron and Tibshirani, 1993).

Videos are drawn with replacement, the same ones for every system, and each metric is computed anew on what was drawn.
A detection takes truths of its own video only, so matching is done once; a draw only weighs videos.

Legend: R draws, V videos, N detections of one system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.evaluation.metrics import BETA, FPS, TIOUS, Detection, count_frames, frame_mask, match_detections
from hawkeye_core.evaluation.result import Truth

F64 = NDArray[np.float64]

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """First system minus second, parts of 1.

    Args:
        value: On the videos as they are.
        low: Lower end of the 95 % interval (percentiles).
        high: Upper end.
        p: Share of draws in which the first is not ahead; the one-sided p-value, at least 1 / (R + 1).
    """

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Resampled:
    """Metrics of one system on all draws, and in entry 0 on the videos as they are."""

    f2: F64  # [1 + R]
    mean_ap: F64  # [1 + R]


def draw_videos(videos: int, *, seed: int, draws: int = DRAWS) -> NDArray[np.int64]:
    """[1 + R, V] how often each video is in each draw; row 0 has each once."""
    chosen = np.random.default_rng(seed).integers(videos, size=(draws, videos))
    counts = np.zeros((draws + 1, videos), np.int64)
    counts[0] = 1
    np.add.at(counts, (np.arange(1, draws + 1)[:, None], chosen), 1)
    return counts


def resample(detections: Sequence[Detection], truth: Truth, counts: NDArray[np.int64]) -> Resampled:
    """F2 and mean AP of one system on every draw.

    A draw without positives has F2 0 (and AP 0): nothing can be found in it.

    Args:
        detections: Of all videos.
        truth: Its videos, in the order of the columns of ``counts``.
        counts: From :func:`draw_videos`.
    """
    return Resampled(_f2(detections, truth, counts), _mean_ap(detections, truth, counts))


def compare(first: F64, second: F64) -> Difference:
    """Difference of one metric of two systems on the same draws, [1 + R] each."""
    difference = first - second
    drawn = difference[1:]
    low, high = np.percentile(drawn, [2.5, 97.5])
    p = (1 + int((drawn <= 0).sum())) / (1 + len(drawn))
    return Difference(float(difference[0]), float(low), float(high), p)


def _f2(detections: Sequence[Detection], truth: Truth, counts: NDArray[np.int64]) -> F64:
    said: dict[str, list[tuple[float, float]]] = {video: [] for video in truth.durations}
    for item in detections:
        said[item.video].append((item.start_s, item.end_s))
    found = []
    for video, duration in truth.durations.items():
        frames = round(duration * FPS)
        one = count_frames(frame_mask(truth.segments[video], frames), frame_mask(said[video], frames))
        found.append((one.true_positive, one.false_positive, one.false_negative))
    hit, wrong, missed = (counts @ np.array(found, np.float64)).T  # [1 + R] each
    whole = (1 + BETA**2) * hit + BETA**2 * missed + wrong
    return np.divide((1 + BETA**2) * hit, whole, out=np.zeros_like(whole), where=whole > 0)


def _mean_ap(detections: Sequence[Detection], truth: Truth, counts: NDArray[np.int64]) -> F64:
    place: Mapping[str, int] = {video: index for index, video in enumerate(truth.durations)}
    ranked = sorted(detections, key=lambda detection: -detection.score)
    totals = counts @ np.array([len(truth.segments[video]) for video in place], np.int64)  # [1 + R]
    if not ranked:
        return np.zeros(len(counts))
    weights = counts[:, [place[item.video] for item in ranked]]  # [1 + R, N]
    values = []
    for tiou in TIOUS:
        hits = match_detections(truth.segments, ranked, tiou=tiou)
        found = np.cumsum(weights * hits, 1)
        precisions = found / np.maximum(np.cumsum(weights, 1), 1)
        highest = np.maximum.accumulate(precisions[:, ::-1], 1)[:, ::-1]
        values.append((highest * weights * hits).sum(1) / np.maximum(totals, 1))
    return np.mean(values, 0)
