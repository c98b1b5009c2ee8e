"""Waits between tries: each twice the one before, up to a limit, with jitter so that many do not come at once."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait after each failure in a row.

    Args:
        first_s: Before the second try.
        longest_s: No wait is longer.
        seed: Of the jitter; None takes one from the system.
    """

    def __init__(self, first_s: float, *, longest_s: float, seed: int | None = None) -> None:
        self._first, self._longest = first_s, longest_s
        self._random = random.Random(seed)
        self.failures = 0

    def next_s(self) -> float:
        """Count a failure; the wait after it is drawn between half of the doubled time and all of it."""
        whole = min(self._first * 2.0 ** min(self.failures, 60), self._longest)
        self.failures += 1
        return whole * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: the next failure is the first one again."""
        self.failures = 0
