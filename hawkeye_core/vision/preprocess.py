"""Frames to the tower's input, whole batches at a time, and where each source pixel ends up.

Legend: B frames, H x W source pixels, S side of the tower's square input in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hawkeye_core.errors import ConfigError
from hawkeye_core.vision.config import Fit

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_FILTERS: Mapping[int, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}  # numbers of PIL


@dataclass(frozen=True)
class ImageRecipe:
    """What a checkpoint's image processor does to a picture.

    Args:
        side: S, the tower's input in pixels.
        resize: Shortest edge in pixels after resizing, or (height, width); used by the fit ``crop`` only.
        filter: Interpolation, always antialiased.
        scale: Factor that takes 0..255 to the range that mean and std are stated in.
        mean: Per RGB channel.
        std: Per RGB channel.
    """

    side: int
    resize: int | tuple[int, int]
    filter: Literal["bilinear", "bicubic"] = "bicubic"
    scale: float = 1 / 255
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD

    @classmethod
    def from_processor(cls, processor: Mapping[str, Any], *, side: int) -> ImageRecipe:
        """Read a ``preprocessor_config.json``; what it does not say is CLIP's default.

        Raises:
            ConfigError: The processor's output does not fit the tower, or it uses another interpolation filter.
        """
        resize = _size(processor.get("size", side)) if processor.get("do_resize", True) else side
        crops = processor.get("do_center_crop", True)
        crop = _size(processor.get("crop_size", side)) if crops else resize
        if crop not in (side, (side, side)):
            raise ConfigError(
                f"the image processor makes {crop} px pictures, the vision tower takes {side} px",
                remedy="keep the preprocessor_config.json that was published with the tower",
            )
        number = processor.get("resample", 3)
        if number not in _FILTERS:
            raise ConfigError(f"resample {number!r} of the image processor is not supported, only 2 and 3 are")
        rescales, normalizes = processor.get("do_rescale", True), processor.get("do_normalize", True)
        return cls(
            side=side,
            resize=resize,
            filter=_FILTERS[number],
            scale=float(processor.get("rescale_factor", 1 / 255)) if rescales else 1.0,
            mean=_triple(processor.get("image_mean", CLIP_MEAN)) if normalizes else (0.0, 0.0, 0.0),
            std=_triple(processor.get("image_std", CLIP_STD)) if normalizes else (1.0, 1.0, 1.0),
        )


@dataclass(frozen=True)
class FrameView:
    """How source pixels map to the tower's square: ``x_in = x * scale_x + left``, ``y_in = y * scale_y + top``.

    ``visible`` is the part of the square, x1, y1, x2, y2 in its pixels, that shows the frame (the rest is border).
    """

    resized: tuple[int, int]  # height, width after resizing
    scale_x: float
    scale_y: float
    left: int
    top: int
    visible: tuple[float, float, float, float]


def view_of(height: int, width: int, *, recipe: ImageRecipe, fit: Fit) -> FrameView:
    """Where a frame of this size ends up.

    Args:
        height: H.
        width: W.
        recipe: The tower's input.
        fit: See ``VisionSettings.fit``.
    """
    new_height, new_width = _resized(height, width, recipe=recipe, fit=fit)
    left, top = (int((recipe.side - new) / 2) for new in (new_width, new_height))  # towards 0, as torchvision's crop
    return FrameView(
        resized=(new_height, new_width),
        scale_x=new_width / width,
        scale_y=new_height / height,
        left=left,
        top=top,
        visible=(
            float(max(left, 0)), float(max(top, 0)), float(min(left + new_width, recipe.side)),
            float(min(top + new_height, recipe.side)),
        ),
    )  # fmt: skip


def prepare(images: NDArray[np.uint8], *, recipe: ImageRecipe, fit: Fit, device: str | torch.device) -> torch.Tensor:
    """Resize, place on the square, normalise.

    Equal to the Hugging Face processor of the tower for ``crop``. On the CPU the resize runs on bytes, as torchvision's
    does; elsewhere in float32 with whole levels (measured: within one level of 255, two where a small frame grows).

    Args:
        images: [B, H, W, 3] uint8 RGB.
        recipe: The tower's input.
        fit: See ``VisionSettings.fit``.
        device: Where to compute.

    Returns:
        [B, 3, S, S] float32.
    """
    view = view_of(images.shape[1], images.shape[2], recipe=recipe, fit=fit)
    frames = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2)  # [B, 3, H, W] uint8
    levels = _resize(frames, size=view.resized, mode=recipe.filter)
    mean, std = (
        torch.tensor(values, device=device).view(1, 3, 1, 1) / recipe.scale for values in (recipe.mean, recipe.std)
    )
    pixels = (levels.to(torch.float32) - mean) / std
    border = torch.zeros(1, 3, 1, 1, device=device) if fit == "pad" else -mean / std  # mean colour; black as in crop
    return _place(pixels, side=recipe.side, left=view.left, top=view.top, border=border)


def _resized(height: int, width: int, *, recipe: ImageRecipe, fit: Fit) -> tuple[int, int]:
    if fit == "squash":
        return recipe.side, recipe.side
    if fit == "pad":
        longest = max(height, width)
        return max(1, round(height * recipe.side / longest)), max(1, round(width * recipe.side / longest))
    if not isinstance(recipe.resize, int):
        return recipe.resize
    short, long = sorted((height, width))
    grown = int(recipe.resize * long / short)  # truncated, as torchvision's resize
    return (recipe.resize, grown) if height <= width else (grown, recipe.resize)


def _resize(frames: torch.Tensor, *, size: tuple[int, int], mode: str) -> torch.Tensor:
    """[B, 3, H, W] uint8 -> [B, 3, h, w] whole levels 0..255."""
    if frames.shape[-2:] == size:
        return frames
    if frames.device.type == "cpu":
        return functional.interpolate(frames, size=size, mode=mode, antialias=True, align_corners=False)
    return resize_in_float(frames, size=size, mode=mode)


def resize_in_float(frames: torch.Tensor, *, size: tuple[int, int], mode: str) -> torch.Tensor:
    """The same on devices without a kernel for bytes: width first, then height, whole levels after each as PIL has.

    One pass over both axes would differ by several levels at sharp edges, where the cubic filter overshoots.
    """
    levels = frames.float()
    for shape in ((frames.shape[-2], size[1]), size):
        levels = functional.interpolate(levels, size=shape, mode=mode, antialias=True, align_corners=False)
        levels = levels.round_().clamp_(0, 255)
    return levels


def _place(pixels: torch.Tensor, *, side: int, left: int, top: int, border: torch.Tensor) -> torch.Tensor:
    height, width = pixels.shape[-2:]
    inner = pixels[..., max(-top, 0) : max(-top, 0) + side, max(-left, 0) : max(-left, 0) + side]
    if inner.shape[-2:] == (side, side):
        return inner.contiguous()
    square = border.expand(len(pixels), 3, side, side).clone()
    square[..., max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width] = inner
    return square


def _size(value: Any) -> int | tuple[int, int]:
    if isinstance(value, int):
        return value
    if isinstance(value, Mapping) and value.get("shortest_edge"):
        return int(value["shortest_edge"])
    if isinstance(value, Mapping) and value.get("height") and value.get("width"):
        return int(value["height"]), int(value["width"])
    raise ConfigError(f"the image processor's size {value!r} is not understood (shortest_edge, or height and width)")


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
