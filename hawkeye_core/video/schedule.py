"""Which frame is sampled when: the rule, apart from any decoder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

TOLERANCE_S = 1e-6
"""Seconds by which a frame may come late and still count as on time; times are floats made from integer ticks."""


class SamplingSchedule:
    """Sampled frame k is the last source frame shown at or before the instant k / fps.

    There are N = max(1, round(duration x fps)) of them (a half rounds up): frame k stands for the slot from k / fps
    to (k + 1) / fps, and a last slot counts if at least half of it is video. So a 10 s clip gives 80 frames at any
    source rate, also where 300 frames of 29.97 fps last 10.01 s.

    Args:
        fps: Frames sampled a second.
        start: First k that is wanted.
    """

    def __init__(self, fps: float, *, start: int = 0) -> None:
        self._rate = Fraction(fps).limit_denominator(1_000_000)
        self.next = start

    def time(self, k: int) -> float:
        """Instant of frame k in seconds."""
        return float(k / self._rate)

    def wants(self, until: float) -> bool:
        """Whether a frame shown until this second is shown at the next instant."""
        return self.time(self.next) < until - TOLERANCE_S

    def take(self, until: float) -> Iterator[int]:
        """The instants, in order and each only once, that come before this second."""
        while self.wants(until):
            self.next += 1
            yield self.next - 1

    def total(self, duration_s: float) -> int:
        """How many frames a video of this length gives."""
        return max(1, math.floor(duration_s * float(self._rate) + 0.5 + TOLERANCE_S))
