"""Relations read off the boxes alone, for detectors that find objects but no predicates.

Every rule is a product of ramps over a pair of boxes, so its score moves without jumps between 0 and 1. The names are
Visual Genome's. What a box cannot show (looking at, using, made of ...) is never claimed.

Notation for an ordered pair, subject s and object o, in pixels with y down: box (x1, y1, x2, y2), width w, height h,
area a; ``foot`` = y2; ``u`` = (sqrt(a_s) + sqrt(a_o)) / 2, the pair's unit of length; ``inter`` = area of the overlap;
``across`` = ramp(length of the horizontal overlap / min(w_s, w_o)); ``gap_x``, ``gap_y`` = distance of the boxes along
an axis (0 where they overlap); ``gap`` = hypot of both; ``below`` = how far the foot of s stands outside the vertical
extent of o; ramp(v) = v clipped to 0..1.

===========  ====================  =====================================================================  ======
predicate    holds for             geometry g, 0..1                                                       weight
===========  ====================  =====================================================================  ======
riding       person, mount         across * ramp(2 - 4 |foot_s - (y1_o + y2_o) / 2| / max(h_s, h_o))       1.0
sitting on   person, seat          across * ramp(2 - 4 |foot_s - (y1_o + 2 y2_o) / 3| / h_s)               1.0
holding      person, small thing   ramp(1.5 inter / a_o) * ramp(2 - 4 a_o / a_s)                          1.0
carrying     person, bag           ramp(1.5 inter / a_o) * ramp(2 - 4 a_o / a_s)                          1.0
wearing      person, clothing      ramp(1.5 inter / a_o) * ramp(2 - 4 a_o / a_s)                          1.0
in           any, vehicle, vessel  ramp(5 inter / a_s - 4) * ramp(2 - 2 a_s / a_o)
                                   * ramp(5 (foot_o - foot_s) / h_o)                                      0.9
on           thing, support        across * ramp(1 - 2 below / h_s) * ramp(2 - 2 a_s / a_o)               0.9
in front of  any, any              ramp(2 inter / min(a_s, a_o)) * ramp(8 (foot_s - foot_o) / u)          0.6
behind       any, any              g of `in front of` with the roles exchanged                            0.6
above        any, any              across * [foot_s < y1_o] * ramp(1 - gap_y / u)                         0.5
under        any, any              g of `above` with the roles exchanged                                  0.5
near         any, any              ramp(1 - gap / u)                                                      0.4
===========  ====================  =====================================================================  ======

`in front of` takes the lower foot for the nearer one, as on a ground plane seen from above, which is how surveillance
and drone cameras look; `in` asks for a foot above the container's own, which a pedestrian before a car has not. `in`
never holds for a vehicle in a vehicle. The groups of classes are in :mod:`hawkeye_core.relation.groups`.

An unordered pair yields at most one relation: the rule with the largest weight * g, in either direction, among those
whose g is at least :data:`MIN_GEOMETRY`. Its score is weight * g * score_s * score_o. The rules that hold both ways
with exchanged roles (near; in front of and behind; above and under) are written from the side of the object that comes
first in the canonical order: persons before things, then by score, class and box. The input's order decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.relation.groups import (
    BAGS,
    CLOTHES,
    MOUNTS,
    PERSONS,
    SEATS,
    SMALL_THINGS,
    SUPPORTS,
    VEHICLES,
    VESSELS,
    member,
)
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_INDEX

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

MIN_GEOMETRY = 0.2
"""A rule's geometry counts from here on."""

WEIGHTS: dict[str, float] = {
    "riding": 1.0, "sitting on": 1.0, "holding": 1.0, "carrying": 1.0, "wearing": 1.0, "in": 0.9, "on": 0.9,
    "in front of": 0.6, "behind": 0.6, "above": 0.5, "under": 0.5, "near": 0.4,
}  # fmt: skip
"""Weight of each rule; the order breaks ties."""

CONVERSE: dict[str, str] = {"near": "near", "in front of": "behind", "behind": "in front of", "above": "under",
                            "under": "above"}  # fmt: skip
"""Rules that hold from both sides, with the name they have from the other one."""

_PREDICATES: I32 = np.array([PREDICATE_INDEX[name] for name in WEIGHTS], np.int32)
_BOTH_WAYS: NDArray[np.bool_] = np.array([name in CONVERSE for name in WEIGHTS])


@dataclass(frozen=True, slots=True)
class Relations:
    """R relations, best first."""

    subject: I32  # [R] index into the K boxes
    predicate: I32  # [R] index into PREDICATE_CLASSES
    object: I32  # [R] index into the K boxes
    score: NDArray[np.float32]  # [R] 0..1


def relations_of(
    box: NDArray[np.float32], object_class: I32, score: NDArray[np.float32], *, max_relations: int
) -> Relations:
    """Relations among K objects, by the table above.

    Args:
        box: [K, 4] x1, y1, x2, y2 px.
        object_class: [K] index into ``EXTENDED_OBJECT_CLASSES``.
        score: [K] in 0..1.
        max_relations: Relations kept, best first.
    """
    count = len(box)
    if count < 2:
        return _empty()
    rank = canonical_rank(box, object_class, score)
    geometry = rule_geometry(box, object_class)  # [rules, K, K]
    late = rank[:, None] >= rank[None]  # subject after the object in canonical order, or the diagonal
    allowed = np.where(_BOTH_WAYS[:, None, None], ~late, ~np.eye(count, dtype=bool))
    weighted = np.where(allowed & (geometry >= MIN_GEOMETRY), geometry, 0.0) * _weights()[:, None, None]
    weighted = weighted.round(9)  # so that rounding errors do not break ties, which small integer boxes often have
    best_rule = weighted.argmax(0)
    best = weighted.max(0)  # [K, K] ordered
    # Of the two directions of a pair the better stays; equal ones are decided by the canonical order.
    best = np.where((best > best.T) | ((best == best.T) & ~late), best, 0.0)
    final = best * np.outer(score.astype(np.float64), score.astype(np.float64))
    subject, target = np.nonzero(final > 0)
    values = final[subject, target]
    order = np.lexsort((rank[target], rank[subject], -values))[:max_relations]
    subject, target = subject[order], target[order]
    return Relations(
        subject=subject.astype(np.int32),
        predicate=_PREDICATES[best_rule[subject, target]],
        object=target.astype(np.int32),
        score=values[order].astype(np.float32),
    )


def canonical_rank(box: NDArray[np.float32], object_class: I32, score: NDArray[np.float32]) -> NDArray[np.int64]:
    """[K] place of each object in an order that depends on the objects only, not on how they are listed."""
    person = member(PERSONS)[object_class]
    keys = (box[:, 3], box[:, 2], box[:, 1], box[:, 0], object_class, -score.astype(np.float64), ~person)
    rank = np.empty(len(box), np.int64)
    rank[np.lexsort(keys)] = np.arange(len(box))
    return rank


def rule_geometry(box: NDArray[np.float32], object_class: I32) -> F64:
    """[rules, K, K] geometry g of every rule (in the order of ``WEIGHTS``) for subject row and object column."""
    x1, y1, x2, y2 = box.astype(np.float64).T
    width, height = np.maximum(x2 - x1, 1e-6), np.maximum(y2 - y1, 1e-6)
    area = width * height
    unit = (np.sqrt(area)[:, None] + np.sqrt(area)) / 2
    over_x = np.minimum(x2[:, None], x2) - np.maximum(x1[:, None], x1)  # negative: distance
    over_y = np.minimum(y2[:, None], y2) - np.maximum(y1[:, None], y1)
    gap_x, gap_y = np.maximum(-over_x, 0), np.maximum(-over_y, 0)
    inter = np.maximum(over_x, 0) * np.maximum(over_y, 0)
    across = _ramp(over_x / np.minimum(width[:, None], width))
    foot, tall = y2[:, None], height[:, None]  # of the subject

    inside = _ramp(1.5 * inter / area) * _ramp(2 - 4 * area / area[:, None])  # o within s, and small beside it
    smaller = _ramp(2 - 2 * area[:, None] / area)
    below = np.maximum(np.maximum(foot - y2, y1 - foot), 0)
    front = _ramp(2 * inter / np.minimum(area[:, None], area)) * _ramp(8 * (foot - y2) / unit)
    above = across * (y2[:, None] < y1) * _ramp(1 - gap_y / unit)
    values = {
        "riding": across * _ramp(2 - 4 * np.abs(foot - (y1 + y2) / 2) / np.maximum(tall, height)),
        "sitting on": across * _ramp(2 - 4 * np.abs(foot - (y1 + 2 * y2) / 3) / tall),
        "holding": inside,
        "carrying": inside,
        "wearing": inside,
        "in": _ramp(5 * inter / area[:, None] - 4) * smaller * _ramp(5 * (y2 - foot) / height),
        "on": across * _ramp(1 - 2 * below / tall) * smaller,
        "in front of": front,
        "behind": front.T,
        "above": above,
        "under": above.T,
        "near": _ramp(1 - np.hypot(gap_x, gap_y) / unit),
    }
    return np.stack([values[name] for name in WEIGHTS]) * _applies(object_class)


def _applies(object_class: I32) -> NDArray[np.bool_]:
    """[rules, K, K] whether the classes of subject and object allow the rule."""
    person, vehicle = (member(group)[object_class] for group in (PERSONS, VEHICLES))
    everything = np.ones(len(object_class), bool)
    pairs = {
        "riding": (person, member(MOUNTS)),
        "sitting on": (person, member(SEATS)),
        "holding": (person, member(SMALL_THINGS)),
        "carrying": (person, member(BAGS)),
        "wearing": (person, member(CLOTHES)),
        "in": (everything, member(VEHICLES | VESSELS)),
        "on": (~person, member(SUPPORTS)),
    }
    anything = np.ones(len(EXTENDED_OBJECT_CLASSES), bool)
    rules = [pairs.get(name, (everything, anything)) for name in WEIGHTS]
    applies = np.stack([subject[:, None] & table[object_class] for subject, table in rules])
    applies[list(WEIGHTS).index("in")] &= ~(vehicle[:, None] & vehicle)
    return applies


def _weights() -> F64:
    return np.array(list(WEIGHTS.values()))


def _ramp(value: F64) -> F64:
    return np.clip(value, 0.0, 1.0)


def _empty() -> Relations:
    none = np.zeros(0, np.int32)
    return Relations(subject=none, predicate=none, object=none, score=np.zeros(0, np.float32))
