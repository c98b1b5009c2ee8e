"""What acts do to things: they change hands, break, are dragged, smoke, drive up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hawkeye_core.datasets.reconsim.layout import Setting
from hawkeye_core.datasets.reconsim.scenarios import Scenario, Variant
from hawkeye_core.datasets.reconsim.script import PersonScript, Phase
from hawkeye_core.datasets.reconsim.track import Point

BROKEN = frozenset({"smash", "kick"})
"""Actions that break what they are done to."""
_FLASH_S, _SMOKE_S = 0.5, 2.5


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the main person."""

    variant: Variant
    action: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class EffectSpan:
    """An effect from a moment on, for some seconds."""

    kind: str
    at: tuple[float, float, float]
    size_m: float
    start_s: float
    end_s: float
    seed: int


def effects_of(setting: Setting, row: Scenario, act: Act, rng: np.random.Generator) -> list[EffectSpan]:
    """What is seen during and after an act, alike in all its variants."""
    if not row.effect:
        return []
    seed, start = int(rng.integers(2**31)), act.start_s + float(rng.uniform(0.2, 0.7))
    spot = setting.decoy if act.variant == "decoy" and row.action == "light" else setting.target
    x, y = spot.middle
    if row.action == "aim":
        body = setting.people[setting.actor].track.body(np.array([start]))[0]
        x, y, z = body[21].tolist()
        return [EffectSpan("flash", (x, y, z), 0.3, start, start + 0.25, seed)]
    if row.effect == "flash":
        size, z = float(rng.uniform(1.2, 2.0)), spot.height_m
        return [
            EffectSpan("flash", (x, y, z), size * 1.3, start, start + _FLASH_S, seed),
            EffectSpan("fire", (x, y, 0.9 * z), size, start + 0.2, act.end_s + 1.0, seed),
            EffectSpan("smoke", (x, y, 1.2 * z), size * 1.2, start + 0.3, act.end_s + _SMOKE_S, seed),
        ]
    if rng.random() < 0.5:
        return []
    z = 0.8 * spot.height_m
    return [EffectSpan(row.effect, (x, y, z), 0.8, start, act.end_s + _SMOKE_S, seed)]


def hand_on(setting: Setting, row: Scenario, acts: Sequence[Act]) -> None:
    """Props that change hands, are broken or moved in the acts."""
    actor = setting.people[setting.actor]
    for act in acts:
        middle = _contact(actor, act)
        items = setting.decoy_items if act.variant == "decoy" else setting.target_items
        taken = act.action in ("grab", "pick_up", "hand_over", "reach") and row.item_at in ("hand", "ground")
        for number in items:
            prop = setting.props[number]
            if taken and prop.phases[-1].holder != setting.actor:
                hand = "both" if prop.prop.kind in ("box", "trunk") else "right"
                prop.phases.append(Phase(middle, holder=setting.actor, hand=hand))
            if row.item_at == "shelf" and act.action in ("hide", "reach", "put_down"):
                prop.phases.append(Phase(middle, gone=True))
        touched = setting.decoy_props if act.variant == "decoy" else setting.target_props
        for number in touched:
            if act.action in BROKEN and act.variant != "other":
                setting.props[number].states.append((middle, "broken"))
            if act.action == "drag" and act.variant == "decoy":
                prop, (dx, dy) = setting.props[number], drift(setting, act)
                x, y, z = prop.phases[-1].at
                moved = Phase(act.start_s, (x + dx, y + dy, z), prop.phases[-1].yaw, travel_s=act.end_s - act.start_s)
                prop.phases.append(moved)


def drive_up(setting: Setting, acts: Sequence[Act], *, back_m: float = 1.6) -> None:
    """The car stands back, comes up while each act begins, and goes back after it."""
    car = setting.props[setting.target_props[0]]
    x, y, z = car.prop.at
    yaw = car.prop.yaw
    behind = (x + back_m * np.sin(yaw), y - back_m * np.cos(yaw), z)
    car.phases = [Phase(0.0, behind, yaw)]
    for act in acts:
        car.phases.append(Phase(max(0.0, act.start_s - 0.8), (x, y, z), yaw, travel_s=1.0))
        car.phases.append(Phase(act.end_s + 0.2, behind, yaw, travel_s=1.4))


def drift(setting: Setting, act: Act) -> Point:
    """How far the main person moves during an act."""
    at = setting.people[setting.actor].track.position(np.array([act.start_s, act.end_s]))
    return float(at[1, 0] - at[0, 0]), float(at[1, 1] - at[0, 1])


def _contact(actor: PersonScript, act: Act) -> float:
    """Moment of the blow or grip."""
    step = next(step for step in actor.deeds if step.start_s == act.start_s)
    contact = step.motion.contact_s
    return act.start_s + min(contact if contact is not None else 0.6, 0.8 * (act.end_s - act.start_s))
