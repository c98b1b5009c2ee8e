"""Patch tokens pooled over regions: the cells of the frame, the objects' boxes, and all boxes together.

Everything is one matrix product: row by row, how much of each patch a region covers, times the patches.

Legend: B frames, n patches along a side, P = n * n patches (row by row), K objects of a frame, N objects of the batch,
g cells along a side, D vision width. Boxes are x1, y1, x2, y2 in patches: the input's pixels divided by the patch size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

MIN_EXTENT = 1e-3
"""Boxes are widened to this many patches, so that a point or a line still has the patch it lies in."""


@dataclass(frozen=True, slots=True)
class PooledTokens:
    """Tokens of a batch, float32."""

    frame: torch.Tensor  # [B, g * g, D] cells row by row
    masked: torch.Tensor  # [B, D] zeros for a frame without a visible object
    objects: torch.Tensor  # [N, D] zeros for an object outside the visible part


def patch_coverage(box: torch.Tensor, *, side: int) -> torch.Tensor:
    """[N, 4] boxes -> [N, n * n] the fraction 0..1 of each patch's area that a box covers."""
    edge = torch.arange(side, device=box.device, dtype=box.dtype)
    x1, y1, x2, y2 = box.unsqueeze(-1).unbind(1)  # [N, 1] each
    across = (torch.minimum(x2, edge + 1) - torch.maximum(x1, edge)).clamp_(min=0)  # [N, n]
    down = (torch.minimum(y2, edge + 1) - torch.maximum(y1, edge)).clamp_(min=0)
    return (down[:, :, None] * across[:, None, :]).flatten(1)


def clip_boxes(box: torch.Tensor, visible: Sequence[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut boxes to the visible part and widen the tiny ones.

    Args:
        box: [N, 4] in patches, corners in any order.
        visible: x1, y1, x2, y2 in patches.

    Returns:
        [N, 4] boxes with sides of at least ``MIN_EXTENT``, and [N] whether a box touches the visible part at all.
    """
    low = torch.tensor(visible[:2], device=box.device, dtype=box.dtype)
    high = torch.tensor(visible[2:], device=box.device, dtype=box.dtype)
    first, second = torch.minimum(box[:, :2], box[:, 2:]), torch.maximum(box[:, :2], box[:, 2:])
    touches = ((second >= low) & (first <= high)).all(1)
    first, second = first.clamp(low, high), second.clamp(low, high)
    half = torch.clamp((second - first) / 2, min=MIN_EXTENT / 2)
    centre = ((first + second) / 2).clamp(low + half, high - half)
    return torch.cat((centre - half, centre + half), 1), touches


def grid_cells(visible: Sequence[float], grid: int) -> torch.Tensor:
    """[g * g, 4] equal cells of the visible part, row by row; g need not divide the number of patches."""
    x1, y1, x2, y2 = visible
    across = torch.linspace(x1, x2, grid + 1, dtype=torch.float64)
    down = torch.linspace(y1, y2, grid + 1, dtype=torch.float64)
    rows, columns = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    rows, columns = rows.flatten(), columns.flatten()
    return torch.stack((across[columns], down[rows], across[columns + 1], down[rows + 1]), 1)


def pool_tokens(
    patches: torch.Tensor, box: torch.Tensor, counts: Sequence[int], *, grid: int, visible: Sequence[float]
) -> PooledTokens:
    """Mean patch tokens of every region, weighted by the covered fraction of each patch.

    The masked token weighs a patch by the largest fraction that one box covers of it (so overlapping boxes do not count
    twice).

    Args:
        patches: [B, P, D].
        box: [N, 4] the frames' objects one after the other, in patches.
        counts: [B] objects of each frame, sum N.
        grid: g.
        visible: The part of the square that shows the frame, in patches.
    """
    batch, count, _ = patches.shape
    side = round(count**0.5)
    if sum(counts) != len(box) or len(counts) != batch:
        raise ValueError(f"{len(box)} boxes and {batch} frames, but counts {list(counts)}")
    frame_of = torch.repeat_interleave(torch.arange(batch), torch.tensor(counts, dtype=torch.long))  # [N]
    rank = torch.arange(len(box)) - torch.tensor([0, *counts]).cumsum(0)[:-1][frame_of]  # place within the frame
    clipped, touches = clip_boxes(box.to(torch.float64), visible)
    covered = patch_coverage(clipped, side=side) * touches[:, None]  # [N, P]
    union = torch.zeros(batch, count, dtype=covered.dtype)
    union.scatter_reduce_(0, frame_of[:, None].expand(-1, count), covered, reduce="amax")
    regions = torch.zeros(batch, grid * grid + 1 + max(counts, default=0), count, dtype=covered.dtype)
    regions[:, : grid * grid] = patch_coverage(grid_cells(visible, grid), side=side)
    regions[:, grid * grid] = union
    regions[frame_of, grid * grid + 1 + rank] = covered
    weights = regions / regions.sum(-1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
    pooled = weights.to(patches.device, torch.float32) @ patches.to(torch.float32)  # [B, g * g + 1 + K, D]
    return PooledTokens(
        frame=pooled[:, : grid * grid],
        masked=pooled[:, grid * grid],
        objects=pooled[frame_of.to(pooled.device), grid * grid + 1 + rank.to(pooled.device)],
    )
