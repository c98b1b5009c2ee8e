"""Referring expressions: short phrases that mean one entity of a picture and no other (``man in red on left``).

A phrase is a chain of claims (what it is, what colour, what it holds, where). A claim is read generously for all others
and strictly for the one that is meant: a colour between red and pink may be called either, something half hidden still
counts. Only a phrase whose claims leave exactly the one that is meant is used.

Legend: E entities, people first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hawkeye_core.datasets.reconsim.formats.colours import colour_name, possible_names
from hawkeye_core.datasets.reconsim.formats.video import EntityLook
from hawkeye_core.datasets.reconsim.stage import F32

PERSON_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "man": ("man", "guy"), "woman": ("woman", "lady"), "child": ("kid", "child"),
})  # fmt: skip
"""Words for each kind of person; ``person`` is one for all."""
HELD_BY = ("holding", "carrying", "riding", "sitting on")
"""Predicates that expressions use: they show what a person is at, and hold of few at a time."""
APART = 0.08
"""Share of the picture's width or height by which the outermost must lead to be called so."""
LEVEL_VIEWS = frozenset({"oblique", "corner"})
"""Views in which what is lower in the picture is closer."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be said of a picture.

    Args:
        kinds: [E] object classes.
        n_people: The first so many entities are people.
        boxes: [E, 4] px; NaN where the entity is not in the picture. Whatever is in it counts, however hidden.
        looks: [E] colours, None where nothing may be said of them.
        relations: All that hold: subject, predicate, object.
        width: Of the picture, px.
        height: Of the picture, px.
        view: Of the camera.
    """

    kinds: tuple[str, ...]
    n_people: int
    boxes: F32
    looks: tuple[EntityLook | None, ...]
    relations: tuple[tuple[int, str, int], ...]
    width: int
    height: int
    view: str


def expressions(sight: Sight, target: int) -> list[str]:
    """Every phrase at hand that means ``target`` alone; shorter ones first."""
    there = frozenset(np.flatnonzero(np.isfinite(sight.boxes[:, 0])).tolist())
    found: list[str] = []
    for noun, meant in _nouns(sight, target):
        group = there & meant
        for phrase, allowed in [(noun, group), *_described(sight, target, noun, group)]:
            if allowed == {target}:
                found.append(phrase)
            found += [text for text, who in _placed(sight, phrase, noun, allowed) if who == target]
    return sorted(dict.fromkeys(found), key=lambda text: (text.count(" "), text))


def _nouns(sight: Sight, target: int) -> list[tuple[str, frozenset[int]]]:
    """Words for what it is, each with all that it can mean."""
    people = frozenset(range(sight.n_people))
    kind = sight.kinds[target]
    same = frozenset(i for i, other in enumerate(sight.kinds) if other == kind)
    if target not in people:
        return [(kind, same)]
    words = PERSON_WORDS.get(kind, (kind,))
    return [*((word, same & people) for word in words), ("person", people)]


def _described(sight: Sight, target: int, noun: str, group: frozenset[int]) -> list[tuple[str, frozenset[int]]]:
    """Phrases of noun and colour or deed, each with all of the group that it can mean."""
    found: list[tuple[str, frozenset[int]]] = []
    look = sight.looks[target]
    if look is not None:
        name = colour_name(look.colour)
        alike = frozenset(i for i in group if name in _names(sight.looks[i], trousers=False))
        if target >= sight.n_people:
            found.append((f"{name} {noun}", alike))
        else:
            found += [(f"{noun} in {name}", alike), (f"{noun} in {name} shirt", alike)]
            if noun == "person":
                found.append((f"{name} shirt", alike))
        if look.trousers is not None:
            below = colour_name(look.trousers)
            alike = frozenset(i for i in group if below in _names(sight.looks[i], trousers=True))
            found.append((f"{noun} in {below} pants", alike))
    for _, predicate, thing in (row for row in sight.relations if row[0] == target and row[1] in HELD_BY):
        kind = sight.kinds[thing]
        same = frozenset(s for s, _, o in sight.relations if o >= sight.n_people and sight.kinds[o] == kind)
        found.append((f"{noun} {predicate} {kind}", group & (same | {target})))
    return found


def _names(look: EntityLook | None, *, trousers: bool) -> frozenset[str]:
    if look is None or (trousers and look.trousers is None):
        return frozenset()
    # What is dressed in one colour from top to toe, or nearly, is called after either half.
    return possible_names(look.trousers if trousers and look.trousers is not None else look.colour)


def _placed(sight: Sight, phrase: str, noun: str, allowed: frozenset[int]) -> list[tuple[str, int]]:
    """Phrases with a place, each with the one it means among ``allowed``."""
    if len(allowed) < 2:
        return []
    order = sorted(allowed, key=lambda i: float(sight.boxes[i, [0, 2]].sum()))
    middle = [float(sight.boxes[i, [0, 2]].mean()) / sight.width for i in order]
    gaps = np.diff(middle)
    found: list[tuple[str, int]] = []
    if gaps[0] >= APART and middle[0] < 0.5:
        found += [(f"{phrase} on left", order[0]), (f"{phrase} on the left", order[0])]
        found += [(f"left {noun}", order[0])] if phrase == noun else []
    if gaps[-1] >= APART and middle[-1] > 0.5:
        found += [(f"{phrase} on right", order[-1]), (f"{phrase} on the right", order[-1])]
        found += [(f"right {noun}", order[-1])] if phrase == noun else []
    if len(order) == 3 and gaps.min() >= APART:
        found += [(f"{phrase} in middle", order[1])]
    if len(order) > 3 and gaps[:2].min() >= APART and phrase == noun:
        found += [(f"second {noun} from left", order[1])]
    if sight.view in LEVEL_VIEWS:
        feet: Sequence[int] = sorted(allowed, key=lambda i: -float(sight.boxes[i, 3]))
        if (sight.boxes[feet[0], 3] - sight.boxes[feet[1], 3]) / sight.height >= APART:
            found.append((f"{phrase} in front", feet[0]))
    return found
