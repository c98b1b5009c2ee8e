"""Batches whose numbers also say the epoch."""

from __future__ import annotations

from collections.abc import Iterator

from hawkeye_core.training.order import StepBatches


class EpochBatches(StepBatches):
    """:class:`StepBatches` with ``epoch * samples`` added to each index, as :class:`Stage1Dataset` numbers them.

    A batch at the end of an epoch holds numbers of both.
    """

    def __iter__(self) -> Iterator[list[int]]:
        place = self.first_step * self.batch_size
        for batch in super().__iter__():
            yield [index + (place + i) // self.samples * self.samples for i, index in enumerate(batch)]
            place += len(batch)
