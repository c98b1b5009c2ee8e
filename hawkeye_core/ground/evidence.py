"""What was seen within a segment: who moved, what held, how the experts were weighed, and the frames that show it.

All of it is read from the store and from the prediction; no network runs and no picture is decoded.

Legend: T frames of a segment, S seconds of the video, N experts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feature_store.window import WindowColumns
from hawkeye_core.evaluation.folder import RouterWeights
from hawkeye_core.ground.motion import MotionTally
from hawkeye_core.ground.records import Evidence, RouterShare
from hawkeye_core.ground.triplets import TripletTally

Span = tuple[float, float]
"""Start and end in seconds."""
Read = Callable[[int, int], WindowColumns]
"""Poses and relations of frames [start, stop)."""

CHUNK = 1024
"""Frames that are read together: a segment may be hours long."""
STILLS = 3
"""Frames that are named, at most."""
APART_S = 1.0
"""Seconds between two of them, at least."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """A video as evidence is taken from it.

    Args:
        read: Gives its frames.
        n_frames: Sampled frames.
        fps: Frames a second.
        curve: P(anomalous) by second, None without one.
        router: Routing weights by second, None without one.
    """

    read: Read
    n_frames: int
    fps: float
    curve: Sequence[float] | None = None
    router: RouterWeights | None = None


def evidence_of(seen: Seen, span: Span, *, spans: Sequence[Span]) -> Evidence:
    """Evidence for one segment.

    Args:
        seen: The video.
        span: The segment.
        spans: All segments of the video, this one too; they do not overlap.
    """
    start, stop = frames_of(span, n_frames=seen.n_frames, fps=seen.fps)
    motion, triplets = tally(seen.read, start, stop, fps=seen.fps)
    held, support = triplets.held()
    seconds = np.arange(start, stop) / seen.fps
    weight = None
    if seen.curve is not None:
        curve = np.asarray(seen.curve, np.float64)
        weight = curve[np.minimum(seconds.astype(np.int64), len(curve) - 1)]
    places = best_frames(motion.fastest, support, weight, gap=round(APART_S * seen.fps))
    return Evidence(
        frames=tuple(float((start + place) / seen.fps) for place in places),
        people=motion.moved(),
        triplets=held,
        router=None if seen.router is None else router_share(seen.router, span, spans, end_s=seen.n_frames / seen.fps),
        peak=None if seen.curve is None else peak_of(seen.curve, span),
    )


def tally(read: Read, start: int, stop: int, *, fps: float) -> tuple[MotionTally, TripletTally]:
    """Motion and triplets of frames [start, stop), read in chunks."""
    motion, triplets = MotionTally(start, stop, fps=fps), TripletTally(start, stop, fps=fps)
    for begin in range(start, stop, CHUNK):
        end = min(begin + CHUNK, stop)
        motion.add(read(max(begin - 1, start), end))  # one frame again: people are followed across the border
        triplets.add(read(begin, end))
    return motion, triplets


def frames_of(span: Span, *, n_frames: int, fps: float) -> tuple[int, int]:
    """Frames whose instants lie in a segment, [start, stop); the nearest one if there is none."""
    start, stop = math.ceil(span[0] * fps - 1e-6), math.ceil(span[1] * fps - 1e-6)
    start = min(max(start, 0), n_frames - 1)
    return start, min(max(stop, start + 1), n_frames)


def best_frames(motion: F64, support: F64, weight: F64 | None, *, gap: int) -> list[int]:
    """Places of the frames that show a segment best, in order, at most :data:`STILLS`.

    A frame is worth its motion and the scores of the triplets that hold in it, each as a part of the highest, times the
    anomaly curve if there is one. The worthiest is taken, then the worthiest at least ``gap`` frames from those taken.
    Where nothing moved and nothing held it is the middle.

    Args:
        motion: [T] speed of the fastest person.
        support: [T] scores of the triplets.
        weight: [T] of the curve.
        gap: In frames.
    """
    value = sum((part / part.max() for part in (motion, support) if part.max() > 0), np.zeros(len(motion)))
    if weight is not None:
        value = value * weight
    found: list[int] = []
    free = value > 0
    while len(found) < STILLS and free.any():
        place = int(np.where(free, value, -1.0).argmax())
        found.append(place)
        free[max(0, place - gap + 1) : place + gap] = False
    return sorted(found) or [len(motion) // 2]


def router_share(router: RouterWeights, span: Span, spans: Sequence[Span], *, end_s: float) -> RouterShare:
    """Mean weights within a segment and outside of all; each second counts by how much of it lies there."""
    seconds = len(router.action)
    within = covered(seconds, [span])
    outside = np.clip(np.clip(end_s - np.arange(seconds), 0, 1) - covered(seconds, spans), 0, None)
    means = [_mean(part, weight) for weight in (within, outside) for part in (router.action, router.object)]
    return RouterShare(*means)


def covered(seconds: int, spans: Sequence[Span]) -> F64:
    """[S] how much of each second some stretches cover that do not overlap."""
    low = np.arange(seconds, dtype=np.float64)
    parts = [np.clip(np.minimum(end, low + 1) - np.maximum(start, low), 0, None) for start, end in spans]
    return np.sum(parts, axis=0) if parts else np.zeros(seconds)


def peak_of(curve: Sequence[float], span: Span) -> float:
    """The highest value of the curve in the seconds that a segment touches."""
    first = min(max(int(span[0]), 0), len(curve) - 1)
    return float(max(curve[first : max(math.ceil(span[1]), first + 1)]))


def _mean(weights: NDArray[np.float32], by: F64) -> tuple[float, ...]:
    """[N] mean over seconds; nothing where no second counts."""
    total = by.sum()
    return tuple(float(value) for value in by @ weights.astype(np.float64) / total) if total > 1e-9 else ()
