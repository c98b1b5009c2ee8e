"""The background thread keeps order, carries errors over and ends when its consumer does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from hawkeye_core.video.prefetch import Prefetcher


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "hawkeye-prefetch"]


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_same_items_in_order(depth: int) -> None:
    assert list(Prefetcher(range(200), depth=depth)) == list(range(200))
    assert alive() == []


def test_runs_in_another_thread() -> None:
    def source() -> Iterator[str]:
        yield threading.current_thread().name

    assert list(Prefetcher(source())) == ["hawkeye-prefetch"]


def test_works_ahead_but_not_beyond_its_depth() -> None:
    made: list[int] = []
    reached = threading.Event()

    def source() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            if i == 4:
                reached.set()
            yield i

    with Prefetcher(source(), depth=3) as ahead:
        items = iter(ahead)
        assert next(items) == 0
        assert reached.wait(10)  # 1, 2, 3 wait in the queue; 4 is made and waits for room
        assert made == [0, 1, 2, 3, 4]


def test_error_comes_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("broken")

    items = iter(Prefetcher(source()))
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError, match="broken"):
        next(items)
    assert alive() == []


def test_error_when_iteration_begins() -> None:
    class Bad:
        def __iter__(self) -> Iterator[int]:
            raise OSError("no source")

    with pytest.raises(OSError, match="no source"):
        list(Prefetcher(Bad()))


def test_leaving_early_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    with Prefetcher(source(), depth=2) as ahead:
        for item in ahead:
            if item == 5:
                break
    assert closed.is_set()
    assert alive() == []


def test_error_in_the_consumer_ends_the_thread() -> None:
    def consume() -> None:
        with Prefetcher(range(1000)) as ahead:
            for item in ahead:
                1 // (item - 3)

    with pytest.raises(ZeroDivisionError):
        consume()
    assert alive() == []


def test_close_without_iterating() -> None:
    Prefetcher([1, 2]).close()
    assert alive() == []


def test_once_only_and_sensible_depth() -> None:
    ahead = Prefetcher([1])
    assert list(ahead) == [1]
    with pytest.raises(RuntimeError, match="once"):
        iter(ahead)
    with pytest.raises(ValueError, match="at least 1"):
        Prefetcher([1], depth=0)
