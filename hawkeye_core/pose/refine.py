"""From cells to positions, and joints that grouping missed.

Legend: P people, J joints, H x W cells, T tag components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.pose.heatmap import nonzero_cells, subcell

_CELLS_AT_ONCE = 1 << 19  # bounds the memory; on a CPU it also keeps the maps of a step in cache
_CELLS_AT_ONCE_ON_GPU = 1 << 26
_HOT_PART = 0.03  # part of the cells that are searched first on a CPU
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
    if found.all():
        return people
    weight = found.unsqueeze(-1).float()
    mean_tag = (people[..., 3:] * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)  # [P, T]
    search = _search_hottest_first if heat.device.type == "cpu" else _search_all
    cells = search(maps, frame, ~found, mean_tag)
    x, y = cells % heat.shape[2], cells // heat.shape[2]
    score = heat.flatten(1).gather(1, cells.T).T
    filled = ~found & (score > 0)
    new = torch.cat((subcell(heat, x, y), score.unsqueeze(-1)), dim=-1)
    return torch.cat((torch.where(filled.unsqueeze(-1), new, people[..., :3]), people[..., 3:]), dim=-1)


def _search_all(maps: ScoreMaps, frame: int, missing: Tensor, mean_tag: Tensor) -> Tensor:
    """[P, J] flat index of the best cell for each missing joint, by trying all cells; 0 elsewhere.

    Args:
        maps: Aggregated maps.
        frame: Which frame of them.
        missing: bool [P, J].
        mean_tag: [P, T].
    """
    cells = torch.zeros(missing.shape, dtype=torch.int64, device=missing.device)
    for joint in missing.any(dim=0).nonzero().flatten().tolist():
        who = missing[:, joint].nonzero().flatten()
        tags = maps.tags_of(frame, joint).flatten(1)
        cells[who, joint] = _best(maps.heat[frame, joint].flatten(), tags, mean_tag[who])[1]
    return cells


def _search_hottest_first(maps: ScoreMaps, frame: int, missing: Tensor, mean_tag: Tensor) -> Tensor:
    """The same, trying the hottest cells of each map first; a third of the work or less with a trained network.

    A cell's value never exceeds its heat. So whoever finds more among the hottest cells than the heat of any cell left
    out has found the best of all; the others search the whole map.
    """
    heat = maps.heat[frame]
    cells = torch.zeros(missing.shape, dtype=torch.int64)
    unsure = torch.zeros_like(missing)
    joints = missing.any(dim=0).nonzero().flatten()
    hottest, bounds = _hottest(heat, joints)
    counts = torch.tensor([len(cell) for cell in hottest])
    cell = torch.cat(hottest)
    joint = joints.repeat_interleave(counts)
    width = heat.shape[2]
    tags = maps.tags_at(torch.full_like(cell, frame), joint, cell // width, cell % width).T.contiguous()
    warmth = heat.flatten(1)[joint, cell]
    parts = zip(
        joints.tolist(), hottest, warmth.split(counts.tolist()), tags.split(counts.tolist(), dim=1), strict=True
    )
    for j, cell, heat_of_cell, tags_of_cell in parts:
        who = missing[:, j].nonzero().flatten()
        value, best = _best(heat_of_cell, tags_of_cell, mean_tag[who])
        cells[who, j] = cell[best]
        unsure[who, j] = value <= bounds[j]
    return torch.where(unsure, _search_all(maps, frame, unsure, mean_tag), cells) if unsure.any() else cells


def _hottest(heat: Tensor, joints: Tensor) -> tuple[list[Tensor], Tensor]:
    """For each of the joints, flat indices of the hottest few per cent of its cells in row order, at least one; and for
    every joint a heat [J] that no cell left out exceeds.
    """
    sample = heat[:, ::_SAMPLE_STEP, ::_SAMPLE_STEP].flatten(1)
    bounds = sample.kthvalue(max(1, int(sample.shape[1] * (1 - _HOT_PART))), dim=1).values
    chosen = [nonzero_cells(heat[j] > bounds[j]) for j in joints.tolist()]
    # A flat map has no cell above the bound; its first cell then stands for all, and the bound sends everyone on.
    first = torch.zeros(1, dtype=torch.int64)
    return [cells if len(cells) else first for cells in chosen], bounds


def _best(heat: Tensor, tags: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """[P] largest ``heat - round(distance)`` over cells and [P] the first index where it is.

    Args:
        heat: [N].
        tags: [T, N].
        wanted: [P, T].
    """
    at_once = max(1, (_CELLS_AT_ONCE if heat.device.type == "cpu" else _CELLS_AT_ONCE_ON_GPU) // heat.numel())
    values, indices = [], []
    for chunk in wanted.split(at_once):
        squared = (tags[0] - chunk[:, :1]).square_()
        for component, value in zip(tags[1:], chunk.T[1:], strict=True):
            difference = component - value.unsqueeze(-1)
            squared.addcmul_(difference, difference)
        found = torch.sub(heat, squared.sqrt_().round_(), out=squared)
        indices.append(_first_maximum(found))
        values.append(found.gather(1, indices[-1].unsqueeze(1)).squeeze(1))
    return torch.cat(values), torch.cat(indices)


def _first_maximum(values: Tensor) -> Tensor:
    """[P] index of the first largest of [P, N]. On a CPU by numpy, twenty times faster than torch's."""
    if values.device.type != "cpu":
        return values.argmax(dim=1)
    return torch.from_numpy(values.numpy().argmax(axis=1))
