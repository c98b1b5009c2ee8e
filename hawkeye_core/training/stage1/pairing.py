"""Which region goes with which motion: a pure function of the seed and the epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.training.stage1.config import PairingKind

NONE = -1
"""In place of a region or a motion: the sample has none."""


def pair(regions: int, motions: int, *, kind: PairingKind, seed: int, epoch: int) -> NDArray[np.int64]:
    """The samples of an epoch.

    ``joint``: as many as the longer table has rows, each of which occurs once, in its order (the order of training is
    the batch sampler's). Rows of the shorter one are dealt out at random, all equally often up to one. At the paper's
    sizes, 200K regions and 25K motions, each motion occurs eight times.

    ``separate``: every row of both tables once; regions first. At the paper's sizes these are as many frames of images
    as of motions, 200K (Figure 3).

    Args:
        regions: Rows of the table of regions.
        motions: Rows of the table of motions.
        kind: See above.
        seed: Of the run.
        epoch: From 0.

    Returns:
        [N, 2] row of the region and row of the motion, :data:`NONE` for none; no rows if a joint partner is missing.
    """
    if kind == "separate":
        return np.concatenate([
            np.stack([np.arange(regions), np.full(regions, NONE)], 1),
            np.stack([np.full(motions, NONE), np.arange(motions)], 1),
        ])  # fmt: skip
    if not (regions and motions):
        return np.empty((0, 2), np.int64)
    if regions >= motions:
        return np.stack([np.arange(regions), deal(motions, regions, seed=seed, epoch=epoch)], 1)
    return np.stack([deal(regions, motions, seed=seed, epoch=epoch), np.arange(motions)], 1)


def deal(count: int, size: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """``size`` draws from 0 .. count - 1, all equally often up to one, in random order.

    Who is drawn once more goes round from epoch to epoch, so that the sums over all epochs so far differ by at most
    one as well.

    Returns:
        [size] int64.
    """
    often, extra = divmod(size, count)
    turn = np.random.default_rng([seed, 0]).permutation(count)
    once_more = turn[(epoch * extra + np.arange(extra)) % count]
    drawn = np.concatenate([np.tile(np.arange(count), often), once_more])
    return np.random.default_rng([seed, 1 + epoch]).permutation(drawn)
