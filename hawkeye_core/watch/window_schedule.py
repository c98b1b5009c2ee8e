"""When a window of a stream that goes on is due."""

from __future__ import annotations


class WindowSchedule:
    """Windows of a run of consecutive frames, by where they end.

    One ends every ``hop`` frames of the run and reaches ``length`` frames back, or to the run's start. So the first
    seconds are answered after one hop, not after a whole window. Where several have become due at once, frames having
    been held through a gap, the last of them is answered and the others are skipped.

    Args:
        start: First frame of the run.
        length: Most frames of a window.
        hop: Frames between the ends of two windows.
        least: Fewest frames that are worth an answer when the run ends.

    Attributes:
        skipped: Windows skipped so far.
    """

    def __init__(self, start: int, *, length: int, hop: int, least: int) -> None:
        if not 1 <= hop <= length:
            raise ValueError(f"hop {hop} must lie in 1 .. {length}, or frames would be left out")
        self._start, self._length, self._hop, self._least = start, length, hop, least
        self._answered = start  # where the last window ended
        self._due = start + hop
        self.skipped = 0

    @property
    def earliest(self) -> int:
        """The frame before which no window to come begins."""
        return max(self._start, self._answered + 1 - self._length)

    def due(self, stop: int) -> tuple[int, int] | None:
        """The window to answer, as frames [start, stop), now that the run's frames reach to ``stop``."""
        if stop < self._due:
            return None
        passed = (stop - self._due) // self._hop
        self.skipped += passed
        end = self._due + passed * self._hop
        self._due = end + self._hop
        return self._window(end)

    def last(self, stop: int) -> tuple[int, int] | None:
        """The window that ends with the run, if frames came since the last one and they are enough for an answer."""
        if stop <= self._answered or stop - self._start < self._least:
            return None
        return self._window(stop)

    def _window(self, end: int) -> tuple[int, int]:
        self._answered = end
        return max(self._start, end - self._length), end
