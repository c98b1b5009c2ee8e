"""One event, one alert: merging on the stream's clock, and which windows are due."""

from __future__ import annotations

import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.ground.records import Evidence
from hawkeye_core.watch.events import EventTracker, Found
from hawkeye_core.watch.window_schedule import WindowSchedule


class Telling:
    def __init__(self, **settings: float) -> None:
        self.tracker = EventTracker(**({"gap_s": 1.0, "update_s": 1.0} | settings))
        self.made: list[float] = []

    def window(self, *segments: tuple[float, float, float, str], next_start_s: float = 0.0) -> list[tuple]:
        return _plain(self.tracker.add([self._found(item) for item in segments], next_start_s=next_start_s))

    def close(self) -> list[tuple]:
        return _plain(self.tracker.close())

    def _found(self, item: tuple[float, float, float, str]) -> Found:
        start, end, score, category = item

        def evidence() -> Evidence:
            self.made.append(score)
            return Evidence(peak=score)

        return Found(ScoredSegment(Segment(start, end, category), score), evidence)


def _plain(changes: list) -> list[tuple]:
    return [
        (c.kind, c.event.number, c.event.scored.segment.start_s, c.event.scored.segment.end_s,
         c.event.scored.segment.category, c.event.merged_into)
        for c in changes
    ]  # fmt: skip


def test_an_event_seen_by_many_windows_is_new_once_and_final_once() -> None:
    telling = Telling()
    assert telling.window((2, 4, 0.5, "theft")) == [("new", 1, 2, 4, "theft", None)]
    assert telling.window((2, 4, 0.5, "theft")) == []
    assert telling.window((2, 4.5, 0.4, "theft")) == []  # grown by less than a second
    assert telling.window((2, 8, 0.4, "arson")) == [("update", 1, 2, 8, "theft", None)]  # the surest part's words
    assert telling.window((7, 8, 0.7, "arson")) == [("update", 1, 2, 8, "arson", None)]
    assert telling.window(next_start_s=9.0) == []  # a window may still begin within a second of its end
    assert telling.window(next_start_s=9.5) == [("final", 1, 2, 8, "arson", None)]
    assert telling.tracker.open == 0
    assert telling.made == [0.5, 0.7]  # only of what is told


def test_a_later_moment_is_another_event() -> None:
    telling = Telling()
    telling.window((2, 4, 0.5, "theft"))
    assert telling.window((5.5, 6, 0.5, "theft")) == [("new", 2, 5.5, 6, "theft", None)]
    assert telling.window((7.0, 7.5, 0.2, "theft")) == [("update", 2, 5.5, 7.5, "theft", None)]  # just a second apart
    assert telling.close() == [("final", 1, 2, 4, "theft", None), ("final", 2, 5.5, 7.5, "theft", None)]


def test_a_segment_that_joins_two_events_makes_one() -> None:
    telling = Telling()
    telling.window((0, 1, 0.5, "a"), (10, 11, 0.6, "b"))
    assert telling.window((0.5, 10.5, 0.1, "c")) == [("final", 2, 10, 11, "b", 1), ("update", 1, 0, 11, "b", None)]
    assert telling.close() == [("final", 1, 0, 11, "b", None)]
    assert telling.made == [0.5, 0.6]  # evidence of the surer one is kept


def test_growth_that_was_not_told_is_told_before_the_end() -> None:
    telling = Telling(update_s=5.0)
    telling.window((0, 1, 0.5, "a"))
    assert telling.window((0.5, 3, 0.5, "a")) == []
    assert telling.window(next_start_s=99.0) == [("final", 1, 0, 3, "a", None)]


def windows_of(schedule: WindowSchedule, stops: range | list[int]) -> list[tuple[int, int]]:
    return [window for stop in stops if (window := schedule.due(stop)) is not None]


def test_windows_grow_then_slide() -> None:
    schedule = WindowSchedule(100, length=12, hop=4, least=2)
    assert windows_of(schedule, range(101, 122)) == [(100, 104), (100, 108), (100, 112), (104, 116), (108, 120)]
    assert schedule.earliest == 109
    assert schedule.last(121) == (109, 121)
    assert schedule.last(121) is None
    assert schedule.skipped == 0


def test_of_several_windows_that_are_due_at_once_the_last_is_answered() -> None:
    schedule = WindowSchedule(0, length=12, hop=4, least=2)
    assert windows_of(schedule, [3, 14, 15, 16]) == [(0, 12), (4, 16)]
    assert schedule.skipped == 2


def test_what_is_too_short_is_not_answered() -> None:
    assert WindowSchedule(0, length=12, hop=4, least=8).last(7) is None
    assert WindowSchedule(0, length=12, hop=4, least=8).last(8) == (0, 8)
    with pytest.raises(ValueError, match="left out"):
        WindowSchedule(0, length=4, hop=5, least=1)
