"""From cells to positions, and joints that grouping missed.

Legend: P people, J joints, H x W cells, T tag components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.pose.heatmap import subcell

_CELLS_AT_ONCE = {"cpu": 1 << 19, "cuda": 1 << 26}  # bounds the memory; on a CPU it keeps the maps of a step in cache


def adjust(people: Tensor, heat: Tensor) -> Tensor:
    """People with each found joint moved to a position finer than its cell; see :func:`subcell`.

    Args:
        people: float32 [P, J, 3 + T] as :func:`group` returns them.
        heat: float32 [J, H, W].

    Returns:
        [P, J, 3 + T], x and y in cells with centres at half integers.
    """
    cells = people[..., :2].long()
    found = people[..., 2:3] > 0
    xy = torch.where(found, subcell(heat, cells[..., 0], cells[..., 1]), people[..., :2])
    return torch.cat((xy, people[..., 2:]), dim=-1)


def refine(people: Tensor, maps: ScoreMaps, *, frame: int) -> Tensor:
    """People with missing joints filled in from the heatmaps.

    A missing joint goes to the cell that maximises ``heat - round(distance of its tag to the person's mean tag)``, the
    first such cell in row order, provided that heat there is positive; its score is that heat. There is no other
    threshold, as in the original, so nearly every joint ends up filled, some with scores near zero.

    Args:
        people: float32 [P, J, 3 + T], adjusted.
        maps: Aggregated maps.
        frame: Which frame of the maps.

    Returns:
        [P, J, 3 + T]; the tags of filled joints stay 0.
    """
    heat = maps.heat[frame]
    found = people[..., 2] > 0  # [P, J]
    weight = found.unsqueeze(-1).float()
    mean_tag = (people[..., 3:] * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)  # [P, T]
    cells = torch.zeros(found.shape, dtype=torch.int64, device=heat.device)
    for joint in (~found).any(dim=0).nonzero().flatten().tolist():
        missing = (~found[:, joint]).nonzero().flatten()
        cells[missing, joint] = _best_cells(heat[joint], maps.tags_of(frame, joint), mean_tag[missing])
    x, y = cells % heat.shape[2], cells // heat.shape[2]
    score = heat.flatten(1).gather(1, cells.T).T
    filled = ~found & (score > 0)
    new = torch.cat((subcell(heat, x, y), score.unsqueeze(-1)), dim=-1)
    return torch.cat((torch.where(filled.unsqueeze(-1), new, people[..., :3]), people[..., 3:]), dim=-1)


def _best_cells(heat: Tensor, tags: Tensor, wanted: Tensor) -> Tensor:
    """[P] flat index of the best cell for each of P tags.

    Args:
        heat: [H, W] of one joint.
        tags: [T, H, W] of that joint.
        wanted: [P, T].
    """
    at_once = max(1, _CELLS_AT_ONCE.get(heat.device.type, 1 << 22) // heat.numel())
    flat = heat.flatten()
    best = []
    for chunk in wanted.split(at_once):
        squared = torch.zeros((len(chunk), flat.numel()), device=heat.device)
        for component, value in zip(tags.flatten(1), chunk.T, strict=True):
            difference = component - value.unsqueeze(-1)
            squared.addcmul_(difference, difference)
        best.append(torch.sub(flat, squared.sqrt_().round_(), out=squared).argmax(dim=1))
    return torch.cat(best)
