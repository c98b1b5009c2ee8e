"""Values of stretches of a video, joined to one value a second.

Second k of a video covers [k, k + 1). A value holds for a stretch of time; that of a second is the mean over what
covers it, weighted by how long each does: of windows that overlap by their frames, where a window or a frame does not
begin with a second by its part of each.

Legend: n values, S seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BySecond:
    """Means over what one window covers of each second.

    Args:
        first: The first of these seconds.
        covered: [S] how much of each the window covers, in seconds, above 0.
        values: [S, ...] mean of each.
    """

    first: int
    covered: F64
    values: F64


def by_second(starts: ArrayLike, ends: ArrayLike, values: ArrayLike) -> BySecond:
    """The seconds that some stretches cover.

    Args:
        starts: [n] in seconds of the video, rising.
        ends: [n] each behind its start and not behind the next start: the stretches follow each other without a gap.
        values: [n, ...] of each stretch.

    Raises:
        ValueError: There is no stretch, or they are not as said.
    """
    begin, end, what = np.asarray(starts, np.float64), np.asarray(ends, np.float64), np.asarray(values, np.float64)
    if not len(begin) or not len(begin) == len(end) == len(what) or not (begin < end).all() or begin[0] < 0:
        raise ValueError("stretches have a start, a later end and a value each")
    if not np.allclose(begin[1:], end[:-1]):
        raise ValueError("stretches must follow each other without a gap")
    first, stop = math.floor(begin[0]), math.ceil(end[-1])
    low = np.arange(first, stop, dtype=np.float64)[:, None]  # [S, 1]
    covered = np.clip(np.minimum(end, low + 1) - np.maximum(begin, low), 0, None)  # [S, n] seconds
    total = covered.sum(1)
    return BySecond(first, total, np.tensordot(covered / total[:, None], what, axes=1))


def joined(parts: Iterable[BySecond], seconds: int) -> F64:
    """[seconds, ...] means over all windows of a video.

    Args:
        parts: Of its windows.
        seconds: Of the video, rounded up; the windows cover a part of each.

    Raises:
        ValueError: A second is covered by none.
    """
    sums: F64 | None = None
    covered = np.zeros(seconds)
    for part in parts:
        place = slice(part.first, part.first + len(part.covered))
        sums = np.zeros((seconds, *part.values.shape[1:])) if sums is None else sums
        weight = part.covered.reshape(-1, *[1] * (part.values.ndim - 1))
        sums[place] += (weight * part.values)[: seconds - part.first]
        covered[place] += part.covered[: seconds - part.first]
    if sums is None or not (covered > 0).all():
        raise ValueError("the windows do not cover every second")
    mean: F64 = sums / covered.reshape(-1, *[1] * (sums.ndim - 1))
    return mean
