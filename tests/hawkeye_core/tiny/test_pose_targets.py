"""Heatmaps, cells and masks against literal loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from hawkeye_core.tiny.pose_targets import counted_cells, heatmaps, sigma_of, tag_cells

H, W = 32, 64


@pytest.fixture
def people():
    rng = np.random.default_rng(3)
    xy = rng.uniform(-8, 72, (2, 3, 17, 2)).astype(np.float32)
    arrays = xy, rng.random((2, 3, 17)) < 0.7, rng.uniform(1, 2, (2, 3)).astype(np.float32)
    return tuple(map(torch.from_numpy, arrays))


@pytest.mark.parametrize("stride", [2, 4])
def test_heatmaps_equal_a_literal_loop(people, stride):
    xy, labelled, sigma = people
    maps = heatmaps(xy, labelled, sigma, stride=stride, height=H, width=W)
    assert maps.shape == (2, 17, H // stride, W // stride)
    for b in range(2):
        for j in range(0, 17, 5):
            for row in range(0, H // stride, 3):
                for column in range(0, W // stride, 3):
                    wanted = 0.0
                    for p in range(3):
                        if labelled[b, p, j]:
                            dx = column + 0.5 - xy[b, p, j, 0] / stride
                            dy = row + 0.5 - xy[b, p, j, 1] / stride
                            wanted = max(wanted, math.exp(-(dx * dx + dy * dy) / (2 * sigma[b, p] ** 2)))
                    assert maps[b, j, row, column] == pytest.approx(wanted, abs=1e-6)


def test_tag_cells_equal_a_literal_loop(people):
    xy, labelled, _ = people
    cells = tag_cells(xy, labelled, stride=4, height=H, width=W)
    outside = 0
    for b, p, j in np.ndindex(2, 3, 17):
        x, y = xy[b, p, j]
        if labelled[b, p, j] and 0 <= x < W and 0 <= y < H:
            assert cells[b, p, j] == int(y // 4) * (W // 4) + int(x // 4)
        else:
            outside += labelled[b, p, j]
            assert cells[b, p, j] == -1
    assert outside  # the sample has such joints


def test_cells_in_a_box_do_not_count():
    boxes = torch.full((2, 2, 4), torch.nan)
    boxes[0, 1] = torch.tensor([5.0, 3, 14, 20])
    counted = counted_cells(boxes, stride=4, height=H, width=W)
    for row in range(H // 4):
        for column in range(W // 4):
            x, y = 4 * column + 2, 4 * row + 2
            assert counted[0, 0, row, column] == (not (5 <= x < 14 and 3 <= y < 20))
    assert counted[0].sum() < counted[1].sum() == H * W / 16


def test_nobody_leaves_flat_maps():
    nobody = torch.zeros(1, 0, 17, 2), torch.zeros(1, 0, 17, dtype=torch.bool)
    assert not heatmaps(*nobody, torch.zeros(1, 0), stride=4, height=H, width=W).any()
    assert tag_cells(*nobody, stride=4, height=H, width=W).shape == (1, 0, 17)
    assert counted_cells(torch.zeros(1, 0, 4), stride=4, height=H, width=W).all()


def test_small_people_get_narrow_gaussians():
    np.testing.assert_allclose(sigma_of(torch.tensor([20.0, 50, 75, 100, 400])), [1, 1, 1.5, 2, 2])
