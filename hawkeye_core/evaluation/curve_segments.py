"""Segments read off the scores of frames, where the dense head and not the answer's text says when something happens.

What is positive should be called so from a probability of F* / (1 + beta^2) on, F* being the best F-beta that can be
had (Lipton et al., ECML 2014): about 0.1 for F2 where F* is about 0.5. Scores are smoothed first, since one frame alone
says little, and what is shorter or closer than half a second is dropped or closed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

CURVE_THRESHOLD = 0.1
"""Where nothing else is asked for."""
SMOOTH_S = 1.0
"""Length of the running mean."""
LEAST_S = 0.5
"""Pauses and segments that are shorter are none."""


def smooth(scores: ArrayLike, *, fps: float, length_s: float = SMOOTH_S) -> NDArray[np.float64]:
    """Running mean over an odd number of frames; at the ends over those that are there.

    Args:
        scores: [T] of frames.
        fps: Frames a second.
        length_s: Seconds of the mean.
    """
    values = np.asarray(scores, np.float64)
    half = int(length_s * fps / 2)
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    low, high = np.maximum(place - half, 0), np.minimum(place + half + 1, len(values))
    mean: NDArray[np.float64] = (total[high] - total[low]) / (high - low)
    return mean


def curve_segments(
    scores: ArrayLike, *, fps: float, threshold: float, least_s: float = LEAST_S
) -> list[tuple[int, int, float]]:
    """Frames [start, stop) of each segment and its score, the mean of its frames' smoothed scores.

    Args:
        scores: [T] probabilities of frames.
        fps: Frames a second.
        threshold: From which a smoothed score is positive.
        least_s: Shorter pauses are closed first, then shorter segments dropped.

    Returns:
        In the order of their starts; none overlap.
    """
    values = smooth(scores, fps=fps)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (values >= threshold).astype(np.int8), [0]])))
    starts, stops = edges[::2], edges[1::2]
    least = max(1, round(least_s * fps))
    if len(starts):
        apart = starts[1:] - stops[:-1] >= least
        starts, stops = starts[np.concatenate([[True], apart])], stops[np.concatenate([apart, [True]])]
    kept = stops - starts >= min(least, len(values))
    pairs = zip(starts[kept].tolist(), stops[kept].tolist(), strict=True)
    return [(start, stop, float(values[start:stop].mean())) for start, stop in pairs]
