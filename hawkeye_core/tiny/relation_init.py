"""What a small RelTR starts training with: queries that know where they look, decoders that copy what is there.

A set-prediction network begins with queries that look everywhere and say anything, and spends most of its training on
unlearning that. These initial values are a choice among the random ones the network may start with; no parameter is
added or fixed.

* The position of query i is the sine code of a point of a grid over the image, and so are some channels of its content.
* Image attention begins as similarity of positions: the highest frequencies of the sine code are copied into each
  head's queries and keys, so that a query begins with a soft window around its point. Norms begin small in those
  channels, else content would drown positions.
* Values are copied, so that what a query says begins as the mean of what the cells of its window say.

Legend: D width, A heads, N queries.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hawkeye_core.relation.architecture import RelTRArchitecture
from hawkeye_core.relation.attention import Attention
from hawkeye_core.relation.position import TEMPERATURE
from hawkeye_core.relation.reltr import RelTR, build_reltr

FREQUENCIES = 4
"""Pairs of sine and cosine an axis that stand for the position; lower frequencies hardly change over an image."""
SHARPNESS = 3.3
"""Gain of queries and keys: a window of about 0.08 of the image around a query's point."""
QUIET = 0.1
"""Initial gain of norms in the channels of the position."""


def point_codes(points: Tensor, *, width: int, cells: tuple[int, int]) -> Tensor:
    """The sine code that a cell of a grid h x w at each point [N, 2] (x, y as fractions) would have, [N, D]."""
    half = width // 2
    index = torch.arange(half).div(2, rounding_mode="floor")
    period = TEMPERATURE ** (2 * index / half)
    halves = []
    for axis, count in ((1, cells[0]), (0, cells[1])):
        angle = ((points[:, axis] + 0.5 / count) * 2 * math.pi)[:, None] / period
        halves.append(torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=-1).flatten(1))
    return torch.cat(halves, dim=-1)


def spread_points(count: int, *, aspect: float = 4 / 3) -> Tensor:
    """``count`` points in staggered rows over the image, [N, 2] x, y as fractions."""
    rows = max(1, round(math.sqrt(count / aspect)))
    points = []
    for row in range(rows):
        columns = count * (row + 1) // rows - count * row // rows
        points += [((column + 0.5) / columns, (row + 0.5) / rows) for column in range(columns)]
    return torch.tensor(points)


def position_channels(width: int) -> Tensor:
    """Channels of the highest frequencies of y and of x."""
    first = torch.arange(min(2 * FREQUENCIES, width // 2))
    return torch.cat((first, first + width // 2))


def start_reltr(config: RelTRArchitecture, *, seed: int, cells: tuple[int, int] = (12, 16)) -> RelTR:
    """A network to train from nothing.

    Args:
        config: Sizes.
        seed: Of what stays random.
        cells: Rows and columns of the feature map it will be trained with.
    """
    model = build_reltr(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    channels = position_channels(config.width)
    with torch.no_grad():
        _place_queries(model, channels, cells, generator)
        for layer in model.transformer.decoder.layers:
            for name in ("cross_attn_entity", "cross_attn_sub", "cross_attn_obj"):
                _window(layer.get_submodule(name), channels, generator)
            for name in ("cross_sub_entity", "cross_obj_entity"):
                _copy_values(layer.get_submodule(name))
            _quieten(layer, channels)
        for layer in model.transformer.encoder.layers:
            _quieten(layer, channels)
    return model


def _place_queries(model: RelTR, channels: Tensor, cells: tuple[int, int], generator: torch.Generator) -> None:
    width = model.config.width
    for table in (model.entity_embed.weight, model.triplet_embed.weight):
        count, parts = len(table), table.shape[1] // width
        code = point_codes(spread_points(count), width=width, cells=cells)
        content = 0.1 * torch.randn((count, parts - 1, width), generator=generator)
        content[..., channels] = code[:, None, channels]
        table.copy_(torch.cat((code[:, None], content), dim=1).flatten(1))


def _window(attention: nn.Module, channels: Tensor, generator: torch.Generator) -> None:
    """Let logits begin as the similarity of positions, in every head."""
    module = _attention(attention)
    weight = module.in_proj_weight
    width, heads = weight.shape[1], module.heads
    size = width // heads
    query, key, _ = weight.chunk(3)
    for head in range(heads):
        rows = torch.arange(head * size, head * size + min(size, len(channels)))
        chosen = channels[: len(rows)]
        for matrix in (query, key):
            matrix[head * size : (head + 1) * size] *= 0.3
            matrix[rows] = 0.0
            matrix[rows, chosen] = SHARPNESS
    _copy_values(attention)


def _copy_values(attention: nn.Module) -> None:
    module = _attention(attention)
    module.in_proj_weight.chunk(3)[2].copy_(torch.eye(module.in_proj_weight.shape[1]))
    module.out_proj.weight.copy_(torch.eye(module.in_proj_weight.shape[1]))
    module.out_proj.bias.zero_()


def _attention(module: nn.Module) -> Attention:
    if not isinstance(module, Attention):
        raise TypeError(f"expected an attention, not {type(module).__name__}")
    return module


def _quieten(layer: nn.Module, channels: Tensor) -> None:
    for module in layer.children():
        if isinstance(module, nn.LayerNorm):
            module.weight[channels] = QUIET
