"""Sine encoding of image positions (Vaswani et al. 2017, in two dimensions as in DETR, Carion et al. 2020)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TEMPERATURE = 10_000.0
EPS = 1e-6


def sine_positions(inside: Tensor, *, width: int, dtype: torch.dtype) -> Tensor:
    """Encode each cell by its row and column, counted from 1 and scaled so that the last one inside the image is 2 pi.

    The first half of the channels encodes y, the second x; within a half, sine and cosine of frequency
    10000^(-2i / half) alternate.

    Args:
        inside: [B, h, w] bool, False on padding.
        width: Channels D, divisible by 4.
        dtype: Of the result, and of the computation.

    Returns:
        [B, h * w, D], cells in row order.
    """
    if width % 4:
        raise ValueError(f"the width must be divisible by 4, not {width}")
    half = width // 2
    index = torch.arange(half, device=inside.device).div(2, rounding_mode="floor")
    period = TEMPERATURE ** (2 * index.to(dtype) / half)  # [D/2]
    halves = []
    for axis in (1, 2):
        count = inside.cumsum(axis, dtype=dtype)
        last = count.narrow(axis, count.shape[axis] - 1, 1)
        angle = (count / (last + EPS) * (2 * math.pi))[..., None] / period  # [B, h, w, D/2]
        halves.append(torch.stack((angle[..., 0::2].sin(), angle[..., 1::2].cos()), dim=-1).flatten(3))
    return torch.cat(halves, dim=-1).flatten(1, 2)
