"""Pictures for the page: as small as they must be, so that a page of any number of videos stays below its limit."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import HawkeyeError
from hawkeye_core.report.blocks import Image

BUDGET = 6_000_000
"""Bytes that all pictures of a page take together, as they stand in it (base64)."""
LARGEST = 90_000
"""Bytes that one picture takes at most, likewise."""
QUALITIES = (80, 55)
LEAST_WIDTH = 96
"""Below this width a picture is not made smaller; it takes what it takes (some 3 kB)."""
MARGIN = 0.9
"""By how much more a picture shrinks than the bytes ask for, so that it fits at the second try."""


def share(pictures: int) -> int:
    """Bytes for each of so many pictures."""
    return min(LARGEST, BUDGET // max(1, pictures))


def still(pixels: NDArray[np.uint8], *, width: int, room: int, alt: str, caption: str = "") -> Image:
    """A picture as WebP in a ``data:`` address of at most ``room`` bytes.

    First the quality falls, then the size, by the root of what is too much.

    Args:
        pixels: [H, W, 3] RGB.
        width: Pixels that it is at most wide.
        room: From :func:`share`.
        alt: What is seen.
        caption: Below it.
    """
    wanted = width
    while True:
        small = _fitted(pixels, wanted)
        for quality in QUALITIES:
            source = _encoded(small, quality)
            if len(source) <= room:
                break
        if len(source) <= room or wanted <= LEAST_WIDTH:
            return Image(source, alt, small.shape[1], small.shape[0], caption)
        wanted = max(LEAST_WIDTH, round(min(wanted, small.shape[1]) * MARGIN * (room / len(source)) ** 0.5))


def _fitted(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """At most so wide, and at most twice as high: a strip must not be all height."""
    height, across = pixels.shape[:2]
    scale = min(1.0, width / across, 2 * width / height)
    size = (max(1, round(across * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _encoded(pixels: NDArray[np.uint8], quality: int) -> str:
    done, data = cv2.imencode(".webp", pixels[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise HawkeyeError(f"a picture of shape {pixels.shape} cannot be encoded")
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}"
