"""What :mod:`hawkeye_core.evaluation.significance` compares: metrics of single videos, and pooled ones on draws.

FNR and F2 exist for a video by itself; their mean over videos is not the pooled value of the tables, which weighs
videos by their frames. mAP exists only for a whole split: it is resampled, never tested by video.

Legend: R draws, V videos.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.evaluation.bootstrap import F64, resample
from hawkeye_core.evaluation.metrics import (
    FPS,
    Detection,
    FrameCounts,
    Interval,
    count_frames,
    f_beta,
    false_negative_rate,
    frame_mask,
)
from hawkeye_core.evaluation.result import Truth


@dataclass(frozen=True, slots=True)
class VideoValues:
    """Metrics by video, parts of 1; NaN where a video has no anomalous frame."""

    fnr: Mapping[str, float]
    f2: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DrawnMetrics:
    """Pooled metrics of one run on every draw, and in entry 0 on the videos as they are."""

    fnr: F64  # [1 + R]
    f2: F64  # [1 + R]
    mean_ap: F64  # [1 + R]


def frame_counts(detections: Sequence[Detection], truth: Truth) -> dict[str, FrameCounts]:
    """Counts of every video of ``truth``, in its order; detections in other videos are an error.

    Raises:
        ValueError: A detection is in a video that ``truth`` does not have.
    """
    said: dict[str, list[Interval]] = {video: [] for video in truth.durations}
    for item in detections:
        if item.video not in said:
            raise ValueError(f"a detection is in {item.video!r}, which is not among the {len(said)} videos")
        said[item.video].append((item.start_s, item.end_s))
    counts = {}
    for video, duration in truth.durations.items():
        frames = round(duration * FPS)
        counts[video] = count_frames(frame_mask(truth.segments[video], frames), frame_mask(said[video], frames))
    return counts


def video_values(detections: Sequence[Detection], truth: Truth) -> VideoValues:
    """FNR and F2 of each video.

    A video without anomalous frames has neither: its FNR is undefined, and its F2 would be 0 for one false frame.
    """
    counts = frame_counts(detections, truth)
    return VideoValues(
        {video: false_negative_rate(one) for video, one in counts.items()},
        {video: f_beta(one) if one.positives else math.nan for video, one in counts.items()},
    )


def mean_over_seeds(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each video's mean over the runs of one system, so that videos, not runs, are what a test counts.

    Raises:
        ValueError: There are no runs, or they have other videos.
    """
    if not runs or any(run.keys() != runs[0].keys() for run in runs):
        raise ValueError(f"{len(runs)} runs without the same videos")
    return {video: math.fsum(run[video] for run in runs) / len(runs) for video in runs[0]}


def drawn_metrics(detections: Sequence[Detection], truth: Truth, counts: NDArray[np.int64]) -> DrawnMetrics:
    """Pooled FNR, F2 and mean AP of one run on every draw; a draw without anomalous frames has FNR 0, none missed.

    Args:
        detections: Of all videos.
        truth: Its videos, in the order of the columns of ``counts``.
        counts: [1 + R, V] from :func:`~hawkeye_core.evaluation.bootstrap.draw_videos`.
    """
    by_video = [(one.false_negative, one.positives) for one in frame_counts(detections, truth).values()]
    missed, positives = (counts @ np.array(by_video, np.float64)).T  # [1 + R] each
    fnr = np.divide(missed, positives, out=np.zeros_like(missed), where=positives > 0)
    found = resample(detections, truth, counts)
    return DrawnMetrics(fnr, found.f2, found.mean_ap)
