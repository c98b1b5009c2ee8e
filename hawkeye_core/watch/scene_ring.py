"""The scenes of the last seconds in memory, and windows made of them without a store.

A window here is equal to the one that :meth:`feature_store.store.FeatureStore.window` reads back for the same frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_store.columns import FrameColumns
from feature_store.fingerprint import FAMILIES, Family
from feature_store.ragged import Arrays, cut, join, to_arrays
from feature_store.window import Window, WindowColumns, to_columns, to_window
from hawkeye_core.extraction.stream import Columns


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    stop: int
    arrays: Mapping[Family, Arrays]


class SceneRing:
    """Columns of consecutive frames, batch after batch; old ones are forgotten.

    Args:
        video: Name put into the windows.
    """

    def __init__(self, video: str) -> None:
        self.video = video
        self._parts: deque[_Part] = deque()

    def __len__(self) -> int:
        return self._parts[-1].stop - self._parts[0].start if self._parts else 0

    def add(self, frames: FrameColumns, columns: Mapping[Family, Columns]) -> None:
        """Append a batch of all three families.

        Raises:
            ValueError: It does not follow the frames before it.
            StoreError: Columns that the store would refuse too.
        """
        start, stop = int(frames.frame[0]), int(frames.frame[-1]) + 1
        if stop - start != len(frames.frame) or (self._parts and start != self._parts[-1].stop):
            raise ValueError(f"frames {start} to {stop} do not follow {self._parts[-1].stop if self._parts else start}")
        arrays = {family: to_arrays(family, frames, columns[family]) for family in FAMILIES}
        self._parts.append(_Part(start, stop, arrays))

    def forget(self, before: int) -> None:
        """Drop batches that end at or before a frame."""
        while self._parts and self._parts[0].stop <= before:
            self._parts.popleft()

    def window(self, start: int, stop: int) -> Window:
        """Frames ``start`` to ``stop`` (not included) as tensors of their own memory.

        Raises:
            ValueError: They are not all there.
        """
        return to_window(self.video, start, stop, self._read(start, stop))

    def columns(self, start: int, stop: int) -> WindowColumns:
        """The same as numpy arrays."""
        return to_columns(self.video, start, stop, self._read(start, stop))

    def _read(self, start: int, stop: int) -> dict[Family, Arrays]:
        if not self._parts or not self._parts[0].start <= start < stop <= self._parts[-1].stop:
            raise ValueError(f"frames {start} to {stop} are not all in memory")
        inside = [part for part in self._parts if part.start < stop and start < part.stop]
        return {
            family: _fresh(
                [
                    cut(family, part.arrays[family], max(start - part.start, 0), min(stop, part.stop) - part.start)
                    for part in inside
                ]
            )
            for family in FAMILIES
        }


def _fresh(parts: list[Arrays]) -> Arrays:
    """Joined, in memory of its own."""
    if len(parts) > 1:
        return join(parts)
    return {field: np.array(values) for field, values in parts[0].items()}
