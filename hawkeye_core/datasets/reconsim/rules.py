"""Relations of Visual Genome as facts of geometry and contact: one rule for every video, whatever happens in it.

Legend: T moments, P people, R props, E = P + R entities, K = predicates in the order of :data:`PREDICATES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
BOOL = NDArray[np.bool_]

PREDICATES: tuple[str, ...] = (
    "riding", "holding", "carrying", "sitting on", "standing on", "looking at", "against", "behind", "in front of",
    "hanging from", "on", "near",
)  # fmt: skip
"""Predicates in use, the clearest first: where a frame has more than :data:`MOST`, the last are left out."""
MOST = 8
"""Relations a frame."""

PEOPLE_APART_M = 1.6
"""Two people closer than this are related."""
GAP_M = 1.0
"""A person this close to a thing is near it."""
TOUCH_M = 0.34
"""Middle of a body to the surface of what it leans against."""
SIGHT_M = 4.5
"""How far someone looks at something."""
CONE = np.cos(np.radians(25))
"""Half width of the cone in which someone looks."""

FRONTED = frozenset({"window", "door", "shelf", "counter", "board", "cabinet", "car", "truck", "sign"})
"""Things with a front (their own +y) and a back."""
LEANED_ON = frozenset({"car", "truck", "window", "door", "shelf", "board", "cabinet", "pole", "tree", "fence"})
RIDDEN = frozenset({"bike", "motorcycle"})
CARRIED = frozenset({"box", "trunk", "plant", "chair", "laptop"})
SEATS = frozenset({"bench", "chair", "bed"})
STOOD_ON = frozenset({"bench", "box", "table", "truck", "car", "trunk", "chair", "counter"})
SMALL = frozenset({"bag", "bottle", "phone", "laptop", "box", "plant", "pot"})
"""Things that stand on others."""
SUPPORTS = frozenset({"bench", "table", "counter", "shelf", "chair", "cabinet"})


@dataclass(frozen=True, slots=True)
class Positions:
    """Where everybody and everything is; metres.

    Shapes:
        person_at, heading: [T, P, 2], heading of length 1. upright: [T, P], neck well above the pelvis.
        pelvis_z, feet_z: [T, P]. prop_at: [T, R, 3], yaw: [T, R], size: [R, 3], there: [T, R].
        holder: [T, R] number of the person who has the thing, or -1.
    """

    kinds: tuple[str, ...]
    """[R] of the props."""
    person_at: F64
    heading: F64
    upright: BOOL
    pelvis_z: F64
    feet_z: F64
    prop_at: F64
    yaw: F64
    size: F64
    there: BOOL
    holder: NDArray[np.int64]


def relations(where: Positions) -> BOOL:
    """[T, E, E, K]: which predicates hold between a subject and an object, at most :data:`MOST` a moment."""
    t, p = where.upright.shape
    e = p + len(where.kinds)
    held = np.zeros((t, e, e, len(PREDICATES)), bool)
    _people(where, held[:, :p, :p])
    if where.kinds:
        _person_prop(where, held[:, :p, p:])
        _prop_prop(where, held[:, p:, p:])
    _looking(where, held)
    ordered = held.transpose(0, 3, 1, 2)  # [T, K, E, E]
    flat = ordered.reshape(t, -1)
    flat &= np.cumsum(flat, axis=1) <= MOST
    return flat.reshape(ordered.shape).transpose(0, 2, 3, 1)


def _k(name: str) -> int:
    return PREDICATES.index(name)


def _of(kinds: Sequence[str], names: frozenset[str]) -> BOOL:
    return np.array([kind in names for kind in kinds], bool)


def _people(where: Positions, held: BOOL) -> None:
    """In front of and behind by the object's heading, near otherwise."""
    away = where.person_at[:, :, None] - where.person_at[:, None]  # [T, P subject, P object, 2]
    distance = np.linalg.norm(away, axis=-1)
    close = (distance < PEOPLE_APART_M) & ~np.eye(distance.shape[1], dtype=bool)
    ahead = np.einsum("tsod,tod->tso", away, where.heading) / np.maximum(distance, 1e-6)
    front = close & (ahead > np.cos(np.radians(50))) & where.upright[:, None]
    back = close & (ahead < np.cos(np.radians(130))) & where.upright[:, None]
    held[..., _k("in front of")] |= front
    held[..., _k("behind")] |= back
    held[..., _k("near")] |= close & ~front & ~back


def local(where: Positions) -> F64:
    """[T, P, R, 2]: people in the frames of the props."""
    away = where.person_at[:, :, None] - where.prop_at[:, None, :, :2]
    cos, sin = np.cos(where.yaw)[:, None], np.sin(where.yaw)[:, None]
    return np.stack([away[..., 0] * cos + away[..., 1] * sin, away[..., 1] * cos - away[..., 0] * sin], axis=-1)


def _person_prop(where: Positions, held: BOOL) -> None:
    x, y = np.moveaxis(local(where), -1, 0)  # [T, P, R]
    half = where.size[:, :2] / 2
    gap = np.hypot(np.maximum(np.abs(x) - half[:, 0], 0), np.maximum(np.abs(y) - half[:, 1], 0))
    there = where.there[:, None]
    mine = there & (where.holder[:, None] == np.arange(x.shape[1])[:, None])
    free = there & (where.holder[:, None] < 0)
    ridden, carried = _of(where.kinds, RIDDEN), _of(where.kinds, CARRIED)
    held[..., _k("riding")] |= mine & ridden
    held[..., _k("carrying")] |= mine & carried
    held[..., _k("holding")] |= mine & ~ridden & ~carried

    top = where.prop_at[..., 2][:, None] + where.size[:, 2]
    inside = free & (gap <= 0.12)
    low = where.pelvis_z[..., None] < np.maximum(top, 0.4) + 0.45
    sitting = inside & _of(where.kinds, SEATS) & low & where.upright[..., None] & (where.feet_z[..., None] < 0.25)
    standing = inside & _of(where.kinds, STOOD_ON) & (where.feet_z[..., None] > 0.3)
    held[..., _k("sitting on")] |= sitting
    held[..., _k("standing on")] |= standing

    level = free & (where.prop_at[..., 2][:, None] < 0.9)
    close = level & (gap < GAP_M) & ~sitting & ~standing
    fronted = _of(where.kinds, FRONTED)
    across = np.abs(x) < half[:, 0] + 0.3
    against = close & (gap < TOUCH_M) & _of(where.kinds, LEANED_ON)
    front = close & fronted & across & (y > half[:, 1]) & ~against
    back = close & fronted & across & (y < -half[:, 1]) & ~against
    held[..., _k("against")] |= against
    held[..., _k("in front of")] |= front
    held[..., _k("behind")] |= back
    held[..., _k("near")] |= close & ~against & ~front & ~back


def _prop_prop(where: Positions, held: BOOL) -> None:
    """Small things on large ones; bags that hang."""
    away = np.linalg.norm(where.prop_at[:, :, None, :2] - where.prop_at[:, None, :, :2], axis=-1)  # [T, R, R]
    free = where.there & (where.holder < 0)
    both = free[:, :, None] & free[:, None]
    bottom, top = where.prop_at[..., 2], where.prop_at[..., 2] + where.size[:, 2]
    small, support = _of(where.kinds, SMALL), _of(where.kinds, SUPPORTS)
    reach = where.size[:, :2].max(axis=1) / 2
    high = bottom > 0.25
    raised = both & high[:, :, None] & (bottom[:, :, None] < top[:, None] + 0.12)
    held[..., _k("on")] |= raised & small[:, None] & support & (away < reach)
    hung = both & high[:, :, None] & _of(where.kinds, frozenset({"bag"}))[:, None]
    held[..., _k("hanging from")] |= hung & _of(where.kinds, frozenset({"pole", "tree"})) & (away < 0.6)


def _looking(where: Positions, held: BOOL) -> None:
    """Someone upright looks at the one entity that is best in the way of the heading, near and straight ahead."""
    p = where.upright.shape[1]
    at = np.concatenate([where.person_at, where.prop_at[..., :2]], axis=1)  # [T, E, 2]
    away = at[:, None] - where.person_at[:, :, None]  # [T, P, E, 2]
    distance = np.linalg.norm(away, axis=-1)
    straight = np.einsum("tped,tpd->tpe", away, where.heading) / np.maximum(distance, 1e-6)
    seen = (straight > CONE) & (distance < SIGHT_M) & (distance > 0.2) & where.upright[..., None]
    seen[:, :, p:] &= (where.there & (where.holder < 0))[:, None]
    small = np.concatenate([np.zeros(p, bool), _of(where.kinds, frozenset({"bottle", "phone"}))])
    seen &= ~(small & (distance > 3.5))
    cost = np.where(seen, distance + 2.0 * np.arccos(np.clip(straight, -1, 1)), np.inf)
    if not cost.shape[2]:
        return
    best = cost.argmin(axis=2)  # [T, P]
    found = np.isfinite(cost.min(axis=2))
    moment, person = np.nonzero(found)
    held[moment, person, best[found], _k("looking at")] = True


def smooth(holds: BOOL, step_s: float, *, shortest_s: float = 0.3) -> list[tuple[int, int, int, float, float]]:
    """Facts at evenly spaced moments as spans: gaps and flickers shorter than ``shortest_s`` are closed and dropped.

    Args:
        holds: [T, E, E, K] as :func:`relations` gives it; moment i stands for [i, i + 1) steps.
        step_s: Seconds between moments.

    Returns:
        Subject, predicate number, object, start and end in seconds; ordered by start, then predicate.
    """
    least = max(1, round(shortest_s / step_s))
    spans: list[tuple[int, int, int, float, float]] = []
    for subject, other, predicate in np.argwhere(holds.any(axis=0)).tolist():
        runs: list[list[int]] = []
        edges = np.flatnonzero(np.diff(np.concatenate([[0], holds[:, subject, other, predicate].astype(int), [0]])))
        for start, end in edges.reshape(-1, 2).tolist():
            if runs and start - runs[-1][1] < least:
                runs[-1][1] = end
            else:
                runs.append([start, end])
        spans += [(subject, predicate, other, a * step_s, b * step_s) for a, b in runs if b - a >= least]
    return sorted(spans, key=lambda span: (span[3], span[1], span[0], span[2]))
