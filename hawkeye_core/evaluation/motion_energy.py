"""A baseline that needs no training: how much of the picture moves, by frame difference at 8 frames a second.

Each sampled frame is made grey and at most 160 px wide and high (areas averaged, which also averages the camera's
noise away), and the frame before is subtracted. Most of a fixed camera's picture is background, so the median of the
difference is what the whole picture did (exposure, flicker) and its median absolute deviation (MAD) is the camera's
noise. A pixel moves if it lies further from that median than :data:`NOISE` standard deviations of the noise and than
:data:`LEAST` grey levels. The energy of a frame is the part of the pixels that move; of a second, the mean of its
frames; then a mean over :data:`SMOOTH_S` seconds.

What it cannot do: where most pixels change (a pan, a cut, a drone's flight), the median takes that for the background
and the energy stays low; a slow change under :data:`LEAST` grey levels in 1/8 s is not seen.

Legend: B frames in a batch, H x W pixels, N seconds of a video.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.metrics import BETA, FPS, Detection, Interval, frame_mask
from hawkeye_core.evaluation.result import Truth
from hawkeye_core.scene import FrameBatch
from hawkeye_core.video.prefetch import Prefetcher
from hawkeye_core.video.sampling import FrameSampler

SIDE = 160
"""Longest side in pixels that differences are taken at; smaller pictures keep their size."""
NOISE = 6.0
"""Standard deviations of the camera's noise that a moving pixel lies beyond."""
LEAST = 8.0
"""Grey levels (of 255) that a moving pixel changes by at least; blocks of a codec stay below."""
SMOOTH_S = 3
"""Seconds of the running mean, odd; at the ends over those that exist."""

F32 = NDArray[np.float32]
_MAD_TO_STD = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True)
class MotionCurve:
    """Motion of one video.

    Args:
        video: Its id.
        values: [N] energy of each second, 0..1; the last second may be cut.
        duration_s: Seconds, as the feature store counts them: frames at 8 a second.
        cut: How the file is cut or damaged; None if it is whole.
    """

    video: str
    values: F32
    duration_s: float
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Energy above which a second is called anomalous.

    Args:
        value: 0..1.
        f2: Reached with it on the videos it was chosen on.
        videos: Those videos.
    """

    value: float
    f2: float
    videos: frozenset[str]


def motion_curve(path: str | Path, *, video: str | None = None) -> MotionCurve:
    """Motion of a video; memory does not grow with its length but for 8 bytes a second.

    Args:
        path: The file.
        video: Its id; the file's stem if ``None``.

    Raises:
        VideoError: The file cannot be used; see :mod:`hawkeye_core.errors` for the kinds.
    """
    with FrameSampler(path, fps=FPS, video_id=video) as sampler:
        with Prefetcher(sampler) as batches:  # decodes while differences are taken
            values = energy_per_second(batches)
        return MotionCurve(sampler.video_id, smoothed(values), sampler.frames_out / FPS, sampler.reason)


def energy_per_second(batches: Iterable[FrameBatch], *, fps: float = FPS) -> F32:
    """[N] mean energy of the frames of each second, not smoothed.

    The first frame has no energy. A source frame that is shown again (a source slower than ``fps``) is not counted: a
    second without any new frame has 0.

    Args:
        batches: Consecutive frames at ``fps`` from the start of a video.
        fps: Frames sampled a second.
    """
    sums: list[float] = []
    news: list[int] = []
    before: NDArray[np.uint8] | None = None
    shown = -1
    for batch in batches:
        for index, source, image in zip(batch.index.tolist(), batch.source_index.tolist(), batch.images, strict=True):
            second = int(index / fps)
            while len(sums) <= second:
                sums.append(0.0)
                news.append(0)
            if source == shown and before is not None:
                continue
            grey = _small_grey(image)
            if before is not None:
                sums[second] += moving_part(before, grey)
                news[second] += 1
            before, shown = grey, source
    return np.array([total / max(count, 1) for total, count in zip(sums, news, strict=True)], np.float32)


def moving_part(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Part of the pixels that move between two grey pictures [H, W] of one size, 0..1."""
    change = after.astype(np.float32) - before
    change -= np.median(change)
    size = np.abs(change, out=change)
    noise = _MAD_TO_STD * float(np.median(size))
    return float((size > max(LEAST, NOISE * noise)).mean())


def smoothed(values: F32) -> F32:
    """[N] running mean over :data:`SMOOTH_S` seconds."""
    if not len(values):
        return values
    window = np.ones(SMOOTH_S)
    counts = np.convolve(np.ones(len(values)), window, "full")
    sums = np.convolve(values.astype(np.float64), window, "full")
    half = SMOOTH_S // 2
    return (sums / counts)[half : half + len(values)].astype(np.float32)


def detect(curves: Iterable[MotionCurve], threshold: float) -> list[Detection]:
    """Runs of seconds with an energy above the threshold; the score is their mean energy.

    The last second ends with the video. Energy 0 is never anomalous.

    Raises:
        ValueError: The threshold lies outside 0..1.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must lie in 0..1: {threshold}")
    found = []
    for curve in curves:
        above = curve.values.astype(np.float64) > threshold  # in float32 a middle could fall on its neighbour
        said = np.concatenate([[False], above, [False]]).astype(np.int8)
        for start, end in np.flatnonzero(np.diff(said)).reshape(-1, 2).tolist():
            stop = min(float(end), curve.duration_s)
            if stop > start:
                found.append(Detection(curve.video, float(start), stop, float(curve.values[start:end].mean())))
    return found


def choose_threshold(curves: Sequence[MotionCurve], truth: Truth) -> Threshold:
    """The threshold with the highest F2, frames pooled over the videos; of equal ones the highest.

    Every threshold that changes anything is tried: the middles between neighbouring energies, and between the lowest
    and 0. To be called with the training split only; :func:`require_unseen` checks the videos that are judged then.

    Args:
        curves: Of the training videos.
        truth: Of the same videos, and of no other.

    Raises:
        AnnotationError: Curves and truth are of other videos, or there is no anomalous frame to choose by.
    """
    by_video = {curve.video: curve for curve in curves}
    if len(by_video) != len(curves) or by_video.keys() != truth.durations.keys():
        odd = sorted(by_video.keys() ^ truth.durations.keys()) or ["a video twice"]
        raise AnnotationError(
            f"motion and annotations are not of the same videos: {', '.join(odd[:5])}",
            remedy="choose the threshold on one split, with the motion of each of its videos",
        )
    lengths = truth.durations.items()
    parts = [_frames_by_second(by_video[video], truth.segments[video], duration) for video, duration in lengths]
    positives = sum(part[2] for part in parts)
    if not positives:
        raise AnnotationError(
            f"none of the {len(parts)} videos has an anomalous frame to choose a threshold by",
            remedy="choose it on a split with anomalous videos",
        )
    energy = np.concatenate([by_video[video].values for video in truth.durations])
    hits, frames = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    value, f2 = _best(energy, hits, frames, positives)
    return Threshold(value, f2, frozenset(by_video))


def require_unseen(threshold: Threshold, videos: Iterable[str]) -> None:
    """Refuse to judge videos that the threshold was chosen on.

    Raises:
        AnnotationError: It was chosen on some of them.
    """
    seen = sorted(threshold.videos.intersection(videos))
    if seen:
        raise AnnotationError(
            f"the threshold was chosen on {len(seen)} of the videos to judge: {', '.join(seen[:5])}",
            remedy="choose it on the training split and judge the test split",
        )


def _small_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 3] RGB to grey of at most :data:`SIDE` px a side."""
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _frames_by_second(
    curve: MotionCurve, segments: Sequence[Interval], duration_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """[N] anomalous frames and [N] all frames of each second of the curve, and all anomalous frames of the video.

    Frames are those of the annotated length. Seconds behind it have none; frames behind the curve (a cut file) are in
    no second, so that anomalous ones among them are missed at any threshold.
    """
    mask = frame_mask(segments, round(duration_s * FPS))
    ends = np.minimum(np.ceil(np.minimum(np.arange(len(curve.values) + 1), curve.duration_s) * FPS), len(mask))
    places = ends.astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(mask)])
    return np.diff(sums[places]), np.diff(places), int(mask.sum())


def _best(energy: F32, hits: NDArray[np.int64], frames: NDArray[np.int64], positives: int) -> tuple[float, float]:
    """Best threshold and its F2, from energies, anomalous frames and all frames of the seconds of all videos."""
    order = np.argsort(-energy, kind="stable")
    ranked = energy[order].astype(np.float64)
    found, said = np.cumsum(hits[order]), np.cumsum(frames[order])
    best = (1.0, 0.0)  # nothing is called anomalous
    for place in np.flatnonzero((np.append(ranked[1:], 0.0) != ranked) & (ranked > 0)):  # last of its equals
        f2 = (1 + BETA**2) * found[place] / (BETA**2 * positives + said[place])
        if f2 > best[1]:
            below = ranked[place + 1] if place + 1 < len(ranked) else 0.0
            best = (float(ranked[place] + below) / 2, float(f2))
    return best
