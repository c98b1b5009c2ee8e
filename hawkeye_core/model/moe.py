"""The balanced heterogeneous mixture of experts: two transformer stacks behind a soft router (Eq. 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hawkeye_core.model.attention import EncoderLayer


class MoEOutput(NamedTuple):
    """What comes out of :class:`SoftMoE`."""

    tokens: Tensor  # [B, T, D]
    logits: Tensor  # [B, T, N] router logits omega
    weights: Tensor  # [B, T, N] routing weights R(h), summing to 1 over the experts


class Expert(nn.Module):
    """A projection expert: a stack of post-norm encoder layers.

    The paper's experts stand at the width of the language model (4096), 3.24 B parameters; ours at the vision width.
    Gradient checkpointing is switched on with that of the language model, by ``gradient_checkpointing_enable`` of the
    whole model.
    """

    gradient_checkpointing = False
    _gradient_checkpointing_func: Callable[..., Tensor]  # transformers sets both

    def __init__(self, width: int, *, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(layers))

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """[B, T, D], [B, T] -> [B, T, D]."""
        for layer in self.layers:
            if self.gradient_checkpointing and self.training:
                h = self._gradient_checkpointing_func(layer.__call__, h, mask)
            else:
                h = layer(h, mask)
        return h


class SoftMoE(nn.Module):
    """Eq. 5: ``y = LN(sum_i R(h)_i E_i(h))`` with ``R(h) = softmax(h W_g)``; every token goes through every expert.

    Args:
        width: D.
        experts: N.
        layers: Encoder layers of an expert (the paper: 8).
        heads: Attention heads of a layer.

    Shapes:
        h [B, T, D], mask [B, T] -> :class:`MoEOutput`
    """

    def __init__(self, width: int, *, experts: int, layers: int, heads: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(Expert(width, heads=heads, layers=layers) for _ in range(experts))
        self.router = nn.Linear(width, experts, bias=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, h: Tensor, mask: Tensor) -> MoEOutput:
        """See the class."""
        logits = self.router(h)
        weights = logits.softmax(-1)
        outputs = torch.stack([expert(h, mask) for expert in self.experts], -1)  # [B, T, D, N]
        return MoEOutput(self.norm((outputs * weights[..., None, :]).sum(-1)), logits, weights)
