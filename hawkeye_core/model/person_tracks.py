"""A person over time: each person looks at itself some frames before and after, along the tracks of the feature store.

The paper averages the people of a frame before anything looks at time, so what one of them does over a second is mixed
with what the others do. These layers stand between Eq. 1 and that mean. They are our addition (``track_layers``).

Legend: B windows, T frames, P places for people, S people who are there, d their width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def track_links(previous: Tensor, there: Tensor) -> Tensor:
    """Which of the S people of a batch each one was in the frame before; S stands for nobody.

    Args:
        previous: [B, T, P] int64, the person's place in the previous frame, -1 if new.
        there: [B, T, P] bool, S of them true; they are numbered in row order.

    Returns:
        [S] int64.
    """
    count = int(there.sum())
    number = torch.full(there.shape, count, dtype=torch.int64, device=there.device)
    number[there] = torch.arange(count, device=there.device)
    before = number.roll(1, dims=1)
    before[:, 0] = count
    linked = before.gather(2, previous.clamp(min=0))
    return torch.where(previous >= 0, linked, count)[there]


def chained(links: Tensor) -> Tensor:
    """[S]: two links of the same length, one after the other; S stands for nobody."""
    return torch.cat([links, links.new_tensor([len(links)])])[links]


def reverse(links: Tensor) -> Tensor:
    """[S]: who links to each, the last one if several do; S stands for nobody."""
    count = len(links)
    back = links.new_full((count + 1,), -1)
    back = back.scatter_reduce(0, links, torch.arange(count, device=links.device), "amax")[:count]
    return torch.where(back < 0, count, back)


class TrackLayer(nn.Module):
    """``x' = LN(x + ReLU(W x + W_before x[t - k] + W_after x[t + k] + b))``; who is not there then counts as 0.

    Post-norm as Eq. 2 and 3: without, what is added up grew a thousandfold in three hundred steps of training, drowned
    the video tokens and ended in gradients that are no numbers.

    Args:
        width: d.

    Shapes:
        x [S, d], before [S], after [S] as from :func:`track_links` -> [S, d]
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(3 * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """See the class."""
        rows = torch.cat([x, x.new_zeros(1, x.shape[1])])
        seen = torch.cat([x, rows.index_select(0, before), rows.index_select(0, after)], 1)
        mixed: Tensor = self.norm(x + torch.relu(self.mix(seen)))
        return mixed


class PersonTracks(nn.Module):
    """Layers that look 1, 2, 4, ... frames before and after.

    Four of them see 15 frames either way, about two seconds at 8 a second.

    Args:
        width: d.
        layers: How many.

    Shapes:
        x [S, d], previous [B, T, P], there [B, T, P] -> [S, d]
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TrackLayer(width) for _ in range(layers))

    def forward(self, x: Tensor, previous: Tensor, there: Tensor) -> Tensor:
        """See the class."""
        before = track_links(previous, there)
        for number, layer in enumerate(self.layers):
            before = chained(before) if number else before
            x = layer(x, before, reverse(before))
        return x


def init_tracks(layer: TrackLayer) -> None:
    """First weights, He et al. 2015: half of the size of what is added arrives."""
    nn.init.normal_(layer.mix.weight, std=1 / math.sqrt(layer.mix.in_features))
    nn.init.zeros_(layer.mix.bias)
