"""Writes everybody's script: the main person goes from act to act, the others live their lives.

When each act begins, how long it lasts, who starts at it and what smokes is drawn without a look at its variant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hawkeye_core.datasets.reconsim.consequences import Act, EffectSpan, drift, drive_up, effects_of, hand_on
from hawkeye_core.datasets.reconsim.layout import Setting
from hawkeye_core.datasets.reconsim.motions import Motion, draw_motion
from hawkeye_core.datasets.reconsim.scenarios import Scenario, Variant
from hawkeye_core.datasets.reconsim.script import PersonScript
from hawkeye_core.datasets.reconsim.track import Point, heading

IDLE = ("stand", "stand", "talk", "wave")
"""What people do who do nothing in particular."""
ONCE = frozenset({"fall", "grab", "pick_up", "put_down", "hide", "climb", "hand_over"})
"""Actions that are done once: acts of rows with them are short."""
SHORTEST_S = 1.5
BETWEEN_S = 1.2
"""Time between two acts, at least."""
WALK_M_S, HURRY_M_S = 1.15, 2.2
"""Speed of the main person: usual, and where time is short."""
_GET_UP_S = 2.2


def play(
    setting: Setting,
    row: Scenario,
    variants: Sequence[Variant],
    seconds: float,
    extent_m: Point,
    rng: np.random.Generator,
) -> tuple[list[Act], list[EffectSpan]]:
    """Write all scripts for ``seconds`` and say which acts and effects there are."""
    acts = _main(setting, row, variants, seconds, extent_m, rng)
    effects = [effect for act in acts for effect in effects_of(setting, row, act, rng)]
    hand_on(setting, row, acts)
    if row.drive:
        drive_up(setting, acts)
    if setting.target_person >= 0:
        _target(setting, row, acts, seconds, rng)
    for number in setting.others:
        _bystander(setting.people[number], acts, seconds, extent_m, rng)
    return acts, effects


@dataclass(frozen=True, slots=True)
class _Part:
    """An act before its time is known."""

    variant: Variant
    action: str
    motion: Motion
    spot: Point
    yaw: float
    seconds: float


def _parts(
    setting: Setting, row: Scenario, variants: Sequence[Variant], script: PersonScript, rng: np.random.Generator
) -> list[_Part]:
    height, parts = script.appearance.height_m, []
    for variant in variants:
        model = draw_motion(row.action, rng, height_m=height, left=False)
        other = str(rng.choice(row.others))
        seconds = float(rng.uniform(max(SHORTEST_S, min(model.duration_s, 2.4)), 2.8 if row.action in ONCE else 4.0))
        away = max(model.reach_m, 0.45) - 0.05 + float(rng.uniform(*row.gap_m))
        loose = float(rng.uniform(-np.pi, np.pi))
        spot = setting.decoy if variant == "decoy" else setting.target
        place, yaw = spot.stand(away)
        action = other if variant == "other" else row.action
        motion = draw_motion(other, rng, height_m=height, left=False)
        parts.append(
            _Part(
                variant, action, motion if variant == "other" else model, place, yaw if row.facing else loose, seconds
            )
        )
    return parts


def _main(
    setting: Setting,
    row: Scenario,
    variants: Sequence[Variant],
    seconds: float,
    extent_m: Point,
    rng: np.random.Generator,
) -> list[Act]:
    script = setting.people[setting.actor]
    parts = _parts(setting, row, variants, script, rng)
    after = _GET_UP_S + 0.3 if row.action == "fall" else 0.5
    points = [script.at, *(part.spot for part in parts)]
    ways = sum(math.dist(a, b) for a, b in itertools.pairwise(points))
    act_s = np.array([part.seconds for part in parts])
    busy = ways / WALK_M_S + len(parts) * (after + BETWEEN_S) + 1.0 - BETWEEN_S
    room = seconds - busy - float(act_s.sum())
    if room < 0 and len(parts):
        act_s = np.maximum(act_s + room * act_s / act_s.sum(), SHORTEST_S)
        room = seconds - busy - float(act_s.sum())
    speed = ways / max(ways / WALK_M_S + min(room, 0.0), ways / HURRY_M_S) if ways > 0 else WALK_M_S
    pauses = rng.dirichlet(np.ones(len(parts) + 1)) * max(room, 0.0)
    pauses[1:-1] += BETWEEN_S
    acts: list[Act] = []
    for part, pause, length in zip(parts, pauses[:-1], act_s, strict=True):
        _idle(script, script.now_s + pause, rng)
        script.go(part.spot, rng, seconds=math.dist(script.at, part.spot) / speed)
        left = seconds - script.now_s - 0.2
        length = float(min(length, left))
        if length < 1.0:
            break
        along = (0.0, 0.0) if part.action == "stagger" else None
        step = script.do(part.action, length, rng, yaw=part.yaw, motion=part.motion, along=along)
        acts.append(Act(part.variant, part.action, step.start_s, step.end_s))
        if part.action == "fall":
            script.do("get_up", _GET_UP_S, rng, style=part.motion.style)
    away = (float(rng.choice([-0.9, 0.9]) * extent_m[0]), float(rng.choice([-0.8, 0.8]) * extent_m[1]))
    leaves = rng.random() < 0.7
    if seconds - script.now_s > 0.8 and (row.run or leaves) and acts:
        _away(script, away, seconds, rng, action="run" if row.run else "walk")
    _idle(script, seconds, rng)
    return acts


def _away(script: PersonScript, to: Point, seconds: float, rng: np.random.Generator, *, action: str) -> None:
    """Go towards a point for what time is left."""
    x, y = script.at
    speed = 2.6 if action == "run" else float(rng.uniform(0.9, 1.3))
    distance = math.dist(script.at, to)
    lasts = min(distance / speed, max(0.0, seconds - script.now_s))
    share = speed * lasts / max(distance, 1e-6)
    script.go((x + share * (to[0] - x), y + share * (to[1] - y)), rng, action=action, seconds=max(lasts, 0.1))


def _idle(script: PersonScript, until_s: float, rng: np.random.Generator, *, yaw: float | None = None) -> None:
    """Stand, talk or wave until a moment."""
    while until_s - script.now_s > 0.05:
        left = until_s - script.now_s
        length = left if left < 2.5 else float(min(left, rng.uniform(1.5, 4.0)))
        turned = yaw if yaw is not None else script.yaw + float(rng.uniform(-0.6, 0.6))
        script.do(str(rng.choice(IDLE)), length, rng, yaw=turned if length > 0.6 else None)


def _target(setting: Setting, row: Scenario, acts: Sequence[Act], seconds: float, rng: np.random.Generator) -> None:
    """The person that is the target: at rest, startled by some acts, acting back where the scenario says so."""
    script = setting.people[setting.target_person]
    fixed = {"lie": "lie", "sit": "sit"}.get(row.posture, "")
    if fixed == "lie":
        lying = script.deeds[0].motion
        script.restart(script.yaw)
        for act in acts:
            script.do("lie", act.start_s - script.now_s, rng, motion=lying)
            dragged = act.variant == "anomalous" and act.action == "drag"
            script.do("lie", act.end_s - act.start_s, rng, motion=lying, along=drift(setting, act) if dragged else None)
        script.do("lie", seconds - script.now_s + 0.1, rng, motion=lying)
        return
    if fixed == "sit":
        script.do("sit", seconds, rng)
        return
    for act in acts:
        _idle(script, act.start_s, rng, yaw=setting.target_yaw + float(rng.uniform(-0.2, 0.2)))
        length = act.end_s - script.now_s
        if row.both:
            spot = setting.partner_decoy if act.variant == "decoy" else None
            x, y = setting.people[setting.actor].track.position(np.array([act.end_s]))[0].tolist()
            script.do(act.action, length, rng, yaw=heading(script.at, spot.middle if spot else (x, y)))
            continue
        reaction = str(rng.choice(["cower", "stand", "talk", "wave"], p=[0.3, 0.4, 0.2, 0.1]))
        script.do("stand", min(0.4, length / 2), rng)
        script.do(reaction, act.end_s - script.now_s, rng)
    _idle(script, seconds, rng, yaw=setting.target_yaw)


def _bystander(
    script: PersonScript, acts: Sequence[Act], seconds: float, extent_m: Point, rng: np.random.Generator
) -> None:
    """Stand, talk, wave, or walk along the edge; some are startled by an act."""
    row = np.sign(script.at[1] or 1.0) * rng.uniform(0.72, 0.9) * extent_m[1]
    while seconds - script.now_s > 0.05:
        if rng.random() < 0.45:
            _away(script, (float(rng.uniform(-0.9, 0.9) * extent_m[0]), float(row)), seconds, rng, action="walk")
        _idle(script, min(seconds, script.now_s + float(rng.uniform(1.0, 4.0))), rng)
