"""A stretch of time with a category and a reason, and the union of overlapping ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Segment:
    """One implicit anomalous sentiment.

    Args:
        start_s: Start in seconds, included.
        end_s: End in seconds, not included.
        category: What it is, in words (``shooting``); may be empty in a prediction.
        reason: Why, in words; may be empty.
    """

    start_s: float
    end_s: float
    category: str = ""
    reason: str = ""

    def shifted(self, offset_s: float) -> Segment:
        """The same segment on a clock that started ``offset_s`` seconds earlier."""
        return replace(self, start_s=self.start_s + offset_s, end_s=self.end_s + offset_s)


def clip_segments(segments: Iterable[Segment], start_s: float, end_s: float) -> list[Segment]:
    """What of the segments lies in [start_s, end_s), on the same clock, ordered by start."""
    clipped = [
        replace(segment, start_s=max(segment.start_s, start_s), end_s=min(segment.end_s, end_s)) for segment in segments
    ]
    return sorted((s for s in clipped if s.end_s > s.start_s), key=lambda s: (s.start_s, s.end_s))
