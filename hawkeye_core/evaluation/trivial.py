"""Rows that need no model: they stand in every table, because FNR and F2 reward over-prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hawkeye_core.evaluation.metrics import FPS, Detection, Interval, frame_mask

CLIP_S = 1.0
"""Length of a clip in seconds."""


def all_positive(durations: Mapping[str, float]) -> list[Detection]:
    """One segment a video, from its start to its end, all of one score."""
    return [Detection(video, 0.0, duration, 1.0) for video, duration in durations.items()]


def random_clips(durations: Mapping[str, float], *, seed: int, rate: float = 0.5) -> list[Detection]:
    """Each second of each video called anomalous with probability ``rate``; neighbouring ones are one segment.

    A segment's score is uniform in 0..1.
    """
    generator = np.random.default_rng(seed)
    found = []
    for video, duration in durations.items():
        chosen = generator.random(_clips(duration)) < rate
        found += [Detection(video, *interval, float(generator.random())) for interval in _runs(chosen, duration)]
    return found


def oracle_clips(durations: Mapping[str, float], truths: Mapping[str, Sequence[Interval]]) -> list[Detection]:
    """What a perfect judge of one-second clips would say: a second is anomalous if at least half of its frames are."""
    found = []
    for video, duration in durations.items():
        frames = frame_mask(truths.get(video, ()), round(duration * FPS))
        per_clip = [frames[round(i * FPS) : round((i + 1) * FPS)] for i in range(_clips(duration))]
        chosen = np.array([len(clip) > 0 and clip.mean() >= 0.5 for clip in per_clip], bool)
        found += [Detection(video, *interval, 1.0) for interval in _runs(chosen, duration)]
    return found


def _clips(duration_s: float) -> int:
    return int(np.ceil(duration_s / CLIP_S))


def _runs(chosen: np.ndarray, duration_s: float) -> list[Interval]:
    """Runs of chosen clips as seconds; the last clip ends with the video."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return [(a * CLIP_S, min(b * CLIP_S, duration_s)) for a, b in edges.reshape(-1, 2).tolist()]
