from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.pose.heatmap import find_candidates, local_maxima, nonzero_cells, peaks_above, subcell


def heat_with_ties(shape: tuple[int, ...], *, seed: int = 0, levels: int = 12) -> torch.Tensor:
    """Few distinct values, so that plateaus and equal maxima are common."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, levels, shape) / levels).float()


def maps_of(heat: torch.Tensor, components: int = 2) -> ScoreMaps:
    b, j, h, w = heat.shape
    return ScoreMaps(heat, torch.randn(b, j, components, h, w, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 5), (40, 33)])
def test_local_maxima_equal_max_pooling(size):
    heat = heat_with_ties((2, 3, *size)) - 0.5
    torch.testing.assert_close(local_maxima(heat), heat == F.max_pool2d(heat, 5, stride=1, padding=2))


@pytest.mark.parametrize("threshold", [0.2, 0.95])
@pytest.mark.parametrize("levels", [12, 1000])
def test_looking_at_few_windows_equals_passing_over_the_map(threshold, levels):
    heat = heat_with_ties((2, 3, 50, 40), levels=levels)
    heat[0] = 0.0
    if threshold == 0.95 and levels == 1000:
        assert (heat > threshold).sum() < heat.numel() / 32  # the short way is the one taken
    expected = (local_maxima(heat) & (heat > threshold)).nonzero(as_tuple=True)
    for got, wanted in zip(peaks_above(heat, threshold), expected, strict=True):
        assert got.tolist() == wanted.tolist()


def test_plateaus_of_few_cells_are_peaks_throughout():
    heat = torch.zeros(1, 1, 64, 64)
    heat[0, 0, 0:2, 0:3] = 0.5
    heat[0, 0, 60, 63] = 0.7
    y, x = peaks_above(heat, 0.1)[2:]
    assert list(zip(y.tolist(), x.tolist(), strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (60, 63)]


def test_candidates_are_the_best_of_each_joint_in_order():
    heat = heat_with_ties((2, 17, 40, 30), levels=50)
    maps = maps_of(heat)
    for frame, joints in enumerate(find_candidates(maps, threshold=0.3, limit=7)):
        assert len(joints) == 17
        for joint, found in enumerate(joints):
            plane = heat[frame, joint]
            peaks = (local_maxima(plane[None])[0] & (plane > 0.3)).nonzero().tolist()
            peaks.sort(key=lambda p, plane=plane: (-float(plane[p[0], p[1]]), p))
            assert found.xy.tolist() == [[x, y] for y, x in peaks[:7]]
            np.testing.assert_array_equal(found.score, [float(plane[y, x]) for y, x in peaks[:7]])
            tags = [maps.tags[frame, joint, :, y, x].numpy() for y, x in peaks[:7]]
            np.testing.assert_allclose(found.tag, np.array(tags).reshape(-1, 2), atol=1e-6)


def test_the_threshold_itself_is_not_enough():
    heat = torch.zeros(1, 17, 16, 16)
    heat[0, 0, 3, 3], heat[0, 0, 12, 12] = 0.5, 0.75
    (joints,) = find_candidates(maps_of(heat), threshold=0.5, limit=30)
    assert joints[0].xy.tolist() == [[12, 12]]
    assert all(len(found.score) == 0 and found.tag.shape == (0, 2) for found in joints[1:])


def test_maps_without_peaks_and_not_a_number():
    heat = torch.full((1, 17, 8, 8), torch.nan)
    assert all(len(found.score) == 0 for found in find_candidates(maps_of(heat), threshold=0.1, limit=30)[0])


def test_subcell_positions_equal_the_literal_rule():
    heat = heat_with_ties((3, 6, 7), levels=4)
    for y in range(6):
        for x in range(7):
            cells = torch.full((1, 3), x), torch.full((1, 3), y)
            got = subcell(heat, *cells)[0]
            for j in range(3):
                right, left = heat[j, y, min(x + 1, 6)], heat[j, y, max(x - 1, 0)]
                below, above = heat[j, min(y + 1, 5), x], heat[j, max(y - 1, 0), x]
                dx, dy = (0.25 if right > left else -0.25), (0.25 if below > above else -0.25)
                assert got[j].tolist() == [x + 0.5 + dx, y + 0.5 + dy]


def test_nonzero_cells_are_flat_and_in_row_order():
    mask = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)) > 0.5
    assert nonzero_cells(mask).tolist() == mask.flatten().nonzero().flatten().tolist()
    transposed = mask.transpose(0, 2)
    assert nonzero_cells(transposed).tolist() == transposed.flatten().nonzero().flatten().tolist()
