"""Presentation times, repaired: what OpenCV reports is not always there, and not always going forward."""

from __future__ import annotations

import math
import statistics
from collections import deque

_MEMORY = 255  # steps the usual interval is the median of


class FrameClock:
    """Turns reported times into times of frames: seconds since the first frame, never going back.

    * Times count from the first frame that can be decoded, so a stream that starts at 1.4 s (MPEG-TS) or whose
      reordering delay shows (AVI with B-frames) starts at 0.
    * A missing time (reported as 0 or NaN, as for the last frames of an AVI with B-frames) is the previous time plus
      one frame interval. The interval is the stated one, else the median of those measured.
    * A small step back is the previous time again: the later frame is shown.
    * A step back of over a second, or forward of over ``max_gap_s``, is a break in the recorder's clock (joined or
      wrapped MPEG-TS): time goes on by one interval, and all later times are shifted alike.

    Args:
        frame_rate: Stated frames a second, or ``None``.
        max_gap_s: Longest time one frame may stay on screen, in seconds.
    """

    def __init__(self, frame_rate: float | None, *, max_gap_s: float) -> None:
        self._stated = None if frame_rate is None else 1 / frame_rate
        self._max_gap = max_gap_s
        self._steps: deque[float] = deque(maxlen=_MEMORY)
        self._origin = 0.0
        self._now = -1.0  # nothing yet
        self.breaks = 0

    def tick(self, reported: float) -> float | None:
        """Time in seconds of the next frame, given what the decoder reports for it.

        Returns:
            The time, or ``None`` if the file gives neither times nor a frame rate to make them from.
        """
        if self._now < 0:
            self._origin = reported if math.isfinite(reported) else 0.0
            self._now = 0.0
            return self._now
        step = self._step(reported)
        if step is None:
            return None
        self._now += step
        return self._now

    def _step(self, reported: float) -> float | None:
        """Seconds from the previous frame to this one."""
        if not math.isfinite(reported) or reported == 0.0:
            return self.interval
        step = reported - self._origin - self._now
        if -1.0 <= step <= self._max_gap:
            if step > 0:
                self._steps.append(step)
            return max(step, 0.0)
        usual = self.interval
        if usual is not None:
            self.breaks += 1
            self._origin += step - usual
        return usual

    @property
    def interval(self) -> float | None:
        """Usual seconds between two frames: the median measured once there are enough, else as stated."""
        if len(self._steps) >= 2 or (self._steps and self._stated is None):
            return statistics.median(self._steps)
        return self._stated
