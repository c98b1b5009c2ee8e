"""From source frame to network input and back: one scale for both axes, about the frame's centre.

The shorter side of the frame becomes the configured size, the longer one is rounded up to the network's grid; what the
input shows beyond the frame on its longer axis is black.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = 64
"""Input sides are multiples of this."""
MAX_ASPECT = 8
"""Frames longer than this many times their shorter side get a smaller input, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class InputGeometry:
    """How a frame of ``width`` x ``height`` pixels lies in the network's input.

    Heatmap cell i covers [i, i + 1), with its centre at i + 0.5; in the source frame the same convention holds up to
    the half pixel by which the original's rounded centre is off for odd sizes.
    """

    width: int
    """Source frame, pixels."""
    height: int
    input_width: int
    """Network input, pixels; a multiple of 64."""
    input_height: int

    @property
    def centre(self) -> tuple[int, int]:
        """The source pixel that lies in the middle of the input; halves are rounded up, as in the original."""
        return int(self.width / 2 + 0.5), int(self.height / 2 + 0.5)

    @property
    def source_width(self) -> float:
        """Width of the part of the source plane, in its pixels, that the input shows; black borders included."""
        if self.width < self.height:
            return float(self.width)
        return self.input_width / self.input_height * self.height

    def affine(self) -> NDArray[np.float64]:
        """[2, 3] matrix from source pixels to input pixels, as ``cv2.warpAffine`` takes it."""
        scale = self.input_width / self.source_width
        (cx, cy) = self.centre
        return np.array(
            [[scale, 0.0, self.input_width / 2 - scale * cx], [0.0, scale, self.input_height / 2 - scale * cy]]
        )

    def to_source(self, xy: NDArray[np.float32], *, map_width: int, map_height: int) -> NDArray[np.float32]:
        """Positions in a heatmap to source pixels.

        Args:
            xy: [..., 2] in cells of a heatmap of the whole input.
            map_width: Width of that heatmap in cells; it may be coarser than the input.
            map_height: Its height.
        """
        scale = self.source_width / map_width
        middle = np.array([map_width / 2, map_height / 2])
        return ((xy - middle) * scale + np.array(self.centre)).astype(np.float32)


def fit_input(width: int, height: int, *, size: int, scale: float = 1.0, smallest_scale: float = 1.0) -> InputGeometry:
    """The network input for a frame.

    Args:
        width: Of the frame, pixels.
        height: Of the frame, pixels.
        size: Shorter side of the input at scale 1, pixels.
        scale: Factor of a multi-scale test.
        smallest_scale: The smallest factor of that test; all inputs are multiples of the one rounded to the grid there,
            so that they show exactly the same part of the plane.

    Raises:
        ValueError: A size or factor is not positive.
    """
    if min(width, height, size) <= 0 or min(scale, smallest_scale) <= 0:
        raise ValueError(f"sizes and scales must be positive: frame {width} x {height}, {size=}, {scale=}")
    short, long = min(width, height), max(width, height)
    base = _up_to_grid(smallest_scale * size)
    if long > MAX_ASPECT * short:
        base = max(GRID, int(MAX_ASPECT * base * short / long) // GRID * GRID)
    factor = scale / smallest_scale
    sides = int(base * factor), int(_up_to_grid(base / short * long) * factor)
    input_width, input_height = sides if width < height else sides[::-1]
    return InputGeometry(width, height, input_width, input_height)


def _up_to_grid(length: float) -> int:
    """Up to the next multiple of 64; the fraction of a pixel is dropped first, as in the original."""
    return int((length + GRID - 1) // GRID * GRID)
