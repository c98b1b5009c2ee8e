"""Which relations held in a stretch of a video, from the scene graphs in the store.

A triplet is told by its words: that two men hold a phone in turn is one triplet, "man holding phone". In a frame in
which it is found several times its surest finding counts.

Legend: T frames, R relations over all of them, U different triplets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feature_store.window import WindowColumns
from hawkeye_core.ground.records import HeldTriplet
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES

TRIPLETS = 5
"""Triplets that are told of."""

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_OBJECTS, _PREDICATES = len(EXTENDED_OBJECT_CLASSES), len(PREDICATE_CLASSES)


class TripletTally:
    """Collects the triplets of a stretch, chunk after chunk: one row a triplet and frame.

    Args:
        start: First frame of the stretch.
        stop: The frame after its last.
        fps: Frames a second.
    """

    def __init__(self, start: int, stop: int, *, fps: float) -> None:
        self.start, self.stop, self.fps = start, stop, fps
        self.objects = 0
        """Objects over all frames."""
        self._keys: list[I64] = []
        self._frames: list[I64] = []
        self._scores: list[F64] = []

    def add(self, window: WindowColumns) -> None:
        """Take up frames; none may come twice.

        Raises:
            ValueError: The window has no relations.
        """
        found = window.relations
        if found is None:
            raise ValueError("the window has no relations")
        self.objects += len(found.object_class)
        counts = found.n_objects.astype(np.int64)
        frame = np.repeat(np.arange(len(counts)), found.n_relations)  # [R]
        first = (np.cumsum(counts) - counts)[frame]  # [R] row of the frame's first object
        subject, thing = found.object_class[first + found.subject], found.object_class[first + found.object]
        good = _within(subject, _OBJECTS) & _within(thing, _OBJECTS) & _within(found.predicate, _PREDICATES)
        key = (subject.astype(np.int64) * _PREDICATES + found.predicate) * _OBJECTS + thing
        # By triplet, then frame, then score: the last of each group is its surest.
        order = np.lexsort((found.relation_score, frame, key))
        order = order[good[order]]
        last = np.flatnonzero(_ends(key[order], frame[order]))
        self._keys.append(key[order][last])
        self._frames.append(window.start + frame[order][last])
        self._scores.append(found.relation_score[order][last].astype(np.float64))

    def held(self) -> tuple[tuple[HeldTriplet, ...], F64]:
        """At most :data:`TRIPLETS`, those of the highest share times score first; and [T] the sum of their scores."""
        support = np.zeros(self.stop - self.start)
        if not self._keys:
            return (), support
        key, frame, score = (np.concatenate(parts) for parts in (self._keys, self._frames, self._scores))
        names, place = np.unique(key, return_inverse=True)  # [U], [rows]
        count = np.bincount(place, minlength=len(names))
        total = np.bincount(place, weights=score, minlength=len(names))
        share = count / (self.stop - self.start)
        chosen = np.lexsort((names, -total))[:TRIPLETS]  # share x mean score is the sum over the number of frames
        found = []
        for u in chosen.tolist():
            rows = place == u
            np.add.at(support, frame[rows] - self.start, score[rows])
            found.append(HeldTriplet(
                *_words(int(names[u])), score=float(total[u] / count[u]), share=float(share[u]),
                start_s=float(frame[rows].min() / self.fps), end_s=float((frame[rows].max() + 1) / self.fps),
            ))  # fmt: skip
        return tuple(found), support


def _within(index: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    return (index >= 0) & (index < count)


def _ends(key: I64, frame: I64) -> NDArray[np.bool_]:
    """Where a run of equal pairs ends."""
    if not len(key):
        return np.zeros(0, np.bool_)
    return np.concatenate([(key[1:] != key[:-1]) | (frame[1:] != frame[:-1]), [True]])


def _words(key: int) -> tuple[str, str, str]:
    rest, thing = divmod(key, _OBJECTS)
    subject, predicate = divmod(rest, _PREDICATES)
    return EXTENDED_OBJECT_CLASSES[subject], PREDICATE_CLASSES[predicate], EXTENDED_OBJECT_CLASSES[thing]
