"""Sinusoidal encoding of the frame's place in its window."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sinusoidal_time(frames: int, width: int, *, like: Tensor) -> Tensor:
    """Encoding of frames 0 .. frames - 1 (Vaswani et al., 2017, section 3.5).

    ``e[t, 2i] = sin(t / 10000^(2i / width))`` and ``e[t, 2i + 1]`` the cosine. Computed, not stored: no length is
    built in, and there is no buffer to lose when a model is built without memory first.

    Args:
        frames: T.
        width: D, even.
        like: Tensor whose device and dtype the result takes.

    Returns:
        [T, D].
    """
    place = torch.arange(frames, device=like.device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=like.device, dtype=torch.float32) * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(place * rate), torch.cos(place * rate)], -1).flatten(1).to(like.dtype)
