"""Pictures that a low frame rate repeats are computed once.

A 5 fps source gives the same picture for several of the 8 sampled frames a second. Networks see each picture once; the
result is handed to all frames that show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.scene import FrameBatch

ResultT = TypeVar("ResultT")


def first_showings(batch: FrameBatch, last_source: int | None) -> NDArray[np.int64]:
    """Positions in the batch whose picture differs from the frame before.

    Args:
        batch: Consecutive frames.
        last_source: ``source_index`` of the frame before the batch, ``None`` at the start of a video.
    """
    before = np.concatenate(([-1 if last_source is None else last_source], batch.source_index[:-1]))
    return np.flatnonzero(batch.source_index != before)


def select(batch: FrameBatch, positions: NDArray[np.int64]) -> FrameBatch:
    """The batch reduced to some positions; no copy when all are kept."""
    if len(positions) == len(batch):
        return batch
    return replace(
        batch,
        index=batch.index[positions],
        time=batch.time[positions],
        pts=batch.pts[positions],
        source_index=batch.source_index[positions],
        images=batch.images[positions],
    )


class Spread(Generic[ResultT]):
    """Hands the results of first showings to every frame, across batch boundaries."""

    def __init__(self) -> None:
        self._last: ResultT | None = None

    def __call__(self, results: Sequence[ResultT], positions: NDArray[np.int64], frames: int) -> list[ResultT]:
        """[len(positions)] results -> [frames] results; a frame before the first position repeats the last batch's."""
        which = np.searchsorted(positions, np.arange(frames), side="right") - 1
        spread = [self._carried() if i < 0 else results[i] for i in which]
        self._last = spread[-1]
        return spread

    def _carried(self) -> ResultT:
        if self._last is None:
            raise ValueError("the first frame of a video repeats nothing")
        return self._last
