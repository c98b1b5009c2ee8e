"""The table of motions: name, drafting function, styles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hawkeye_core.datasets.reconsim.motion_library import everyday, force, low, moving, wheels
from hawkeye_core.datasets.reconsim.motion_library.draft import Dice, Draft

_DOWN = ("back", "front", "side")


@dataclass(frozen=True, slots=True)
class MotionKind:
    """One entry of the library."""

    name: str
    draft: Callable[[Dice], Draft]
    styles: tuple[str, ...] = ("plain",)
    """Its variants, one of which is drawn."""
    on_request: tuple[str, ...] = ()
    """Further variants, never drawn by chance: their owner stands where the others go."""


KINDS: tuple[MotionKind, ...] = (
    MotionKind("stand", everyday.stand, tuple(everyday.ARMS)),
    MotionKind("talk", everyday.talk, ("one hand", "both hands")),
    MotionKind("wave", everyday.wave, ("high", "low", "both")),
    MotionKind("reach", everyday.reach, ("low", "level", "high")),
    MotionKind("hand_over", everyday.hand_over, ("one hand", "both hands")),
    MotionKind("pick_up", everyday.pick_up, ("bend", "crouch")),
    MotionKind("put_down", everyday.put_down, ("bend", "crouch")),
    MotionKind("hide", everyday.hide, ("coat", "bag", "pocket")),
    MotionKind("sit", low.sit, ("upright", "leaning", "back")),
    MotionKind("sit_down", low.sit_down, ("upright", "leaning", "back")),
    MotionKind("stand_up", low.stand_up, ("upright", "leaning", "back")),
    MotionKind("crouch", low.crouch, ("heels", "knee")),
    MotionKind("light", low.light, ("heels", "knee")),
    MotionKind("fall", low.fall, _DOWN),
    MotionKind("lie", low.lie, _DOWN),
    MotionKind("get_up", low.get_up, _DOWN),
    MotionKind("walk", moving.walk, ("brisk", "normal", "slow")),
    MotionKind("run", moving.run, ("jog", "run", "sprint")),
    MotionKind("carry", moving.carry, tuple(moving.CARRYING), ("standing",)),
    MotionKind("drag", moving.drag, ("low", "high")),
    MotionKind("stagger", moving.stagger, ("drunk", "hurt")),
    MotionKind("climb", moving.climb),
    MotionKind("drive", wheels.drive),
    MotionKind("ride", wheels.ride, ("motorcycle", "bicycle")),
    MotionKind("hit", force.hit, ("overhead", "side")),
    MotionKind("punch", force.punch, ("single", "series")),
    MotionKind("push", force.push, ("both hands", "one hand")),
    MotionKind("kick", force.kick, ("low", "high", "stomp")),
    MotionKind("aim", force.aim, ("one", "both")),
    MotionKind("smash", force.smash, ("overhead", "side")),
    MotionKind("grab", force.grab, ("level", "low")),
    MotionKind("cower", force.cower, ("standing", "crouched", "hands up")),
)
