"""Geometric predicates against a loop written from the docstring's table, and in scenes one can picture."""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np
import pytest

from hawkeye_core.relation import groups
from hawkeye_core.relation.geometric import CONVERSE, MIN_GEOMETRY, WEIGHTS, Relations, relations_of, rule_geometry
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, OBJECT_INDEX, PREDICATE_CLASSES

Box = tuple[float, float, float, float]


def ramp(value: float) -> float:
    return min(1.0, max(0.0, value))


def literal_geometry(name: str, s: Box, o: Box, s_name: str, o_name: str) -> float:
    """One rule for one ordered pair, as the table states it."""
    if name in ("behind", "under"):
        return literal_geometry(CONVERSE[name], o, s, o_name, s_name)
    (sx1, sy1, sx2, sy2), (ox1, oy1, ox2, oy2) = s, o
    ws, hs, wo, ho = sx2 - sx1, sy2 - sy1, ox2 - ox1, oy2 - oy1
    a_s, a_o = ws * hs, wo * ho
    u = (sqrt(a_s) + sqrt(a_o)) / 2
    dx, dy = min(sx2, ox2) - max(sx1, ox1), min(sy2, oy2) - max(sy1, oy1)
    inter = max(dx, 0) * max(dy, 0)
    across = ramp(dx / min(ws, wo))
    person, vehicle = s_name in groups.PERSONS, s_name in groups.VEHICLES
    held = {"holding": groups.SMALL_THINGS, "carrying": groups.BAGS, "wearing": groups.CLOTHES}
    if name in held:
        return (person and o_name in held[name]) * ramp(1.5 * inter / a_o) * ramp(2 - 4 * a_o / a_s)
    if name == "riding":
        off = abs(sy2 - (oy1 + oy2) / 2) / max(hs, ho)
        return (person and o_name in groups.MOUNTS) * across * ramp(2 - 4 * off)
    if name == "sitting on":
        off = abs(sy2 - (oy1 + 2 * oy2) / 3) / hs
        return (person and o_name in groups.SEATS) * across * ramp(2 - 4 * off)
    if name == "in":
        fits = o_name in groups.VEHICLES | groups.VESSELS and not (vehicle and o_name in groups.VEHICLES)
        return fits * ramp(5 * inter / a_s - 4) * ramp(2 - 2 * a_s / a_o) * ramp(5 * (oy2 - sy2) / ho)
    if name == "on":
        below = max(0.0, sy2 - oy2, oy1 - sy2)
        fits = not person and o_name in groups.SUPPORTS
        return fits * across * ramp(1 - 2 * below / hs) * ramp(2 - 2 * a_s / a_o)
    if name == "in front of":
        return ramp(2 * inter / min(a_s, a_o)) * ramp(8 * (sy2 - oy2) / u)
    if name == "above":
        return across * (sy2 < oy1) * ramp(1 - max(-dy, 0) / u)
    assert name == "near"
    return ramp(1 - hypot(max(-dx, 0), max(-dy, 0)) / u)


def literal_relations(boxes: list[Box], names: list[str], scores: list[float]) -> list[tuple[int, str, int, float]]:
    order = sorted(
        range(len(boxes)),
        key=lambda i: (names[i] not in groups.PERSONS, -scores[i], OBJECT_INDEX[names[i]], *boxes[i]),
    )
    found = []
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            best = (0.0, 0, "", 0, 0)
            for s, o in ((first, second), (second, first)):
                for name, weight in WEIGHTS.items():
                    if name in CONVERSE and s != first:
                        continue
                    g = literal_geometry(name, boxes[s], boxes[o], names[s], names[o])
                    if g >= MIN_GEOMETRY and weight * g > best[0] + 1e-9:
                        best = (weight * g, 0, name, s, o)
            if best[0]:
                value, _, name, s, o = best
                found.append((s, name, o, value * scores[s] * scores[o]))
    return sorted(found, key=lambda r: (-r[3], order.index(r[0]), order.index(r[2])))


def random_scene(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    names = ["person", "man", "bicycle", "bench", "car", "bottle", "handbag", "tie", "dining table", "bowl", "truck"]
    corner = rng.integers(0, 60, (count, 2))
    size = rng.integers(1, 70, (count, 2))
    classes = rng.choice([OBJECT_INDEX[name] for name in names], count).astype(np.int32)
    return np.c_[corner, corner + size].astype(np.float32), classes, rng.random(count).astype(np.float32)


def unpack(found: Relations) -> list[tuple[int, str, int, float]]:
    predicates = [PREDICATE_CLASSES[p] for p in found.predicate]
    return list(zip(found.subject.tolist(), predicates, found.object.tolist(), found.score.tolist(), strict=True))


def scene(*objects: tuple[str, Box], keep: int = 100) -> list[tuple[str, str, str]]:
    names = [name for name, _ in objects]
    found = relations_of(
        np.array([box for _, box in objects], np.float32).reshape(-1, 4),
        np.array([OBJECT_INDEX[name] for name in names], np.int32),
        np.full(len(names), 0.9, np.float32),
        max_relations=keep,
    )
    return [(names[s], p, names[o]) for s, p, o, _ in unpack(found)]


@pytest.mark.parametrize("seed", range(4))
def test_every_rule_equals_the_literal_formula(seed: int) -> None:
    boxes, classes, _ = random_scene(seed, 14)
    ours = rule_geometry(boxes, classes)
    names = [EXTENDED_OBJECT_CLASSES[c] for c in classes]
    rows = [tuple(map(float, box)) for box in boxes]
    for i, rule in enumerate(WEIGHTS):
        literal = [[literal_geometry(rule, s, o, sn, on) for o, on in zip(rows, names, strict=True)]
                   for s, sn in zip(rows, names, strict=True)]  # fmt: skip
        np.testing.assert_allclose(ours[i], literal, atol=1e-9, err_msg=rule)
    assert ((ours >= 0) & (ours <= 1)).all()


@pytest.mark.parametrize("seed", range(6))
def test_choice_and_order_equal_the_literal_loop(seed: int) -> None:
    boxes, classes, scores = random_scene(100 + seed, 12)
    ours = unpack(relations_of(boxes, classes, scores, max_relations=1000))
    rows = [tuple(map(float, box)) for box in boxes]
    literal = literal_relations(rows, [EXTENDED_OBJECT_CLASSES[c] for c in classes], scores.tolist())
    assert [r[:3] for r in ours] == [r[:3] for r in literal]
    np.testing.assert_allclose([r[3] for r in ours], [r[3] for r in literal], rtol=1e-5)
    assert len(ours) > 10


def test_random_scenes_reach_every_rule() -> None:
    seen = {p for seed in range(60) for _, p, _, _ in unpack(relations_of(*random_scene(seed, 14), max_relations=200))}
    assert seen == set(WEIGHTS)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_the_objects_does_not_matter(seed: int) -> None:
    boxes, classes, scores = random_scene(seed, 10)
    order = np.random.default_rng(seed).permutation(10)
    plain = unpack(relations_of(boxes, classes, scores, max_relations=15))
    shuffled = unpack(relations_of(boxes[order], classes[order], scores[order], max_relations=15))
    assert [(order[s], p, order[o], v) for s, p, o, v in shuffled] == plain


def test_best_relations_are_kept_and_a_pair_has_one() -> None:
    found = unpack(relations_of(*random_scene(3, 12), max_relations=1000))
    assert unpack(relations_of(*random_scene(3, 12), max_relations=5)) == found[:5]
    assert [r[3] for r in found] == sorted((r[3] for r in found), reverse=True)
    pairs = [frozenset((s, o)) for s, _, o, _ in found]
    assert len(pairs) == len(set(pairs))
    assert all(len(pair) == 2 for pair in pairs)


MAN: Box = (100, 100, 160, 280)

SCENES = {
    "riding": ([("person", (100, 60, 150, 200)), ("bicycle", (80, 130, 180, 225))], ("person", "riding", "bicycle")),
    "skateboard": ([("person", MAN), ("skateboard", (95, 270, 165, 292))], ("person", "riding", "skateboard")),
    "sitting": ([("person", (100, 100, 160, 220)), ("chair", (90, 140, 170, 250))], ("person", "sitting on", "chair")),
    "holding": ([("bottle", (150, 160, 165, 200)), ("person", MAN)], ("person", "holding", "bottle")),
    "carrying": ([("handbag", (145, 180, 175, 215)), ("person", MAN)], ("person", "carrying", "handbag")),
    "wearing": ([("tie", (125, 130, 135, 165)), ("man", MAN)], ("man", "wearing", "tie")),
    "driver": ([("person", (120, 110, 150, 150)), ("car", (60, 90, 300, 220))], ("person", "in", "car")),
    "pedestrian": ([("person", (120, 110, 170, 240)), ("car", (60, 90, 300, 220))], ("person", "in front of", "car")),
    "hidden": ([("person", (120, 60, 170, 160)), ("car", (60, 90, 300, 220))], ("person", "behind", "car")),
    "cup": ([("dining table", (50, 150, 300, 250)), ("cup", (120, 130, 140, 165))], ("cup", "on", "dining table")),
    "above": ([("kite", (120, 20, 170, 60)), ("dog", (110, 80, 180, 120))], ("dog", "under", "kite")),
    "near": ([("dog", (300, 240, 360, 290)), ("person", (210, 100, 270, 280))], ("person", "near", "dog")),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_scenes(name: str) -> None:
    objects, expected = SCENES[name]
    assert scene(*objects) == [expected]


def test_things_far_apart_have_no_relation() -> None:
    assert scene(("person", (0, 0, 20, 50)), ("dog", (300, 200, 330, 220))) == []


@pytest.mark.parametrize("objects", [[], [("person", MAN)]])
def test_too_few_objects(objects: list[tuple[str, Box]]) -> None:
    assert scene(*objects) == []


def test_boxes_without_extent_do_not_break_it() -> None:
    found = scene(("person", (10, 10, 10, 10)), ("dog", (10, 10, 10, 10)), ("car", (0, 0, 100, 100)))
    assert {p for _, p, _ in found} <= set(WEIGHTS)
