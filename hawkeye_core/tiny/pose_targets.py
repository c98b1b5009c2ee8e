"""What HigherHRNet is trained towards: Gaussian heatmaps at two resolutions, and the cells where tags are compared.

Legend: B samples, P people (padded), J joints, H x W pixels of the input, h x w cells of a map at a stride of 4 or 2.
A position x in pixels lies x / stride cells into a map; the centre of cell i is at i + 0.5.
"""

from __future__ import annotations

import torch
from torch import Tensor

SIGMA = 2.0
"""Cells, at both resolutions (Cheng et al., CVPR 2020)."""
LEAST_SIGMA = 1.0
FULL_SIZE_PX = 100.0
"""People whose longer side is at least this get :data:`SIGMA`; below, the spread shrinks with them down to
:data:`LEAST_SIGMA`. The paper has one sigma for all: it trains on people of several hundred pixels, where two cells are
little; at 40 pixels they span the trunk."""


def sigma_of(longer_side: Tensor) -> Tensor:
    """Spread of a person's Gaussians in cells.

    Args:
        longer_side: Of their boxes, pixels of the input.
    """
    return (SIGMA / FULL_SIZE_PX * longer_side).clamp(LEAST_SIGMA, SIGMA)


def heatmaps(xy: Tensor, labelled: Tensor, sigma: Tensor, *, stride: int, height: int, width: int) -> Tensor:
    """``max over people of exp(-d^2 / (2 sigma^2))``, d the distance in cells between a cell's centre and the joint.

    Args:
        xy: [B, P, J, 2] pixels of the input.
        labelled: [B, P, J] bool; others leave no trace.
        sigma: [B, P] cells.
        stride: Pixels a cell.
        height: Of the input, pixels.
        width: Of the input, pixels.

    Returns:
        [B, J, h, w] in 0..1.
    """
    batch, people, joints, _ = xy.shape
    maps = xy.new_zeros(batch, joints, height // stride, width // stride)
    across = _profile(xy[..., 0], sigma, stride=stride, cells=width // stride)  # [B, P, J, w]
    down = _profile(xy[..., 1], sigma, stride=stride, cells=height // stride) * labelled[..., None]
    for person in range(people):  # at most a few; the maps of all at once would be as many times as large
        torch.maximum(maps, down[:, person, :, :, None] * across[:, person, :, None, :], out=maps)
    return maps


def _profile(position: Tensor, sigma: Tensor, *, stride: int, cells: int) -> Tensor:
    """A Gaussian along one axis: [B, P, J] pixels -> [B, P, J, cells]."""
    distance = torch.arange(cells, device=position.device) + 0.5 - position[..., None] / stride
    return torch.exp(-distance.square() / (2 * sigma.square())[..., None, None])


def tag_cells(xy: Tensor, labelled: Tensor, *, stride: int, height: int, width: int) -> Tensor:
    """[B, P, J] int64 flat index of the cell in which each joint lies, -1 for those unlabelled or outside.

    Args:
        xy: [B, P, J, 2] pixels of the input.
        labelled: [B, P, J] bool.
        stride: Pixels a cell.
        height: Of the input, pixels.
        width: Of the input, pixels.
    """
    column, row = (xy / stride).floor().long().unbind(-1)
    inside = (column >= 0) & (column < width // stride) & (row >= 0) & (row < height // stride)
    return torch.where(labelled & inside, row * (width // stride) + column, -1)


def counted_cells(boxes: Tensor, *, stride: int, height: int, width: int) -> Tensor:
    """[B, 1, h, w] 0 where a cell's centre lies in a box that must not count, 1 elsewhere.

    Args:
        boxes: [B, N, 4] x1, y1, x2, y2 pixels of the input; NaN for padding.
        stride: Pixels a cell.
        height: Of the input, pixels.
        width: Of the input, pixels.
    """
    x = (torch.arange(width // stride, device=boxes.device) + 0.5) * stride
    y = (torch.arange(height // stride, device=boxes.device) + 0.5) * stride
    across = (x >= boxes[..., 0:1]) & (x < boxes[..., 2:3])  # [B, N, w]; comparisons with NaN are false
    down = (y >= boxes[..., 1:2]) & (y < boxes[..., 3:4])
    covered = (down[..., :, None] & across[..., None, :]).any(dim=1, keepdim=True)
    return (~covered).to(boxes.dtype)
