"""Events on the stream's clock: what overlapping windows say of one moment is told once.

Rules, with the segments of a window after its answer:

* A segment that overlaps an open event, or lies no farther from it than ``gap_s``, belongs to it. The event then
  reaches over both, under the words and the score of its surest part (of equal ones the earlier), as windows of a
  stored video are merged (:func:`hawkeye_core.evaluation.scores.merge_scored`).
* A segment that joins two open events makes one of them; the younger one is final and names the other.
* An event is final once every window to come begins more than ``gap_s`` behind its end. It never changes then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.ground.records import Evidence

ChangeKind = Literal["new", "update", "final"]


@dataclass(frozen=True, slots=True)
class Found:
    """A segment that a window was answered with; its evidence is made only if it is told of."""

    scored: ScoredSegment
    evidence: Callable[[], Evidence]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is known.

    Args:
        number: From 1, in the order of discovery.
        scored: From its start to its end, in the words of its surest part.
        evidence: For the surest part.
        merged_into: Number of the event that has taken it up.
    """

    number: int
    scored: ScoredSegment
    evidence: Evidence
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something to tell: an event begins, has grown or is told surer, or is final."""

    kind: ChangeKind
    event: Event


class EventTracker:
    """Turns the segments of windows, in order, into changes of events.

    Args:
        gap_s: Segments no farther apart are one event.
        update_s: Growth of an open event that is told of; new words always are.
    """

    def __init__(self, *, gap_s: float, update_s: float) -> None:
        self._gap, self._update = gap_s, update_s
        self._open: list[Event] = []
        self._told: dict[int, ScoredSegment] = {}
        self.count = 0

    @property
    def open(self) -> int:
        """Events that may still change."""
        return len(self._open)

    def add(self, found: Iterable[Found], *, next_start_s: float) -> list[Change]:
        """The segments of one window.

        Args:
            found: On the stream's clock.
            next_start_s: No later window begins before it.
        """
        changes = [change for item in sorted(found, key=_start) for change in self._take(item)]
        changes += self._updates()
        return changes + self._settle(next_start_s)

    def close(self) -> list[Change]:
        """No window follows: all is final."""
        return self._updates() + self._settle(float("inf"))

    def _take(self, item: Found) -> list[Change]:
        segment = item.scored.segment
        touched = [
            event for event in self._open
            if segment.start_s <= event.scored.segment.end_s + self._gap
            and event.scored.segment.start_s <= segment.end_s + self._gap
        ]  # fmt: skip
        if not touched:
            self.count += 1
            event = Event(self.count, item.scored, item.evidence())
            self._open.append(event)
            self._told[event.number] = event.scored
            return [Change("new", event)]
        eldest, *younger = touched
        grown = eldest
        for event in younger:
            grown = _union(grown, event.scored, lambda event=event: event.evidence)  # type: ignore[misc]
        grown = _union(grown, item.scored, item.evidence)
        gone = [replace(event, merged_into=eldest.number) for event in younger]
        for event in gone:
            del self._told[event.number]
        self._open = [grown if event is eldest else event for event in self._open if event not in younger]
        return [Change("final", event) for event in gone]

    def _updates(self) -> list[Change]:
        changed = [event for event in self._open if self._is_news(event)]
        self._told |= {event.number: event.scored for event in changed}
        return [Change("update", event) for event in changed]

    def _is_news(self, event: Event) -> bool:
        told, now = self._told[event.number].segment, event.scored.segment
        growth = (told.start_s - now.start_s) + (now.end_s - told.end_s)
        words = (told.category, told.reason) != (now.category, now.reason)
        return words or (growth > 0 and growth >= self._update)

    def _settle(self, next_start_s: float) -> list[Change]:
        final = [event for event in self._open if event.scored.segment.end_s + self._gap < next_start_s]
        self._open = [event for event in self._open if event not in final]
        for event in final:
            del self._told[event.number]
        return [Change("final", event) for event in final]


def _start(item: Found) -> tuple[float, float]:
    return item.scored.segment.start_s, item.scored.segment.end_s


def _union(event: Event, part: ScoredSegment, evidence: Callable[[], Evidence]) -> Event:
    mine, other = event.scored, part
    surer = other.score > mine.score
    words = other if surer else mine
    segment = replace(
        words.segment,
        start_s=min(mine.segment.start_s, other.segment.start_s),
        end_s=max(mine.segment.end_s, other.segment.end_s),
    )
    return replace(event, scored=ScoredSegment(segment, words.score), evidence=evidence() if surer else event.evidence)
