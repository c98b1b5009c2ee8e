"""Collects sampled frames into batches, converting each picture straight into its place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.scene import FrameBatch


class BatchBuilder:
    """Fills one batch at a time.

    Args:
        video: Id put into the batches.
        size: Frames a batch.
    """

    def __init__(self, video: str, *, size: int) -> None:
        self._video, self._size = video, size
        self._images: NDArray[np.uint8] | None = None
        self._rows: list[tuple[int, float, float, int]] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def full(self) -> bool:
        """Whether the batch must be taken before another frame is added."""
        return len(self._rows) == self._size

    def add(self, k: int, *, time: float, pts: float, source: int, bgr: NDArray[np.uint8]) -> None:
        """Append frame k.

        Args:
            k: Number of the sampled frame.
            time: Its instant, in seconds.
            pts: Presentation time of the source frame, in seconds.
            source: Number of the source frame.
            bgr: [H, W, 3] its pixels, blue first; copied.
        """
        if self._images is None:
            self._images = np.empty((self._size, *bgr.shape), np.uint8)
        at = len(self._rows)
        if at and self._rows[-1][3] == source:
            self._images[at] = self._images[at - 1]
        else:
            cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=self._images[at])
        self._rows.append((k, time, pts, source))

    def drop_from(self, k: int) -> int:
        """Remove frames numbered k and up; returns how many."""
        before = len(self._rows)
        self._rows = [row for row in self._rows if row[0] < k]
        return before - len(self._rows)

    def take(self) -> FrameBatch:
        """The batch so far; the builder is empty afterwards."""
        if self._images is None or not self._rows:
            raise ValueError("no frame has been added")
        index, time, pts, source = zip(*self._rows, strict=True)
        batch = FrameBatch(
            video=self._video,
            index=np.array(index, np.int64),
            time=np.array(time, np.float64),
            pts=np.array(pts, np.float64),
            source_index=np.array(source, np.int64),
            images=self._images[: len(index)],
        )
        self._images, self._rows = None, []
        return batch
