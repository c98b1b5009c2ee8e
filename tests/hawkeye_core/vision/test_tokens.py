"""Region pooling against a loop over patches that follows the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from hawkeye_core.vision.tokens import MIN_EXTENT, clip_boxes, grid_cells, patch_coverage, pool_tokens

WHOLE = (0.0, 0.0, 8.0, 8.0)


def literal_coverage(box: list[float], side: int) -> np.ndarray:
    """Area of each patch inside the box, patch by patch."""
    covered = np.zeros((side, side))
    for row in range(side):
        for column in range(side):
            across = min(box[2], column + 1) - max(box[0], column)
            down = min(box[3], row + 1) - max(box[1], row)
            covered[row, column] = max(across, 0) * max(down, 0)
    return covered


def literal_mean(patches: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """[n, n, D] patches, [n, n] weights -> [D]."""
    total, weight = np.zeros(patches.shape[-1]), 0.0
    for row in range(len(covered)):
        for column in range(len(covered)):
            total += covered[row, column] * patches[row, column]
            weight += covered[row, column]
    return total / weight if weight else total


def random_boxes(rng: np.random.Generator, count: int) -> torch.Tensor:
    corner = rng.uniform(-1, 8, (count, 2))
    return torch.from_numpy(np.c_[corner, corner + rng.uniform(0.05, 5, (count, 2))])


@pytest.mark.parametrize("grid", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("counts", [[3, 0, 5], [0, 0, 0], [0, 7, 1]])
def test_all_tokens_equal_the_literal_loop(grid: int, counts: list[int]) -> None:
    rng = np.random.default_rng(grid)
    patches = torch.from_numpy(rng.standard_normal((3, 64, 6)).astype(np.float32))
    boxes = random_boxes(rng, sum(counts))
    pooled = pool_tokens(patches, boxes, counts, grid=grid, visible=WHOLE)
    assert pooled.frame.shape == (3, grid * grid, 6)
    assert pooled.objects.shape == (sum(counts), 6)
    place = 0
    for frame, count in enumerate(counts):
        square = patches[frame].numpy().reshape(8, 8, 6)
        union = np.zeros((8, 8))
        for box in boxes[place : place + count].tolist():
            clipped = [min(max(edge, 0.0), 8.0) for edge in box]
            covered = literal_coverage(clipped, 8)
            union = np.maximum(union, covered)
            np.testing.assert_allclose(pooled.objects[place], literal_mean(square, covered), atol=1e-5)
            place += 1
        np.testing.assert_allclose(pooled.masked[frame], literal_mean(square, union), atol=1e-5)
        step = 8 / grid
        for cell in range(grid * grid):
            row, column = divmod(cell, grid)
            covered = literal_coverage([column * step, row * step, (column + 1) * step, (row + 1) * step], 8)
            np.testing.assert_allclose(pooled.frame[frame, cell], literal_mean(square, covered), atol=1e-5)


@pytest.mark.parametrize("grid", [1, 2, 4, 8, 16])
def test_frame_tokens_equal_adaptive_pooling_where_the_grid_divides(grid: int) -> None:
    patches = torch.randn(2, 256, 5, generator=torch.Generator().manual_seed(0))
    pooled = pool_tokens(patches, torch.zeros(0, 4), [0, 0], grid=grid, visible=(0, 0, 16, 16))
    image = patches.transpose(1, 2).reshape(2, 5, 16, 16)
    adaptive = functional.adaptive_avg_pool2d(image, grid).flatten(2).transpose(1, 2)
    torch.testing.assert_close(pooled.frame, adaptive, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grid", [3, 5, 7])
def test_every_patch_counts_once_where_the_grid_does_not_divide(grid: int) -> None:
    covered = patch_coverage(grid_cells((0, 0, 16, 16), grid), side=16)
    torch.testing.assert_close(covered.sum(0), torch.ones(256, dtype=torch.float64))
    torch.testing.assert_close(covered.sum(1), torch.full((grid * grid,), 256 / grid**2, dtype=torch.float64))


def one_hot_patches(side: int = 8) -> torch.Tensor:
    """Token of patch p is the unit vector p, so that a pooled token shows its weights."""
    return torch.eye(side * side)[None]


@pytest.mark.parametrize("box", [(3.2, 5.1, 3.4, 5.3), (3.5, 5.5, 3.5, 5.5), (3.9, 5.2, 3.3, 5.2)])
def test_a_box_smaller_than_a_patch_takes_the_patch_it_lies_in(box: tuple[float, ...]) -> None:
    token = pool_tokens(one_hot_patches(), torch.tensor([box]), [1], grid=1, visible=WHOLE).objects[0]
    assert token.argmax() == 5 * 8 + 3
    assert token.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (8.0, 8.0), (0.0, 8.0)])
def test_a_point_on_the_border_takes_the_border_patch(corner: tuple[float, float]) -> None:
    token = pool_tokens(one_hot_patches(), torch.tensor([[*corner, *corner]]), [1], grid=1, visible=WHOLE).objects[0]
    column, row = (min(int(edge), 7) for edge in corner)
    assert token[row * 8 + column] == pytest.approx(1, abs=1e-6)


def test_fractions_of_patches_are_weights() -> None:
    token = pool_tokens(one_hot_patches(), torch.tensor([[0.5, 0.0, 1.25, 1.0]]), [1], grid=1, visible=WHOLE).objects[0]
    assert token[0] == pytest.approx(0.5 / 0.75)
    assert token[1] == pytest.approx(0.25 / 0.75)


def test_what_lies_outside_the_visible_part_is_zero() -> None:
    boxes = torch.tensor([[-5.0, 1.0, -1.0, 3.0], [9.0, 9.0, 12.0, 12.0], [-3.0, 2.0, 2.0, 4.0]])
    visible = (0.0, 2.0, 8.0, 6.0)
    pooled = pool_tokens(one_hot_patches(), boxes, [3], grid=1, visible=visible)
    assert not pooled.objects[:2].any()
    assert pooled.objects[2].nonzero().flatten().tolist() == [16, 17, 24, 25]
    torch.testing.assert_close(pooled.masked[0], pooled.objects[2])
    assert pooled.frame[0, 0].nonzero().flatten().tolist() == list(range(16, 48)), "frame tokens leave out the border"


def test_without_objects_the_masked_token_is_zero() -> None:
    pooled = pool_tokens(one_hot_patches(), torch.zeros(0, 4), [0], grid=2, visible=WHOLE)
    assert not pooled.masked.any()
    assert pooled.objects.shape == (0, 64)


def test_a_patch_in_two_boxes_counts_once_in_the_masked_token() -> None:
    boxes = torch.tensor([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 3.0, 1.0]])
    masked = pool_tokens(one_hot_patches(), boxes, [2], grid=1, visible=WHOLE).masked[0]
    torch.testing.assert_close(masked[:3], torch.full((3,), 1 / 3))


def test_clipped_boxes_have_extent() -> None:
    boxes = torch.tensor([[-9.0, -9.0, 20.0, 20.0], [8.0, 1.0, 8.0, 1.0]], dtype=torch.float64)
    clipped, touches = clip_boxes(boxes, WHOLE)
    assert touches.all()
    assert clipped[0].tolist() == [0, 0, 8, 8]
    assert ((clipped[:, 2:] - clipped[:, :2]) >= MIN_EXTENT * 0.999).all()
    assert (clipped >= 0).all()
    assert (clipped <= 8).all()


def test_counts_must_add_up() -> None:
    with pytest.raises(ValueError, match="2 boxes and 1 frames"):
        pool_tokens(one_hot_patches(), torch.zeros(2, 4), [1], grid=1, visible=WHOLE)
