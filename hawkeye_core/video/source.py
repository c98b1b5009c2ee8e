"""Frames of a file one after another, and the times of its packets without decoding."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import NotAVideoError, VideoError
from hawkeye_core.video.capture import open_capture

_RETRIES = 1000
"""Packets in a row that may fail before the end is believed; OpenCV reports the end and damage alike, by false.
At the true end a failing call costs about a microsecond."""


class VideoSource:
    """Grabs frames in order; only those asked for are converted to pixels.

    Args:
        path: The file.
        threads: Decoder threads; ``None`` lets OpenCV choose.

    Attributes:
        index: Number of the frame grabbed last; -1 before the first.
        damaged_after: Number of the frame after which undecodable data was skipped, or ``None``.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(path)
        self._capture = open_capture(path, threads=threads)
        if not self._capture.isOpened():
            raise NotAVideoError("cannot be opened", path=path)
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        self.index = -1
        self.damaged_after: int | None = None

    def grab(self) -> float | None:
        """Decode the next frame without converting it.

        Returns:
            Its reported time in seconds (0 if the file gives none), or ``None`` at the end.
        """
        if not self._capture.grab():
            if not _grab_after_failure(self._capture):
                return None
            if self.damaged_after is None:
                self.damaged_after = self.index
        self.index += 1
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000

    def retrieve(self, into: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Pixels of the frame grabbed last, upright.

        Args:
            into: [H, W, 3] array to reuse, if it fits.

        Returns:
            [H, W, 3] uint8, blue first.
        """
        try:
            ok, image = self._capture.retrieve(into)
        except (cv2.error, MemoryError) as error:
            raise VideoError(f"frame {self.index} cannot be converted: {error}", path=self.path) from error
        if not ok or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise VideoError(f"frame {self.index} cannot be converted to 8-bit colour", path=self.path)
        return np.asarray(image, dtype=np.uint8)

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()


class PacketTimes:
    """Presentation times of all packets, read without decoding (under 1 % of the time that decoding takes).

    They predict when the frame on screen will be replaced, so that only frames that stay on screen at a sampling
    instant are converted. A prediction, not a fact: edit lists and reordering in AVI make it differ.

    Args:
        times: Seconds in ascending order, on the scale of :meth:`VideoSource.grab`.
    """

    def __init__(self, times: Sequence[float]) -> None:
        self._times = times

    @classmethod
    def of(cls, path: str | Path) -> PacketTimes:
        """Read the packets of a file; empty if OpenCV cannot."""
        capture = open_capture(path)
        times: list[float] = []
        try:
            if capture.set(cv2.CAP_PROP_FORMAT, -1):
                while capture.grab() or _grab_after_failure(capture):
                    times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        finally:
            capture.release()
        return cls(sorted(times))

    def next_after(self, time: float) -> float | None:
        """Smallest packet time later than ``time`` (by more than a microsecond), ``None`` if there is none."""
        at = bisect.bisect_right(self._times, time + 1e-6)
        return self._times[at] if at < len(self._times) else None

    @property
    def span(self) -> float:
        """Seconds from the first to the last packet."""
        return self._times[-1] - self._times[0] if self._times else 0.0


def _grab_after_failure(capture: cv2.VideoCapture) -> bool:
    return any(capture.grab() for _ in range(_RETRIES))
