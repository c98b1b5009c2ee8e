from typing import Any

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.rules import MOST, PREDICATES, Positions, relations, smooth


def positions(
    people: list[tuple[float, float, float]], props: list[tuple[str, Any, float]], **changed: Any
) -> Positions:
    """People as x, y, heading in degrees (0 north, counter-clockwise); props as kind, place, yaw in degrees."""
    p, r = len(people), len(props)
    angle = np.radians([person[2] for person in people])
    fields: dict[str, Any] = {
        "kinds": tuple(kind for kind, _, _ in props),
        "person_at": np.array([person[:2] for person in people], float).reshape(1, p, 2),
        "heading": np.stack([-np.sin(angle), np.cos(angle)], -1)[None],
        "upright": np.ones((1, p), bool),
        "pelvis_z": np.full((1, p), 0.95),
        "feet_z": np.full((1, p), 0.05),
        "prop_at": np.array([at for _, at, _ in props], float).reshape(1, r, 3),
        "yaw": np.radians([[yaw for _, _, yaw in props]]),
        "size": np.tile([1.0, 0.5, 1.0], (r, 1)),
        "there": np.ones((1, r), bool),
        "holder": np.full((1, r), -1),
    }
    return Positions(**{**fields, **changed})


def told(where: Positions) -> set[tuple[int, str, int]]:
    return {(s, PREDICATES[k], o) for s, o, k in np.argwhere(relations(where)[0]).tolist()}


def test_two_people_face_to_face() -> None:
    assert told(positions([(0, 0, 0), (0, 1, 180)], [])) == {
        (0, "in front of", 1), (1, "in front of", 0), (0, "looking at", 1), (1, "looking at", 0),
    }  # fmt: skip


def test_one_behind_the_other_beside_and_far_away() -> None:
    assert told(positions([(0, 0, 0), (0, 1, 0)], [])) == {
        (0, "behind", 1), (1, "in front of", 0), (0, "looking at", 1),
    }  # fmt: skip
    assert told(positions([(0, 0, 0), (1, 0, 0)], [])) == {(0, "near", 1), (1, "near", 0)}
    assert told(positions([(0, 0, 90), (9, 0, 90)], [])) == set()


@pytest.mark.parametrize("turn", [0, 35, 90, 200])
def test_sides_of_a_thing_with_a_front_do_not_depend_on_where_north_is(turn: float) -> None:
    a = np.radians(turn)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * np.cos(a) - y * np.sin(a), x * np.sin(a) + y * np.cos(a)

    counter = ("counter", (0, 0, 0), turn)
    assert told(positions([(*at(0, 1), turn)], [counter])) == {(0, "in front of", 1)}
    assert told(positions([(*at(0, -1), turn + 180)], [counter])) == {(0, "behind", 1)}
    assert told(positions([(*at(1.2, 0), turn + 180)], [counter])) == {(0, "near", 1)}
    assert told(positions([(*at(0, 1), turn + 180)], [counter])) == {(0, "in front of", 1), (0, "looking at", 1)}


def test_what_is_held_is_held_and_not_near_or_looked_at() -> None:
    bag, box = ("bag", (0, 0.4, 0.5), 0.0), ("box", (0, 0.4, 0.5), 0.0)
    assert told(positions([(0, 0, 0)], [bag], holder=np.array([[0]]))) == {(0, "holding", 1)}
    assert told(positions([(0, 0, 0)], [box], holder=np.array([[0]]))) == {(0, "carrying", 1)}
    assert told(positions([(0, 0, 0)], [bag], there=np.array([[False]]))) == set()


def test_sitting_standing_on_and_leaning() -> None:
    bench = ("bench", (0, 0, 0), 0.0)
    size = np.array([[1.6, 0.5, 0.46]])
    assert told(positions([(0, 0, 0)], [bench], size=size, pelvis_z=np.array([[0.55]]))) == {(0, "sitting on", 1)}
    assert told(positions([(0, 0, 0)], [bench], size=size, feet_z=np.array([[0.46]]))) == {(0, "standing on", 1)}
    assert told(positions([(0, 0.5, 0)], [("car", (0, 0, 0), 0.0)])) == {(0, "against", 1)}


def test_things_on_things() -> None:
    table, bottle = ("table", (0, 0, 0), 0.0), ("bottle", (0.1, 0, 1.0), 0.0)
    size = np.array([[1.0, 0.7, 1.0], [0.1, 0.1, 0.3]])
    assert told(positions([(8, 8, 0)], [table, bottle], size=size)) == {(2, "on", 1)}
    pole, bag = ("pole", (0, 0, 0), 0.0), ("bag", (0.2, 0, 1.0), 0.0)
    assert told(positions([(8, 8, 0)], [pole, bag], size=np.array([[0.1, 0.1, 2.5], [0.3, 0.2, 0.3]]))) == {
        (2, "hanging from", 1)
    }


def test_no_more_than_the_most_and_the_clearest_first() -> None:
    people = [(0.3 * i, 0.25 * (i % 2), 20.0 * i) for i in range(6)]
    found = relations(positions(people, [("bag", (0, 0.4, 0.5), 0.0)], holder=np.array([[3]])))
    assert found.sum() == MOST
    assert found[0, 3, 6, PREDICATES.index("holding")]


def test_spans_close_gaps_and_drop_flickers() -> None:
    holds = np.zeros((20, 2, 2, len(PREDICATES)), bool)
    near, front = PREDICATES.index("near"), PREDICATES.index("in front of")
    holds[2:8, 0, 1, near] = True
    holds[9:12, 0, 1, near] = True  # a gap of one moment
    holds[5, 1, 0, front] = True  # a flicker
    holds[14:18, 1, 0, front] = True
    assert smooth(holds, 0.125, shortest_s=0.3) == [(0, near, 1, 0.25, 1.5), (1, front, 0, 1.75, 2.25)]
