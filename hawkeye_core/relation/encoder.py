"""RelTR's image encoder: post-norm transformer layers over the cells of the feature map, as in DETR.

Legend: B images, S = h * w cells, D width.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hawkeye_core.relation.architecture import RelTRArchitecture
from hawkeye_core.relation.attention import Attention


class EncoderLayer(nn.Module):
    """Self-attention with positions added to queries and keys, then a feed-forward block; a norm after each sum."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.self_attn = Attention(config.width, config.heads, dropout=config.dropout)
        self.linear1 = nn.Linear(config.width, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, config.width)
        self.norm1 = nn.LayerNorm(config.width)
        self.norm2 = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, position: Tensor, *, attendable: Tensor | None) -> Tensor:
        """[B, S, D] and positions [B or 1, S, D] -> [B, S, D]; ``attendable`` [B, S] is False on padding."""
        placed = x + position
        x = self.norm1(x + self._drop(self.self_attn(placed, placed, x, attendable=attendable)))
        hidden = self._drop(F.relu(self.linear1(x), inplace=True))
        return self.norm2(x + self._drop(self.linear2(hidden)))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class Encoder(nn.Module):
    """A stack of encoder layers without a norm behind the last."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))

    def forward(self, x: Tensor, position: Tensor, *, attendable: Tensor | None) -> Tensor:
        """[B, S, D] -> [B, S, D]."""
        for layer in self.layers:
            x = layer(x, position, attendable=attendable)
        return x
