"""Losses of HigherHRNet: squared error of heatmaps, and associative embedding's pull and push of tags.

Legend: B samples, P people (padded), J joints, h x w cells of a map.
"""

from __future__ import annotations

import torch
from torch import Tensor


def heatmap_loss(heat: Tensor, target: Tensor, counted: Tensor, *, foreground: float = 0.0) -> Tensor:
    """``mean of counted * (1 + foreground * target) * (heat - target)^2`` over all cells.

    With ``foreground`` 0 it is the paper's. A joint fills a few cells of thousands, and a small network at a small
    budget otherwise spends its first thousand steps on maps of zeros; what an unsure cell predicts gets higher.

    Args:
        heat: [B, J, h, w].
        target: [B, J, h, w] in 0..1.
        counted: [B, 1, h, w] 0 where the truth is unknown.
        foreground: Further weight of a cell whose target is 1.
    """
    squared = torch.square(heat - target) * counted
    if foreground:
        squared = squared * (1 + foreground * target)
    return squared.mean()


def tag_losses(tags: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Associative embedding (Newell et al., NeurIPS 2017, Eq. of section 3.2), as HigherHRNet weighs its parts.

    With ``h_pj`` the tag at joint j of person p, ``m_p`` the mean of a person's tags, and n the people of a sample that
    have a labelled joint::

        pull = 1/n sum_p mean_j (h_pj - m_p)^2
        push = 1/2 1/(n (n - 1)) sum_{p != q} exp(-(m_p - m_q)^2)

    each averaged over the samples; a sample without people adds 0, one with a single person no push.

    Args:
        tags: [B, J, h, w].
        cells: [B, P, J] flat index of each joint's cell, -1 if it has none.

    Returns:
        Pull and push, scalars.
    """
    labelled = cells >= 0  # [B, P, J]
    found = tags.flatten(2).gather(2, cells.clamp(min=0).transpose(1, 2)).transpose(1, 2)  # [B, P, J]
    joints = labelled.sum(2)  # [B, P]
    there = joints > 0
    mean = (found * labelled).sum(2) / joints.clamp(min=1)  # [B, P]
    spread = ((found - mean.unsqueeze(2)).square() * labelled).sum(2) / joints.clamp(min=1)
    people = there.sum(1)  # [B]
    pull = (spread.sum(1) / people.clamp(min=1)).mean()
    apart = torch.exp(-(mean.unsqueeze(2) - mean.unsqueeze(1)).square())  # [B, P, P]
    pairs = there.unsqueeze(2) & there.unsqueeze(1) & ~torch.eye(there.shape[1], dtype=torch.bool, device=tags.device)
    push = 0.5 * ((apart * pairs).sum((1, 2)) / (people * (people - 1)).clamp(min=1)).mean()
    return pull, push
