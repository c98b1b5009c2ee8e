"""Multi-head attention and the post-norm encoder layer that Eq. 2-3 and the experts share."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """``softmax(Q K^T / sqrt(d_head)) V`` in several heads (Vaswani et al., 2017).

    The paper's ``V_a softmax(Q_v^T K_a)`` is written for column vectors and without scaling; ours scales as Eq. 1 does.

    Args:
        width: D of queries and output.
        heads: Number of heads; divides D.
        context_width: Width of what keys and values are made from; D if not given.

    Shapes:
        queries [B, T, D], context [B, U, C], context_mask [B, U] (True = may be attended to) -> [B, T, D]
    """

    def __init__(self, width: int, heads: int, *, context_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        context_width = width if context_width is None else context_width
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(context_width, width)
        self.value = nn.Linear(context_width, width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        """See the class; a sample needs at least one context token that is not masked."""
        q, k, v = (self._split(x) for x in (self.query(queries), self.key(context), self.value(context)))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=context_mask[:, None, None, :])
        return self.out(mixed.transpose(1, 2).flatten(2))  # [B, heads, T, D / heads] -> [B, T, D]

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, T, D] -> [B, heads, T, D / heads]


class EncoderLayer(nn.Module):
    """One post-norm transformer encoder layer, the paper's Eq. 2 and 3.

    ``X' = LN(X + MSA(X))``, ``X_next = LN(X' + FFN(X'))``

    Args:
        width: D.
        heads: Heads of the self-attention.
        ffn_ratio: Width of the feed-forward network in units of D.

    Shapes:
        [B, T, D], mask [B, T] -> [B, T, D]
    """

    def __init__(self, width: int, heads: int, *, ffn_ratio: int = 4) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.ffn = feed_forward(width, width, ratio=ffn_ratio)
        self.ffn_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """See the class; masked tokens are never attended to, their own rows carry no meaning."""
        x = self.attention_norm(x + self.attention(x, x, mask))  # Eq. 2
        return self.ffn_norm(x + self.ffn(x))  # Eq. 3


def feed_forward(width: int, out_width: int, *, ratio: int) -> nn.Sequential:
    """Two linear maps with GELU between: [..., width] -> [..., out_width]."""
    return nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, out_width))
