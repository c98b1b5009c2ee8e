"""A reason from the scene graph, for segments of which nobody wrote one: "a man is near a door"."""

from __future__ import annotations

from collections import Counter

import numpy as np

from feature_store.store import FeatureStore
from feature_store.window import WindowColumns
from hawkeye_core.answers.segments import Segment
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES

PEOPLE = ("man", "person", "woman", "boy", "girl", "child", "kid", "guy", "lady", "people", "men")
"""Subjects that are preferred: what people do is more of a reason than where a tree stands."""
POSSESSIVE = ("has", "wears", "wearing", "of", "part of", "belonging to", "with", "made of", "says")
"""Predicates that say what something is like, not what goes on; they are taken if there is no other."""
FINITE = {"has": "have", "wears": "wear", "says": "say"}
"""Predicates that are verbs already, and their plurals; before the others stands "is" or "are"."""


class GraphReasons:
    """From the relations stored for a segment's frames.

    Args:
        store: With the family ``relations``; videos that it lacks get no reason.
        limit: Relations in a reason.
    """

    def __init__(self, store: FeatureStore, *, limit: int = 1) -> None:
        self.store, self.limit = store, limit
        self._held = set(store.videos(families=("relations",)))

    def __call__(self, video: str, segment: Segment) -> str:
        """The commonest relations in the frames of a segment, best kinds first; empty if there is none."""
        if video not in self._held:
            return ""
        fps, frames = self.store.source(video).fps, self.store.n_frames(video, families=("relations",))
        start = min(int(segment.start_s * fps), frames - 1)
        stop = min(max(start + 1, int(np.ceil(segment.end_s * fps))), frames)
        window = self.store.window_numpy(video, start, stop, families=("relations",))
        return " and ".join(common_relations(window)[: self.limit])


def common_relations(window: WindowColumns) -> list[str]:
    """Relations of a window as sentences, in how many frames they hold, those of people that do something first."""
    found = window.relations
    if found is None:
        raise ValueError("the window was read without relations")
    first = np.repeat(np.cumsum(found.n_objects) - found.n_objects, found.n_relations)
    frame = np.repeat(np.arange(len(found.n_relations)), found.n_relations)
    subject = found.object_class[first + found.subject]
    other = found.object_class[first + found.object]
    told = {*zip(frame.tolist(), subject.tolist(), found.predicate.tolist(), other.tolist(), strict=True)}
    counts = Counter((s, p, o) for _, s, p, o in told)
    ranked = sorted(counts.items(), key=lambda item: (*_kind(item[0]), -item[1], item[0]))
    return [_sentence(triplet) for triplet, _ in ranked]


def _kind(triplet: tuple[int, int, int]) -> tuple[bool, bool]:
    subject, predicate, _ = triplet
    return EXTENDED_OBJECT_CLASSES[subject] not in PEOPLE, PREDICATE_CLASSES[predicate] in POSSESSIVE


def _sentence(triplet: tuple[int, int, int]) -> str:
    subject, predicate, other = triplet
    verb = PREDICATE_CLASSES[predicate]
    if verb not in FINITE:
        verb = f"{'are' if _plural(subject) else 'is'} {verb}"
    elif _plural(subject):
        verb = FINITE[verb]
    return f"{_noun(subject)} {verb} {_noun(other)}"


def _plural(number: int) -> bool:
    name = EXTENDED_OBJECT_CLASSES[number]
    return name in ("people", "men") or (name.endswith("s") and name not in ("bus", "glass"))


def _noun(number: int) -> str:
    name = EXTENDED_OBJECT_CLASSES[number]
    return name if _plural(number) or name == "hair" else f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"
