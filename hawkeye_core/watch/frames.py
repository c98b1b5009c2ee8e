"""Frames of a stream at a fixed rate, as they come.

The rule is that of :mod:`hawkeye_core.video.schedule`: sampled frame k is the last frame shown at or before k / fps.
Which one that is, is known when the next frame comes, so a sampled frame is one source frame late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.video.schedule import SamplingSchedule


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrame:
    """A frame of the stream's clock, which begins with the watch.

    Args:
        k: Its number: it stands for k / fps seconds.
        pts: Seconds at which the source frame was shown.
        source: Number of the source frame; equal numbers are the same picture repeated.
        bgr: [H, W, 3] uint8, blue first; never written to again.
        arrived: ``time.monotonic()`` when the source frame was received.
    """

    k: int
    pts: float
    source: int
    bgr: NDArray[np.uint8]
    arrived: float


class Source(Protocol):
    """Anything that frames come from. Iterated over in a thread of its own."""

    live: bool
    """Whether frames that are not taken in time are lost (a camera) or wait (a file)."""
    reconnects: int
    """How often it was lost and found again."""

    def __iter__(self) -> Iterator[SampledFrame]: ...

    def epoch(self) -> float | None:
        """Unix time of second 0 of the stream, if it is known."""

    def note(self) -> str:
        """What a status line should say of it; may be empty."""

    def stop(self) -> None:
        """Let the iteration end soon; called from another thread."""


class StreamSampler:
    """Chooses the frames that are on screen at k / fps.

    Args:
        fps: Frames sampled a second.
        hold_s: Longest time a frame is taken to be on screen; what a longer silence leaves out stays a gap.
    """

    def __init__(self, fps: float, *, hold_s: float) -> None:
        self.fps = fps
        self._hold = hold_s
        self._schedule = SamplingSchedule(fps)
        self._shown: tuple[float, int, NDArray[np.uint8], float] | None = None

    def push(self, time_s: float, source: int, bgr: NDArray[np.uint8], arrived: float) -> Iterator[SampledFrame]:
        """A source frame; gives the instants at which the frame before it was shown.

        Args:
            time_s: When it is shown, on the stream's clock, not before the frame before it.
            source: Its number.
            bgr: [H, W, 3] its pixels; kept, so it must not be written to again.
            arrived: When it was received, by ``time.monotonic()``.
        """
        yield from self._until(time_s)
        self._shown = (time_s, source, bgr, arrived)

    def cut(self, interval_s: float) -> Iterator[SampledFrame]:
        """The stream breaks off: the last frame is shown for one interval more, then there is none."""
        if self._shown is not None:
            yield from self._until(self._shown[0] + interval_s)
        self._shown = None

    def finish(self, interval_s: float) -> Iterator[SampledFrame]:
        """The video ends: as :meth:`cut`, but a last slot counts if at least half of it is video."""
        if self._shown is not None:
            total = self._schedule.total(self._shown[0] + interval_s)
            yield from self._until(self._schedule.time(total) - 0.5 / self.fps)
        self._shown = None

    def _until(self, stop: float) -> Iterator[SampledFrame]:
        if self._shown is not None:
            begin, source, bgr, arrived = self._shown
            held = stop if stop - begin <= self._hold else begin + 1 / self.fps
            for k in self._schedule.take(held):
                yield SampledFrame(k, begin, source, bgr, arrived)
        if self._schedule.wants(stop):  # nothing was shown at these instants
            self._schedule.next = max(self._schedule.next, math.floor(stop * self.fps))
            for _ in self._schedule.take(stop):
                pass
