"""Which windows make which batch: a pure function of the seed and the step, so that any step can be made again."""

from __future__ import annotations

from collections.abc import Iterator

import torch


def epoch_order(samples: int, *, seed: int, epoch: int) -> list[int]:
    """A permutation of the samples, the same for the same seed and epoch."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.randperm(samples, generator=generator).tolist()


class StepBatches:
    """Indices of each step's batch: epochs one behind another, cut into equal batches. A batch sampler.

    Args:
        samples: Number of samples.
        batch_size: Samples a step.
        steps: Number of steps.
        seed: Decides the order.
        first_step: Where to begin; what comes then does not depend on it.
    """

    def __init__(self, samples: int, *, batch_size: int, steps: int, seed: int, first_step: int = 0) -> None:
        self.samples = samples
        self.batch_size = batch_size
        self.steps = steps
        self.seed = seed
        self.first_step = first_step

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[int]]:
        epoch, order = -1, []
        for step in range(self.first_step, self.steps):
            batch = []
            for place in range(step * self.batch_size, (step + 1) * self.batch_size):
                if place // self.samples != epoch:
                    epoch = place // self.samples
                    order = epoch_order(self.samples, seed=self.seed, epoch=epoch)
                batch.append(order[place % self.samples])
            yield batch
