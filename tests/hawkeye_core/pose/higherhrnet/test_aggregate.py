from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from hawkeye_core.pose.aggregate import COCO_MIRROR, ScoreMaps, aggregate, merge_scales
from hawkeye_core.scene import COCO_JOINTS


def outputs(batch: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(batch, 34, 6, 8, generator=generator)
    return coarse, torch.randn(batch, 17, 12, 16, generator=generator)


def literal(coarse: torch.Tensor, fine: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """One frame and its mirror image in the original's order: resize, mirror back, resize again, average last."""
    heats, tags = [], []
    for i in range(2):
        both = F.interpolate(coarse[i : i + 1], size=fine.shape[-2:], mode="bilinear", align_corners=False)
        mean, tag = (both[:, :17] + fine[i : i + 1]) / 2, both[:, 17:]
        if i == 1:
            mean, tag = (m.flip(3)[:, list(COCO_MIRROR)] for m in (mean, tag))
        heats.append(F.interpolate(mean, size=size, mode="bilinear", align_corners=False))
        tags.append(F.interpolate(tag, size=size, mode="bilinear", align_corners=False))
    return (heats[0] + heats[1]) / 2, torch.stack(tags, dim=2)


def test_mirror_pairs_left_with_right():
    for joint, counterpart in enumerate(COCO_MIRROR):
        name = COCO_JOINTS[joint]
        swapped = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert COCO_JOINTS[counterpart] == swapped


def test_averaging_at_low_resolution_equals_the_literal_order():
    coarse, fine = outputs(2)
    maps = aggregate(coarse, fine, flipped=True, size=(24, 32))
    heat, tags = literal(coarse, fine, (24, 32))
    torch.testing.assert_close(maps.heat, heat)
    torch.testing.assert_close(torch.stack([maps.tags_of(0, j) for j in range(17)]), tags[0])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_frames_of_a_batch_do_not_mix(layout):
    coarse, fine = (x.to(memory_format=layout) for x in outputs(6))
    together = aggregate(coarse, fine, flipped=True, size=(24, 32))
    for i in range(3):
        alone = aggregate(coarse[[i, 3 + i]], fine[[i, 3 + i]], flipped=True, size=(24, 32))
        torch.testing.assert_close(together.heat[i], alone.heat[0])
        torch.testing.assert_close(together.tags[i], alone.tags[0])


@pytest.mark.parametrize("size", [(12, 16), (24, 32), (30, 36)])
def test_tags_at_cells_equal_the_resized_maps(size):
    coarse, fine = outputs(4)
    maps = aggregate(coarse, fine, flipped=True, size=size)
    frame, joint, y, x = torch.ones(2, 17, *size).nonzero(as_tuple=True)
    full = torch.stack([torch.stack([maps.tags_of(b, j) for j in range(17)]) for b in range(2)])
    torch.testing.assert_close(maps.tags_at(frame, joint, y, x), full.permute(0, 1, 3, 4, 2).reshape(-1, 2))


def test_with_a_reach_tags_know_their_place():
    coarse, fine = outputs(4)
    maps = replace(aggregate(coarse, fine, flipped=True, size=(24, 32)), reach=8.0)
    frame, joint, y, x = torch.ones(2, 17, 24, 32).nonzero(as_tuple=True)
    found = maps.tags_at(frame, joint, y, x)
    plain = replace(maps, reach=None).tags_at(frame, joint, y, x)
    torch.testing.assert_close(found, torch.cat((plain, torch.stack((x / 8, y / 8), 1)), 1))
    full = torch.stack([torch.stack([maps.tags_of(b, j) for j in range(17)]) for b in range(2)])
    torch.testing.assert_close(found, full.permute(0, 1, 3, 4, 2).reshape(-1, 4))


def test_half_precision_outputs_are_averaged_in_single():
    coarse, fine = (x.bfloat16() for x in outputs(2))
    maps = aggregate(coarse, fine, flipped=True, size=None)
    assert maps.heat.dtype == maps.tags.dtype == torch.float32
    torch.testing.assert_close(maps.heat, aggregate(coarse.float(), fine.float(), flipped=True, size=None).heat)


def test_scales_are_averaged_and_tags_come_from_one():
    a, b = (ScoreMaps(torch.full((1, 17, 4, 4), heat), torch.full((1, 17, 1, 2, 2), heat)) for heat in (1.0, 3.0))
    merged = merge_scales([a, b], tags_from=1)
    assert (merged.heat == 2).all()
    assert (merged.tags == 3).all()
    assert merge_scales([a], tags_from=0) is a
