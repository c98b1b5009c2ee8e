"""Repeated pictures: computed once, handed to every frame that shows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.extraction.repeats import Spread, first_showings, select
from hawkeye_core.scene import FrameBatch


def batch_of(sources: list[int], start: int = 0) -> FrameBatch:
    index = np.arange(start, start + len(sources))
    images = np.stack([np.full((2, 2, 3), source % 256, np.uint8) for source in sources])
    return FrameBatch("v", index, index / 8, index / 8, np.array(sources), images)


def test_first_showings_within_and_across_batches() -> None:
    assert first_showings(batch_of([0, 0, 1, 1, 2]), None).tolist() == [0, 2, 4]
    assert first_showings(batch_of([2, 2, 3]), 2).tolist() == [2]
    assert first_showings(batch_of([2, 2]), 2).tolist() == []


def test_nothing_is_copied_when_nothing_repeats() -> None:
    batch = batch_of([0, 3, 7])
    assert select(batch, np.arange(3)) is batch
    assert select(batch, np.array([0, 2])).source_index.tolist() == [0, 7]


def test_the_first_frame_cannot_repeat() -> None:
    with pytest.raises(ValueError, match="repeats nothing"):
        Spread()([], np.array([], int), 2)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 7))
def test_every_frame_gets_its_own_pictures_result(steps: list[int], size: int) -> None:
    sources = np.cumsum(steps).tolist()
    spread: Spread[int] = Spread()
    last, seen, computed = None, [], []
    for start in range(0, len(sources), size):
        batch = batch_of(sources[start : start + size], start)
        positions = first_showings(batch, last)
        results = [int(source) for source in select(batch, positions).source_index]
        computed += results
        seen += spread(results, positions, len(batch))
        last = int(batch.source_index[-1])
    assert seen == sources
    assert computed == sorted(set(sources))
