"""Boxes: fractions of the image to pixels, and overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


def to_corners(boxes: Boxes, *, width: float, height: float) -> Boxes:
    """cx, cy, w, h as fractions of the image -> x1, y1, x2, y2 in pixels, [..., 4]; nothing is clipped."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    scale = np.array([width, height, width, height], dtype=np.float32)
    return np.concatenate((centre - half, centre + half), axis=-1, dtype=np.float32) * scale


def pairwise_iou(a: Boxes, b: Boxes, *, pixel: float = 0.0) -> NDArray[np.float64]:
    """Intersection over union of each box of ``a`` with each of ``b``.

    Args:
        a: [N, 4] x1, y1, x2, y2.
        b: [M, 4] x1, y1, x2, y2.
        pixel: Added to each side. 0 measures continuous boxes; 1 counts the corner pixels as inside, as the
            evaluation of scene graphs on Visual Genome does.

    Returns:
        [N, M], 0 where both boxes are empty.
    """
    a64, b64 = a.astype(np.float64)[:, None], b.astype(np.float64)[None]
    upper = np.minimum(a64[..., 2:], b64[..., 2:])
    lower = np.maximum(a64[..., :2], b64[..., :2])
    shared = np.clip(upper - lower + pixel, 0, None).prod(axis=-1)
    total = _area(a64, pixel) + _area(b64, pixel) - shared
    return np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)


def _area(boxes: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    return np.clip(boxes[..., 2:] - boxes[..., :2] + pixel, 0, None).prod(axis=-1)
