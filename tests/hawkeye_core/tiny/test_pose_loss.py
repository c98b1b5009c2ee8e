"""Losses against literal loops."""

from __future__ import annotations

import math

import pytest
import torch

from hawkeye_core.tiny.pose_loss import heatmap_loss, tag_losses


@pytest.mark.parametrize("foreground", [0.0, 3.0])
def test_heatmap_loss_equals_a_literal_loop(foreground):
    g = torch.Generator().manual_seed(0)
    heat, target = torch.randn(2, 3, 4, 5, generator=g), torch.rand(2, 3, 4, 5, generator=g)
    counted = (torch.rand(2, 1, 4, 5, generator=g) < 0.6).float()
    total = 0.0
    for b in range(2):
        for j in range(3):
            for y in range(4):
                for x in range(5):
                    t = target[b, j, y, x].item()
                    error = heat[b, j, y, x].item() - t
                    total += counted[b, 0, y, x].item() * (1 + foreground * t) * error**2
    assert heatmap_loss(heat, target, counted, foreground=foreground).item() == pytest.approx(total / 120, rel=1e-5)


def literal(tags, cells):
    batch, people, joints = cells.shape
    pull = push = 0.0
    for b in range(batch):
        means, spreads = [], []
        for p in range(people):
            values = [tags[b, j].flatten()[cells[b, p, j]].item() for j in range(joints) if cells[b, p, j] >= 0]
            if values:
                means.append(sum(values) / len(values))
                spreads.append(sum((v - means[-1]) ** 2 for v in values) / len(values))
        n = len(means)
        if n:
            pull += sum(spreads) / n
        if n > 1:
            pairs = [math.exp(-((means[i] - means[k]) ** 2)) for i in range(n) for k in range(n) if i != k]
            push += 0.5 * sum(pairs) / (n * (n - 1))
    return pull / batch, push / batch


def test_tag_losses_equal_a_literal_loop():
    g = torch.Generator().manual_seed(1)
    tags = torch.randn(4, 17, 6, 5, generator=g)
    cells = torch.randint(-8, 30, (4, 3, 17), generator=g).clamp(min=-1)
    cells[1, 1:] = -1  # one person
    cells[2] = -1  # nobody
    pull, push = tag_losses(tags, cells)
    assert (pull.item(), push.item()) == pytest.approx(literal(tags, cells), rel=1e-5)


def test_no_people_at_all_and_no_gradient():
    tags = torch.randn(2, 17, 6, 5, requires_grad=True)
    pull, push = tag_losses(tags, torch.zeros(2, 0, 17, dtype=torch.int64))
    (pull + push).backward()
    assert pull.item() == push.item() == 0
    assert not tags.grad.any()


def test_one_tag_each_and_far_apart_is_the_optimum():
    tags = torch.zeros(1, 17, 2, 2)
    tags[..., 1, :] = 9.0
    cells = torch.zeros(1, 2, 17, dtype=torch.int64)
    cells[:, 1] = 3
    pull, push = tag_losses(tags, cells)
    assert pull.item() == 0
    assert push.item() < 1e-9
