"""Reasons from stored scene graphs."""

from __future__ import annotations

import numpy as np
import pytest

from feature_store.columns import FrameColumns, RelationColumns
from feature_store.window import WindowColumns
from hawkeye_core.datasets.instructions.reasons import common_relations
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX


def window(frames: list[list[tuple[str, str, str]]]) -> WindowColumns:
    """Graphs of frames; every relation has objects of its own."""
    classes, subject, predicate, other, n_objects, n_relations = [], [], [], [], [], []
    for triplets in frames:
        n_objects.append(2 * len(triplets))
        n_relations.append(len(triplets))
        for number, (s, p, o) in enumerate(triplets):
            classes += [OBJECT_INDEX[s], OBJECT_INDEX[o]]
            subject.append(2 * number)
            predicate.append(PREDICATE_INDEX[p])
            other.append(2 * number + 1)
    count, total = len(frames), len(classes)
    numbers = np.arange(count, dtype=np.int32)
    clock = numbers / 8.0
    size = np.full(count, 100, np.int32)
    return WindowColumns(
        "v", 0, count, FrameColumns(numbers, clock, clock, size, size), None,
        RelationColumns(
            np.array(n_objects, np.int32), np.array(classes, np.int32), np.ones(total, np.float32),
            np.zeros((total, 4), np.float32), np.array(n_relations, np.int32), np.array(subject, np.int32),
            np.array(predicate, np.int32), np.array(other, np.int32), np.ones(len(subject), np.float32),
        ),
        None,
    )  # fmt: skip


def test_the_commonest_deed_of_a_person_comes_first() -> None:
    tree, bag = ("tree", "near", "building"), ("man", "wearing", "hat")
    door = ("man", "near", "door")
    told = common_relations(window([[tree, bag], [tree, bag, door], [tree, door], [tree, bag]]))
    assert told == ["a man is near a door", "a man is wearing a hat", "a tree is near a building"]


def test_a_relation_counts_once_a_frame() -> None:
    near, on = ("man", "near", "car"), ("man", "on", "bike")
    assert common_relations(window([[near, near, near], [on], [on]]))[0] == "a man is on a bike"


@pytest.mark.parametrize(
    ("triplet", "sentence"),
    [
        (("people", "near", "car"), "people are near a car"),
        (("man", "has", "umbrella"), "a man has an umbrella"),
        (("men", "wearing", "glove"), "men are wearing a glove"),
    ],
)
def test_grammar(triplet: tuple[str, str, str], sentence: str) -> None:
    assert common_relations(window([[triplet]])) == [sentence]


def test_no_relations_give_no_reason() -> None:
    assert common_relations(window([[], []])) == []
