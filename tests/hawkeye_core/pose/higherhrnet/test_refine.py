from __future__ import annotations

import numpy as np
import pytest
import torch

from hawkeye_core.pose import refine as module
from hawkeye_core.pose.aggregate import ScoreMaps
from hawkeye_core.pose.refine import adjust, refine


def scene(
    seed: int, *, people: int, components: int, flat: bool = False, size=(40, 48)
) -> tuple[torch.Tensor, ScoreMaps]:
    """People with about half of their joints, on maps of twice the tags' resolution."""
    draw = np.random.default_rng(seed)
    h, w = size
    heat = np.zeros((2, 17, h, w)) if flat else draw.random((2, 17, h, w)) ** 6 - 0.01
    tags = np.round(draw.normal(scale=3, size=(2, 17, components, h // 2, w // 2)), 2)
    joints = np.zeros((people, 17, 3 + components), np.float32)
    found = draw.random((people, 17)) < 0.5
    found[:, 0] = True
    x, y = draw.integers(0, w, (people, 17)), draw.integers(0, h, (people, 17))
    joints[..., 0], joints[..., 1], joints[..., 2] = x, y, draw.uniform(0.1, 1, (people, 17))
    joints[..., 3:] = draw.normal(scale=3, size=(people, 1, components)) + 0.1 * draw.normal(
        size=(people, 17, components)
    )
    joints[~found] = 0
    return torch.from_numpy(joints), ScoreMaps(torch.from_numpy(heat).float(), torch.from_numpy(tags).float())


def literal(people: torch.Tensor, maps: ScoreMaps, frame: int) -> np.ndarray:
    """Cell by cell, in row order."""
    result = people.numpy().copy()
    heat = maps.heat[frame].numpy()
    tags = np.stack([maps.tags_of(frame, j).numpy() for j in range(17)])
    height, width = heat.shape[1:]
    for person in result:
        found = person[:, 2] > 0
        mean = person[found, 3:].mean(axis=0)
        for j in np.flatnonzero(~found):
            best, cell = -np.inf, (0, 0)
            for y in range(height):
                for x in range(width):
                    value = heat[j, y, x] - np.round(np.sqrt(((tags[j, :, y, x] - mean) ** 2).sum()))
                    if value > best:
                        best, cell = value, (y, x)
            y, x = cell
            if heat[j, y, x] > 0:
                dx = 0.25 if heat[j, y, min(x + 1, width - 1)] > heat[j, y, max(x - 1, 0)] else -0.25
                dy = 0.25 if heat[j, min(y + 1, height - 1), x] > heat[j, max(y - 1, 0), x] else -0.25
                person[j, :3] = x + 0.5 + dx, y + 0.5 + dy, heat[j, y, x]
    return result


@pytest.mark.parametrize("components", [1, 2])
def test_refining_equals_the_literal_search(components):
    people, maps = scene(1, people=3, components=components)
    people = adjust(people, maps.heat[1])
    np.testing.assert_allclose(refine(people, maps, frame=1).numpy(), literal(people, maps, 1), atol=1e-6)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("size", [(2, 2), (8, 6), (130, 150)])
def test_searching_the_hottest_first_finds_what_trying_all_finds(flat, size):
    people, maps = scene(2, people=9, components=2, flat=flat, size=size)
    missing, mean = people[..., 2] == 0, people[:, 0, 3:]
    first = module._search_hottest_first(maps, 1, missing, mean)
    assert torch.equal(first, module._search_all(maps, 1, missing, mean))


def test_no_joint_is_missed_only_because_the_rest_was_cut_off(monkeypatch):
    people, maps = scene(3, people=9, components=2, size=(130, 150))
    missing, mean = people[..., 2] == 0, people[:, 0, 3:]
    asked = []
    search_all = module._search_all
    monkeypatch.setattr(module, "_search_all", lambda *a: (asked.append(a[2]), search_all(*a))[1])
    module._search_hottest_first(maps, 1, missing, mean)
    assert asked, "these maps must need the whole search for someone, or the test above proves little"
    assert 0 < asked[0].sum() < missing.sum(), "and the short search must suffice for someone else"


def test_work_in_pieces_equals_work_at_once(monkeypatch):
    people, maps = scene(4, people=7, components=2)
    at_once = refine(people, maps, frame=0)
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 1)
    torch.testing.assert_close(refine(people, maps, frame=0), at_once, rtol=0, atol=0)


def test_joints_stay_missing_where_there_is_no_heat():
    people, maps = scene(5, people=2, components=1, flat=True)
    torch.testing.assert_close(refine(people, maps, frame=0), people)


def test_equal_cells_fall_to_the_first_in_row_order():
    people, maps = scene(6, people=1, components=1, flat=True)
    maps.tags.zero_()
    people[..., 3:] = 0
    people[0, 5] = 0
    maps.heat[0, 5, 20, 30] = maps.heat[0, 5, 20, 8] = maps.heat[0, 5, 31, 2] = 0.5
    assert refine(people, maps, frame=0)[0, 5, :3].tolist() == [8 + 0.25, 20 + 0.25, 0.5]


def test_complete_people_and_nobody_are_returned_as_they_are():
    people, maps = scene(7, people=2, components=2)
    people[..., 2] = 0.5
    assert torch.equal(refine(people, maps, frame=0), people)
    assert refine(people[:0], maps, frame=0).shape == (0, 17, 5)


def test_adjusting_moves_found_joints_only():
    people, maps = scene(8, people=4, components=1)
    adjusted = adjust(people, maps.heat[0])
    found = people[..., 2] > 0
    step = (adjusted - people)[..., :2][found]
    assert set(step.flatten().tolist()) == {0.25, 0.75}
    assert torch.equal(adjusted[~found], people[~found])
    assert torch.equal(adjusted[..., 2:], people[..., 2:])
