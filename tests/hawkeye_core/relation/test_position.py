import math

import pytest
import torch

from hawkeye_core.relation.position import sine_positions


def _literal(inside, width):
    """Every number by its formula."""
    batch, height, columns = inside.shape
    half = width // 2
    out = torch.zeros(batch, height, columns, width, dtype=torch.float64)
    for b in range(batch):
        for y in range(height):
            for x in range(columns):
                down = inside[b, : y + 1, x].sum().item() / (inside[b, :, x].sum().item() + 1e-6)
                across = inside[b, y, : x + 1].sum().item() / (inside[b, y].sum().item() + 1e-6)
                for axis, place in enumerate((down, across)):
                    for i in range(half):
                        angle = 2 * math.pi * place / 10_000 ** (2 * (i // 2) / half)
                        out[b, y, x, axis * half + i] = math.cos(angle) if i % 2 else math.sin(angle)
    return out.flatten(1, 2)


def test_equals_the_formula_with_padding_at_the_right_and_below():
    inside = torch.zeros(2, 4, 5, dtype=torch.bool)
    inside[0] = True
    inside[1, :3, :2] = True
    actual = sine_positions(inside, width=8, dtype=torch.float64)
    torch.testing.assert_close(actual, _literal(inside, 8), atol=1e-9, rtol=0)


def test_first_half_is_constant_along_a_row_and_second_along_a_column():
    grid = sine_positions(torch.ones(1, 3, 4, dtype=torch.bool), width=8, dtype=torch.float32).view(3, 4, 8)
    assert torch.equal(grid[:, :1, :4].expand(-1, 4, -1), grid[..., :4])
    assert torch.equal(grid[:1, :, 4:].expand(3, -1, -1), grid[..., 4:])


def test_width_must_be_divisible_by_four():
    with pytest.raises(ValueError, match="divisible by 4, not 6"):
        sine_positions(torch.ones(1, 2, 2, dtype=torch.bool), width=6, dtype=torch.float32)
