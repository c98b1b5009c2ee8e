"""Which windows make which batch: a pure function of the seed and the step, so that any step can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

BUCKET_BATCHES = 16
"""Batches whose windows are sorted by length together: less padding, and still a random order."""


def epoch_order(samples: int, *, seed: int, epoch: int) -> list[int]:
    """A permutation of the samples, the same for the same seed and epoch."""
    return torch.randperm(samples, generator=_generator(seed, epoch)).tolist()


def bucketed_order(lengths: Sequence[int], *, batch_size: int, seed: int, epoch: int) -> list[int]:
    """A permutation whose batches hold windows of like length, the batches themselves in random order.

    Args:
        lengths: Frames of each sample.
        batch_size: Samples a batch. Epochs stand one behind another, so the first samples complete the batch that
            the epoch before began.
        seed: Decides the order, together with
        epoch: counted from 0.
    """
    order = epoch_order(len(lengths), seed=seed, epoch=epoch)
    lead = -epoch * len(lengths) % batch_size
    begun, rest = order[:lead], order[lead:]
    size = BUCKET_BATCHES * batch_size
    pools = [sorted(rest[i : i + size], key=lambda index: lengths[index]) for i in range(0, len(rest), size)]
    batches = [pool[i : i + batch_size] for pool in pools for i in range(0, len(pool), batch_size)]
    tail = [batch for batch in batches if len(batch) < batch_size]  # at most one; the next epoch completes it
    whole = [batch for batch in batches if len(batch) == batch_size]
    shuffled = torch.randperm(len(whole), generator=_generator(seed, ~epoch)).tolist()
    return [*begun, *(index for i in shuffled for index in whole[i]), *(index for batch in tail for index in batch)]


class StepBatches:
    """Indices of each step's batch: epochs one behind another, cut into equal batches. A batch sampler.

    Args:
        samples: Number of samples.
        batch_size: Samples a step.
        steps: Number of steps.
        seed: Decides the order.
        first_step: Where to begin; what comes then does not depend on it.
        lengths: Frames of each sample, to put like lengths into one batch; without them the order is free.
    """

    def __init__(
        self, samples: int, *, batch_size: int, steps: int, seed: int, first_step: int = 0,
        lengths: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self.samples = samples
        self.batch_size = batch_size
        self.steps = steps
        self.seed = seed
        self.first_step = first_step
        self.lengths = lengths

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[int]]:
        epoch, order = -1, []
        for step in range(self.first_step, self.steps):
            batch = []
            for place in range(step * self.batch_size, (step + 1) * self.batch_size):
                if place // self.samples != epoch:
                    epoch = place // self.samples
                    order = self._order(epoch)
                batch.append(order[place % self.samples])
            yield batch

    def _order(self, epoch: int) -> list[int]:
        if self.lengths is None:
            return epoch_order(self.samples, seed=self.seed, epoch=epoch)
        return bucketed_order(self.lengths, batch_size=self.batch_size, seed=self.seed, epoch=epoch)


class PlacedBatches:
    """Batches of (sample, place) instead of samples: the place says how often anything was drawn before.

    Args:
        batches: Of samples.
    """

    def __init__(self, batches: StepBatches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        place = self.batches.first_step * self.batches.batch_size
        for batch in self.batches:
            yield [(sample, place + slot) for slot, sample in enumerate(batch)]
            place += len(batch)


class MicroBatches:
    """The part of one process of each step's batch, in ``accumulate`` pieces one after another. A batch sampler.

    Piece m of process r holds the samples ``(m * world + r) * size`` to ``+ size`` of the step's batch, so that the
    batch itself is the same for every number of processes and pieces.

    Args:
        batches: The whole batches; ``accumulate * world`` divides their size.
        accumulate: Pieces a step.
        rank: Of this process.
        world: Number of processes.
    """

    def __init__(self, batches: StepBatches | PlacedBatches, *, accumulate: int, rank: int, world: int) -> None:
        self.batches = batches
        self.accumulate = accumulate
        self.rank = rank
        self.world = world

    def __len__(self) -> int:
        return len(self.batches) * self.accumulate

    def __iter__(self) -> Iterator[list[Any]]:
        for batch in self.batches:
            size = len(batch) // (self.accumulate * self.world)
            for piece in range(self.accumulate):
                start = (piece * self.world + self.rank) * size
                yield batch[start : start + size]


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
