"""From cells to positions, and joints that grouping missed.

Legend: P people, J joints, H x W cells, T tag components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.pose.heatmap import subcell

_CELLS_AT_ONCE = {"cpu": 1 << 19, "cuda": 1 << 26}  # bounds the memory; on a CPU it keeps the maps of a step in cache
_HOT_PART = 0.05  # part of the cells that are searched first on a CPU
_SAMPLE_STEP = 8  # their least heat is estimated from every so many rows and columns


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
        cells[missing, joint] = _best_cells(maps, frame, joint, mean_tag[missing])
    x, y = cells % heat.shape[2], cells // heat.shape[2]
    score = heat.flatten(1).gather(1, cells.T).T
    filled = ~found & (score > 0)
    new = torch.cat((subcell(heat, x, y), score.unsqueeze(-1)), dim=-1)
    return torch.cat((torch.where(filled.unsqueeze(-1), new, people[..., :3]), people[..., 3:]), dim=-1)


def _best_cells(maps: ScoreMaps, frame: int, joint: int, wanted: Tensor) -> Tensor:
    """[P] flat index of the best cell of one joint for each of the wanted tags [P, T].

    On a CPU the hottest cells are searched first. A cell's value never exceeds its heat, so whoever finds more there than the
    heat of any cell left out has found the best; the others, if any, search the whole map.
    """
    heat = maps.heat[frame, joint]
    if heat.is_cuda:
        return best_in_map(heat, maps.tags_of(frame, joint), wanted)
    hot, rest = _hottest(heat)
    index = torch.full_like(hot, frame), torch.full_like(hot, joint)
    tags = maps.tags_at(*index, hot // heat.shape[1], hot % heat.shape[1])
    value, best = _best(heat.flatten()[hot], tags.T, wanted)
    best = hot[best]
    unsure = (value <= rest).nonzero().flatten()
    if len(unsure):
        best[unsure] = best_in_map(heat, maps.tags_of(frame, joint), wanted[unsure])
    return best


def _hottest(heat: Tensor) -> tuple[Tensor, float]:
    """Flat indices [N] of about the hottest twentieth of the cells, in row order, and a heat no other cell exceeds."""
    sample = heat[::_SAMPLE_STEP, ::_SAMPLE_STEP].flatten()
    bound = float(sample.kthvalue(max(1, int(len(sample) * (1 - _HOT_PART)))).values)
    hot = (heat.flatten() > bound).nonzero().flatten()
    # A flat map has no cell above the bound; its first one then stands for the rest.
    return (hot, bound) if len(hot) else (torch.zeros(1, dtype=torch.int64), bound)


def best_in_map(heat: Tensor, tags: Tensor, wanted: Tensor) -> Tensor:
    """[P] flat index of the best cell for each of P tags, by trying all cells.

    Args:
        heat: [H, W] of one joint.
        tags: [T, H, W] of that joint.
        wanted: [P, T].
    """
    return _best(heat.flatten(), tags.flatten(1), wanted)[1]


def _best(heat: Tensor, tags: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """[P] largest ``heat - round(distance)`` over cells and [P] the first index where it is.

    Args:
        heat: [N].
        tags: [T, N].
        wanted: [P, T].
    """
    at_once = max(1, _CELLS_AT_ONCE["cuda" if heat.is_cuda else "cpu"] // heat.numel())
    values, indices = [], []
    for chunk in wanted.split(at_once):
        squared = torch.zeros((len(chunk), heat.numel()), device=heat.device)
        for component, value in zip(tags, chunk.T, strict=True):
            difference = component - value.unsqueeze(-1)
            squared.addcmul_(difference, difference)
        found = torch.sub(heat, squared.sqrt_().round_(), out=squared)
        indices.append(found.argmax(dim=1))
        values.append(found.gather(1, indices[-1].unsqueeze(1)).squeeze(1))
    return torch.cat(values), torch.cat(indices)
