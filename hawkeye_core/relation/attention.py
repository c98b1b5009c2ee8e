"""Multi-head attention with packed projections, with or without its weights.

Legend: B samples, N queries, S keys, D width, A heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """softmax(q k^T / sqrt(D / A)) v per head, projected (Vaswani et al. 2017).

    Args:
        width: D, divisible by ``heads``.
        heads: A.
        dropout: Probability with which a weight is dropped while training.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not divisible by {heads} heads")
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, *, attendable: Tensor | None = None) -> Tensor:
        """Attend without keeping the weights.

        Args:
            query: [B, N, D].
            key: [B, S, D].
            value: [B, S, D].
            attendable: [B, S] bool, False for keys to ignore; None if all count.

        Returns:
            [B, N, D]
        """
        q, k, v = self._project(query, key, value)
        allowed = None if attendable is None else attendable[:, None, None, :]
        p = self.dropout if self.training else 0.0
        return self._merge(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=p))

    def with_weights(
        self, query: Tensor, key: Tensor, value: Tensor, *, attendable: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, and the attention weights averaged over heads, [B, N, S]."""
        q, k, v = self._project(query, key, value)
        logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # [B, A, N, S]
        if attendable is not None:
            logits = logits.masked_fill(~attendable[:, None, None, :], float("-inf"))
        weights = F.dropout(logits.softmax(dim=-1), self.dropout, self.training)
        return self._merge(weights @ v), weights.mean(dim=1)

    def _project(self, *inputs: Tensor) -> list[Tensor]:
        projections = zip(inputs, self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True)
        return [F.linear(x, w, b).unflatten(-1, (self.heads, -1)).transpose(1, 2) for x, w, b in projections]

    def _merge(self, per_head: Tensor) -> Tensor:
        return self.out_proj(per_head.transpose(1, 2).flatten(2))
