"""What the language model keeps of prompts it has read: hidden states, keys and values, so that nothing is read twice.

Legend: B prompts, L tokens of a prompt, H width.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import DynamicCache


class Kept(NamedTuple):
    """Of prompts padded on the left.

    Args:
        hidden: [B, L, H] last hidden states.
        cache: Keys and values of the L tokens, and of what was said behind them.
    """

    hidden: Tensor
    cache: Any  # of transformers, which types it loosely

    def rows(self, rows: list[int]) -> DynamicCache:
        """A copy of the keys and values of some prompts, one prompt as often as it is named."""
        cache = DynamicCache()
        for place, layer in enumerate(self.cache.layers):
            cache.update(layer.keys[rows], layer.values[rows], place)
        return cache

    def crop(self, length: int) -> Any:
        """Keys and values of the first ``length`` tokens, to be gone on from; those of the others are forgotten."""
        self.cache.crop(length - self.cache.get_seq_length())  # a negative number is how many to forget
        return self.cache


@torch.no_grad()
def read(language_model: nn.Module, embeds: Tensor, attention_mask: Tensor) -> Kept:
    """One pass over prompts.

    Args:
        language_model: Of the backbone.
        embeds: [B, L, H] padded on the left.
        attention_mask: [B, L], 0 for padding.
    """
    positions = (attention_mask.cumsum(1) - 1).clamp(min=0)
    output = language_model(
        inputs_embeds=embeds, attention_mask=attention_mask, position_ids=positions, use_cache=True
    )  # fmt: skip
    return Kept(output.last_hidden_state, output.past_key_values)


@contextmanager
def first_output(module: nn.Module) -> Iterator[list[Any]]:
    """Holds what a module gives when it is first called in the context: in ``generate``, the prompts' pass."""
    found: list[Any] = []

    def hold(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if not found:
            found.append(output)

    handle = module.register_forward_hook(hold)
    try:
        yield found
    finally:
        handle.remove()
