"""A running average of a network's weights: smoother than the weights themselves, and better on held-out data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class RunningAverage:
    """Exponential moving average of all floating-point tensors of a state dict, batch-norm statistics included.

    ``average <- d * average + (1 - d) * weights`` with ``d = min(decay, (1 + n) / (10 + n))`` after n updates, so that
    the first, bad weights are forgotten soon. Other tensors (counts) are copied.

    Args:
        model: Whose tensors are averaged; it must be where it stays.
        decay: Largest d.
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.model = model
        self.decay = decay
        self.updates = 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}
        pairs = [(self.state[name], value) for name, value in model.state_dict().items()]  # these stay in place
        self._floats, self._values = _columns([pair for pair in pairs if pair[0].is_floating_point()])
        self._counts, self._counted = _columns([pair for pair in pairs if not pair[0].is_floating_point()])

    @torch.no_grad()
    def update(self) -> None:
        """Take in the model's present weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        torch._foreach_lerp_(self._floats, self._values, 1 - decay)
        if self._counts:
            torch._foreach_copy_(self._counts, self._counted)

    def load(self, state: dict[str, Tensor], *, updates: int) -> None:
        """Go on from a stored average."""
        for name, value in self.state.items():
            value.copy_(state[name])
        self.updates = updates

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the average, in evaluation mode; afterwards its own weights again, as it was."""
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        training = self.model.training
        self.model.load_state_dict(self.state)
        self.model.eval()
        try:
            yield
        finally:
            self.model.load_state_dict(own)
            self.model.train(training)


def _columns(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [first for first, _ in pairs], [second for _, second in pairs]
