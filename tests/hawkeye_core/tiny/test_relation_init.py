"""Initial values: positions as cells have them, windows around the queries' points, values that are copied."""

import pytest
import torch

from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.position import sine_positions
from hawkeye_core.relation.reltr import RelTR
from hawkeye_core.tiny.relation_init import point_codes, spread_points, start_reltr

H, W = 12, 16


@pytest.fixture(scope="module")
def model():
    return start_reltr(ARCHITECTURES["tiny"], seed=1, cells=(H, W)).eval()


def test_the_code_of_a_cells_middle_is_that_cells_position():
    y, x = torch.meshgrid((torch.arange(H) + 0.5) / H, (torch.arange(W) + 0.5) / W, indexing="ij")
    codes = point_codes(torch.stack((x, y), dim=-1).reshape(-1, 2), width=96, cells=(H, W))
    expected = sine_positions(torch.ones((1, H, W), dtype=torch.bool), width=96, dtype=torch.float32)[0]
    torch.testing.assert_close(codes, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("count", [1, 7, 30, 40])
def test_points_are_distinct_and_inside(count):
    points = spread_points(count)
    assert points.shape == (count, 2)
    assert ((points > 0) & (points < 1)).all()
    assert len(set(map(tuple, points.tolist()))) == count


def test_no_parameter_is_added_and_the_seed_decides(model):
    assert model.state_dict().keys() == RelTR(ARCHITECTURES["tiny"]).state_dict().keys()
    again = start_reltr(ARCHITECTURES["tiny"], seed=1, cells=(H, W)).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in model.state_dict().items())


@torch.no_grad()
def test_a_query_begins_by_looking_around_its_point(model):
    memory, grid = model.encode(torch.randn((2, 3, 16 * H, 16 * W), generator=torch.Generator().manual_seed(0)))
    assert grid == (H, W)
    weights = model.decode(memory, every_layer=True)[0].subject_map  # [B, T, S]
    y, x = torch.meshgrid((torch.arange(H) + 0.5) / H, (torch.arange(W) + 0.5) / W, indexing="ij")
    cells = torch.stack((x, y), dim=-1).reshape(-1, 2)
    points = spread_points(model.config.triplets)
    distance = (cells[None] - points[:, None]).norm(dim=-1)  # [T, S]
    near, everywhere = (weights * distance).sum(-1).mean(), distance.mean()
    assert near < everywhere / 2
