"""Frames to network input: resized, scaled and normalised on the device, a batch at a time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def input_size(width: int, height: int, *, short_side: int, long_side: int) -> tuple[int, int]:
    """Height and width of the network's input for a frame of ``width`` x ``height`` pixels.

    The shorter side becomes ``short_side``, or less where the longer one would exceed ``long_side``; the longer side
    is truncated to whole pixels, as in the original (640 x 480 at 800 gives 1066 x 800).
    """
    short, long = min(width, height), max(width, height)
    if short * long_side < short_side * long:
        short_side = max(1, round(long_side * short / long))
    longer = max(1, min(short_side * long // short, long_side))
    return (short_side, longer) if height <= width else (longer, short_side)


def to_input(
    images: NDArray[np.uint8] | Tensor, *, short_side: int, long_side: int, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """RGB frames [B, H, W, 3] 0..255 -> normalised [B, 3, h, w] in channels-last memory, on ``device``.

    Bilinear resizing with antialiasing, as the original's, but without rounding to 8 bits in between.
    """
    frames = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    frames = frames.to(device).permute(0, 3, 1, 2)
    size = input_size(frames.shape[3], frames.shape[2], short_side=short_side, long_side=long_side)
    pixels = frames.to(torch.float32)
    if size != tuple(frames.shape[2:]):
        pixels = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False, antialias=True)
    mean, std = (torch.tensor(v, device=device)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    normalised = torch.addcmul(-mean / std, pixels, 1 / (255 * std))
    return normalised.to(dtype=dtype, memory_format=torch.channels_last)
