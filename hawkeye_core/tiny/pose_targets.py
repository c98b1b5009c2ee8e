"""What HigherHRNet is trained towards: Gaussian heatmaps at two resolutions, and the cells where tags are compared.

Legend: B samples, P people (padded), J joints, H x W pixels of the input, h x w cells of a map at a stride of 4 or 2.
A position x in pixels lies x / stride cells into a map; the centre of cell i is at i + 0.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

SIGMA = 2.0
"""Cells, at both resolutions (Cheng et al., CVPR 2020)."""
LEAST_SIGMA = 1.0
FULL_SIZE_PX = 100.0
"""People whose longer side is at least this get :data:`SIGMA`; below, the spread shrinks with them down to
:data:`LEAST_SIGMA`. The paper has one sigma for all: it trains on people of several hundred pixels, where two cells are
little; at 40 pixels they span the trunk."""


def sigma_of(longer_side: F32) -> F32:
    """Spread of a person's Gaussians in cells.

    Args:
        longer_side: Of their boxes, pixels of the input.
    """
    return np.clip(SIGMA * longer_side / FULL_SIZE_PX, LEAST_SIGMA, SIGMA).astype(np.float32)


def heatmaps(xy: F32, labelled: NDArray[np.bool_], sigma: F32, *, stride: int, height: int, width: int) -> F32:
    """``max over people of exp(-d^2 / (2 sigma^2))``, d the distance in cells between a cell's centre and the joint.

    Args:
        xy: [B, P, J, 2] pixels of the input.
        labelled: [B, P, J]; others leave no trace.
        sigma: [B, P] cells.
        stride: Pixels a cell.
        height: Of the input, pixels.
        width: Of the input, pixels.

    Returns:
        [B, J, h, w] in 0..1.
    """
    batch, people, joints, _ = xy.shape
    maps = np.zeros((batch, joints, height // stride, width // stride), np.float32)
    across = _profile(xy[..., 0], sigma, stride=stride, cells=width // stride)  # [B, P, J, w]
    down = _profile(xy[..., 1], sigma, stride=stride, cells=height // stride) * labelled[..., None]
    for person in range(people):  # at most a few; the maps of all at once would be as many times as large
        np.maximum(maps, down[:, person, :, :, None] * across[:, person, :, None, :], out=maps)
    return maps


def _profile(position: F32, sigma: F32, *, stride: int, cells: int) -> F32:
    """A Gaussian along one axis: [B, P, J] pixels -> [B, P, J, cells]."""
    distance = np.arange(cells, dtype=np.float32) + np.float32(0.5) - position[..., None] / np.float32(stride)
    return np.exp(-np.square(distance) / (2 * np.square(sigma))[..., None, None]).astype(np.float32)


def tag_cells(xy: F32, labelled: NDArray[np.bool_], *, stride: int, height: int, width: int) -> NDArray[np.int64]:
    """[B, P, J] flat index of the cell in which each joint lies, -1 for those unlabelled or outside.

    Args:
        xy: [B, P, J, 2] pixels of the input.
        labelled: [B, P, J].
        stride: Pixels a cell.
        height: Of the input, pixels.
        width: Of the input, pixels.
    """
    column, row = np.moveaxis(np.floor(xy / stride), -1, 0).astype(np.int64)
    inside = (column >= 0) & (column < width // stride) & (row >= 0) & (row < height // stride)
    return np.where(labelled & inside, row * (width // stride) + column, -1)


def counted_cells(boxes: F32, *, stride: int, height: int, width: int) -> F32:
    """[B, 1, h, w] 0 where a cell's centre lies in a box that must not count, 1 elsewhere.

    Args:
        boxes: [B, N, 4] x1, y1, x2, y2 pixels of the input; NaN for padding.
        stride: Pixels a cell.
        height: Of the input, pixels.
        width: Of the input, pixels.
    """
    x = (np.arange(width // stride, dtype=np.float32) + 0.5) * stride
    y = (np.arange(height // stride, dtype=np.float32) + 0.5) * stride
    across = (x >= boxes[..., 0:1]) & (x < boxes[..., 2:3])  # [B, N, w]; comparisons with NaN are false
    down = (y >= boxes[..., 1:2]) & (y < boxes[..., 3:4])
    covered = (down[..., :, None] & across[..., None, :]).any(axis=1, keepdims=True)
    return np.asarray(~covered, np.float32)
