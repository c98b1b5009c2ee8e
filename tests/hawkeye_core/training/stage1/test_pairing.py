"""Pairs against a literal count: balanced, deterministic, different from epoch to epoch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.training.stage1.pairing import NONE, deal, pair

SIZES = st.integers(1, 40)


def literal_draws(count: int, size: int, *, seed: int, epoch: int) -> Counter[int]:
    """Who is drawn how often, counted one by one: everybody in turn, and those beyond a full round by a fixed order
    that goes on where the epoch before stopped."""
    drawn: Counter[int] = Counter()
    left = size
    while left >= count:
        for item in range(count):
            drawn[item] += 1
        left -= count
    turn = np.random.default_rng([seed, 0]).permutation(count).tolist()
    place = 0
    for _ in range(epoch):
        place = (place + left) % count
    for _ in range(left):
        drawn[turn[place]] += 1
        place = (place + 1) % count
    return drawn


@given(SIZES, SIZES, st.integers(0, 5), st.integers(0, 4))
def test_deals_equal_a_literal_count(count: int, size: int, seed: int, epoch: int) -> None:
    assert Counter(deal(count, size, seed=seed, epoch=epoch).tolist()) == literal_draws(
        count, size, seed=seed, epoch=epoch
    )


@given(SIZES, SIZES, st.integers(0, 2**31 - 1))
def test_joint_pairs_use_every_row_equally_often_up_to_one(regions: int, motions: int, seed: int) -> None:
    total = np.zeros(regions), np.zeros(motions)
    for epoch in range(4):
        pairs = pair(regions, motions, kind="joint", seed=seed, epoch=epoch)
        assert pairs.shape == (max(regions, motions), 2)
        for column, (size, so_far) in enumerate(zip((regions, motions), total, strict=True)):
            times = np.bincount(pairs[:, column], minlength=size)
            assert times.max() - times.min() <= 1
            so_far += times
            assert so_far.max() - so_far.min() <= 1
        assert len({tuple(row) for row in pairs.tolist()}) == len(pairs)


@given(SIZES, SIZES)
def test_separate_pairs_use_every_row_once(regions: int, motions: int) -> None:
    pairs = pair(regions, motions, kind="separate", seed=0, epoch=3).tolist()
    assert pairs == [[i, NONE] for i in range(regions)] + [[NONE, j] for j in range(motions)]


@pytest.mark.parametrize("regions", [49, 50])
def test_pairs_depend_on_seed_and_epoch_only(regions: int) -> None:
    def pairs(seed: int, epoch: int) -> list[list[int]]:
        return pair(regions, 7, kind="joint", seed=seed, epoch=epoch).tolist()

    assert pairs(3, 1) == pairs(3, 1)
    assert len({str(pairs(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_at_the_papers_sizes_each_motion_occurs_eight_times() -> None:
    pairs = pair(200_000, 25_000, kind="joint", seed=0, epoch=0)
    assert np.array_equal(pairs[:, 0], np.arange(200_000))
    assert set(np.bincount(pairs[:, 1]).tolist()) == {8}


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (0, 0)])
def test_a_missing_partner_leaves_no_pairs(sizes: tuple[int, int]) -> None:
    assert len(pair(*sizes, kind="joint", seed=0, epoch=0)) == 0
    assert len(pair(*sizes, kind="separate", seed=0, epoch=0)) == sum(sizes)
