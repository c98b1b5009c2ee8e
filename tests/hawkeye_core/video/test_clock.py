"""Repair of presentation times, and the sampling rule on its own."""

from __future__ import annotations

import itertools
import math

import pytest

from hawkeye_core.video.clock import FrameClock
from hawkeye_core.video.schedule import SamplingSchedule


def run(reported: list[float], *, rate: float | None = 10.0, gap: float = 60.0) -> list[float | None]:
    clock = FrameClock(rate, max_gap_s=gap)
    return [None if time is None else round(time, 6) for time in map(clock.tick, reported)]


def test_times_count_from_the_first_frame() -> None:
    assert run([1.4, 1.5, 1.7]) == [0, 0.1, 0.3]


def test_missing_times_take_the_usual_interval() -> None:
    assert run([0.2, 0.4, 0.6, 0.0, math.nan, 1.2]) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_no_times_at_all_run_at_the_stated_rate() -> None:
    assert run([0.0, 0.0, 0.0, 0.0], rate=25) == [0, 0.04, 0.08, 0.12]


def test_neither_times_nor_rate() -> None:
    assert run([0.0, 0.0], rate=None) == [0, None]


def test_small_steps_back_stand_still() -> None:
    assert run([0.0, 0.1, 0.4, 0.3, 0.5]) == [0, 0.1, 0.4, 0.4, 0.5]


@pytest.mark.parametrize("jump", [500.0, -500.0])
def test_break_goes_on_by_one_interval(jump: float) -> None:
    times = [1000.0, 1000.1, 1000.2, 1000.9 + jump, 1001.3 + jump]
    assert run(times) == [0, 0.1, 0.2, 0.3, 0.7]  # later steps are as reported


def test_long_gap_within_the_limit_is_kept() -> None:
    assert run([0.0, 0.1, 59.0]) == [0, 0.1, 59.0]


def test_never_goes_back() -> None:
    times = run([0.0, 5.0, 4.5, 4.6, 100.0, 0.0, 99.0, 3.0, 3.1, math.inf, 3.3])
    assert all(a <= b for a, b in itertools.pairwise(times))


def test_schedule_counts_slots_at_least_half_covered() -> None:
    schedule = SamplingSchedule(8)
    seconds = {10.0: 80, 10.01: 80, 9.94: 80, 9.93: 79, 0.04: 1, 0.0: 1, 0.1875: 2, 59.98: 480}
    assert {length: schedule.total(length) for length in seconds} == seconds


def test_schedule_gives_each_instant_once() -> None:
    schedule = SamplingSchedule(8, start=2)
    assert list(schedule.take(0.25)) == []
    assert list(schedule.take(0.376)) == [2, 3]
    assert list(schedule.take(0.4)) == []
    assert not schedule.wants(0.5)
    assert schedule.wants(0.51)
