from __future__ import annotations

import numpy as np
import pytest

from hawkeye_core.pose.grouping import group
from hawkeye_core.pose.heatmap import Candidates
from hawkeye_core.pose.munkres import assign


def literal(candidates: list[Candidates], *, max_people: int, tag_threshold: float) -> np.ndarray:
    """The rules one by one, with people in a dictionary by the first tag component."""
    components = candidates[0].tag.shape[1]
    joints: dict[float, np.ndarray] = {}
    tags: dict[float, list[np.ndarray]] = {}

    def open_person(j: int, c: Candidates, i: int) -> None:
        key = float(c.tag[i, 0])
        joints.setdefault(key, np.zeros((17, 3 + components), np.float32))[j] = [*c.xy[i], c.score[i], *c.tag[i]]
        tags[key] = [c.tag[i]]

    for j in [0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16]:
        c = candidates[j]
        if len(c.score) == 0:
            continue
        if not joints:
            for i in range(len(c.score)):
                open_person(j, c, i)
            continue
        known = list(joints)[:max_people]
        means = [np.mean(tags[key], axis=0) for key in known]
        distance = np.array([[np.sqrt(((t.astype(float) - m) ** 2).sum()) for m in means] for t in c.tag])
        cost = np.array([[100 * round(d) - float(s) for d in row] for row, s in zip(distance, c.score, strict=True)])
        cost = np.pad(cost, ((0, 0), (0, max(0, len(c.score) - len(known)))), constant_values=1e10)
        for i, k in assign(cost):
            if k < len(known) and distance[i, k] < tag_threshold:
                joints[known[k]][j] = [*c.xy[i], c.score[i], *c.tag[i]]
                tags[known[k]].append(c.tag[i])
            else:
                open_person(j, c, i)
    return np.array(list(joints.values())).reshape(-1, 17, 3 + components)


def scene(seed: int, *, people: int, components: int, spread: float, repeat_tags: bool = False) -> list[Candidates]:
    """People with tags about their own value, some joints missing, some candidates of nobody."""
    draw = np.random.default_rng(seed)
    own = draw.uniform(-8, 8, (people, components))
    found = []
    for _ in range(17):
        who = np.flatnonzero(draw.random(people) > 0.25)
        tag = np.concatenate((own[who] + spread * draw.normal(size=(len(who), components)),
                              draw.uniform(-8, 8, (draw.integers(0, 3), components))))  # fmt: skip
        tag = np.round(tag) if repeat_tags else tag
        score = np.sort(draw.uniform(0.1, 1, len(tag)))[::-1]
        found.append(Candidates(draw.integers(0, 200, (len(tag), 2)), score.astype(np.float32), tag.astype(np.float32)))
    return found


@pytest.mark.parametrize("people", [0, 1, 3, 9])
@pytest.mark.parametrize("components", [1, 2])
@pytest.mark.parametrize("repeat_tags", [False, True])
def test_grouping_equals_the_literal_rules(people, components, repeat_tags):
    for seed in range(8):
        candidates = scene(seed, people=people, components=components, spread=0.4, repeat_tags=repeat_tags)
        for limit in (2, 30):
            got = group(candidates, max_people=limit, tag_threshold=1.0)
            np.testing.assert_array_equal(got, literal(candidates, max_people=limit, tag_threshold=1.0))


def test_well_separated_people_come_back_whole():
    draw = np.random.default_rng(0)
    own = np.array([[0.0], [4.0], [8.0]], np.float32)
    candidates = []
    for joint in range(17):
        order = draw.permutation(3)
        xy = np.stack((10 * order, np.full(3, joint)), axis=1)
        candidates.append(Candidates(xy, np.array([0.9, 0.8, 0.7], np.float32), own[order]))
    people = group(candidates, max_people=30, tag_threshold=1.0)
    assert people.shape == (3, 17, 4)
    for person in people:
        assert len(set(person[:, 0])) == len(set(person[:, 3])) == 1
        assert person[:, 1].tolist() == list(range(17))


def test_nobody_there():
    nothing = Candidates(np.zeros((0, 2), np.int64), np.zeros(0, np.float32), np.zeros((0, 2), np.float32))
    assert group([nothing] * 17, max_people=30, tag_threshold=1.0).shape == (0, 17, 5)


def test_the_tag_threshold_itself_is_too_far():
    def one(tag: float) -> Candidates:
        return Candidates(np.array([[1, 2]]), np.array([0.5], np.float32), np.array([[tag]], np.float32))

    nothing = Candidates(np.zeros((0, 2), np.int64), np.zeros(0, np.float32), np.zeros((0, 1), np.float32))
    for distance, people in ((0.999, 1), (1.0, 2)):
        candidates = [one(0.0), one(distance), *[nothing] * 15]
        assert len(group(candidates, max_people=30, tag_threshold=1.0)) == people
