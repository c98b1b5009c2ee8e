"""Queries that begin as cells of the encoded image: an option for networks trained from little.

RelTR's queries are learned and alike for all images; what each of them should look at takes hundreds of thousands of
images to find out. Here the entity heads are applied to the encoder's cells, as in the first stage of two-stage
detectors of this family (Deformable DETR, Zhu et al., ICLR 2021): the best cells begin the entity queries, and the
ordered pairs of the very best begin subject and object of the triplet queries. Learned contents are added, so that
several queries of one pair can come to say different predicates. Boxes are predicted relative to the cell a query
began with. The published network does none of this.

Legend: B images, S = h * w cells, C classes with "none" last, D width, N entity queries, T triplet queries, M cells
that pairs are made of, R triplet queries a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Anchors:
    """What is added to the boxes' logits: those of the middle of each query's cell, and 0 for width and height."""

    entity: Tensor  # [B, N, 4]
    subject: Tensor  # [B, T, 4]
    object: Tensor  # [B, T, 4]


def cell_anchors(grid: tuple[int, int], *, like: Tensor) -> Tensor:
    """Anchors of all cells of a grid h x w, [S, 4], of the type and on the device of ``like``."""
    h, w = grid
    y = ((torch.arange(h, device=like.device) + 0.5) / h).logit()
    x = ((torch.arange(w, device=like.device) + 0.5) / w).logit()
    middle = torch.stack((x.repeat(h), y.repeat_interleave(w)), dim=-1)
    return F.pad(middle, (0, 2)).to(like.dtype)


def ranked_cells(logits: Tensor, grid: tuple[int, int], *, count: int, inside: Tensor | None = None) -> Tensor:
    """The ``count`` cells likeliest to be the middle of an entity, best first, [B, count].

    A cell of which a neighbour (8 around it) is likelier to be of the same class ranks behind all that are peaks: the
    middle of one large entity covers several cells.

    Args:
        logits: [B, S, C].
        grid: h and w.
        count: Where it is more than S, the ranking begins again.
        inside: [B, S] bool, False on padding, which ranks last; none: all cells are inside.
    """
    likelihood = logits.softmax(dim=-1)[..., :-1]  # [B, S, C - 1]
    score, label = likelihood.max(dim=-1)
    maps = likelihood.transpose(1, 2).unflatten(2, grid)
    around = F.max_pool2d(maps, kernel_size=3, stride=1, padding=1).flatten(2).transpose(1, 2)
    peak = score >= around.gather(2, label[..., None])[..., 0]
    score = score + peak.to(score.dtype)
    if inside is not None:
        score = score.masked_fill(~inside, -1.0)
    order = score.topk(min(count, score.shape[1]), dim=1).indices
    return order[:, torch.arange(count, device=order.device) % order.shape[1]]


def ordered_pairs(count: int, *, repeats: int) -> tuple[Tensor, Tensor]:
    """First and second of all ordered pairs of different numbers below ``count``, each ``repeats`` times, [T]."""
    first, second = (~torch.eye(count, dtype=torch.bool)).nonzero(as_tuple=True)
    return first.repeat_interleave(repeats), second.repeat_interleave(repeats)


def cells_at(content: Tensor, which: Tensor) -> Tensor:
    """Cells [B, S, D] at ``which`` [B, N] -> [B, N, D]."""
    return content.gather(1, which[..., None].expand(-1, -1, content.shape[2]))
