"""What a motion's drafting function gets (the dice of its variation) and gives (the draft)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hawkeye_core.datasets.reconsim.body import Skeleton
from hawkeye_core.datasets.reconsim.curves import Curve, Key, Pose, keyframes


@dataclass(frozen=True, slots=True)
class Draft:
    """A motion before it is mirrored and made to sway; for the fields see :class:`motions.Motion`.

    Args:
        limb: What acts at the contact: ``hand`` or ``foot``.
        sway: How much it sways; 1 is a calm person's.
    """

    curve: Curve
    caption: str
    duration_s: float
    loops: bool = False
    speed_m_s: float = 0.0
    contact_s: float | None = None
    limb: str = "hand"
    sway: float = 1.0


@dataclass(frozen=True, slots=True)
class Dice:
    """Random choices of one motion.

    Args:
        rng: Source of chance.
        skeleton: Of the person that moves.
        style: The variant, one of the motion's styles.
        left: Whether the left hand acts; drafts are written for the right one and mirrored after.
        tempo: Durations are multiplied by it.
    """

    rng: np.random.Generator
    skeleton: Skeleton
    style: str
    left: bool
    tempo: float

    @property
    def hand(self) -> str:
        """Name of the acting side, for captions."""
        return "left" if self.left else "right"

    @property
    def other(self) -> str:
        """Name of the other side."""
        return "right" if self.left else "left"

    def between(self, low: float, high: float) -> float:
        """A number, uniform."""
        return float(self.rng.uniform(low, high))

    def near(self, value: float, spread: float = 0.06) -> float:
        """A number at most `spread` away."""
        return float(value + self.rng.uniform(-spread, spread))

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def say(self, *phrasings: str) -> str:
        """One of several sentences, with one of several subjects in place of ``{who}``; {hand} and {other} filled."""
        who = ("a person", "a person", "the person", "someone")[int(self.rng.integers(4))]
        text = phrasings[int(self.rng.integers(len(phrasings)))]
        return text.format(who=who, hand=self.hand, other=self.other)

    def act(
        self,
        keys: Sequence[Key],
        caption: str,
        *,
        contact: float | None = None,
        loops: bool = False,
        limb: str = "hand",
        sway: float = 1.0,
    ) -> Draft:
        """A motion through keys, their times and the contact's stretched by the tempo; see :class:`Draft`."""
        timed = [Key(key.time * self.tempo, key.pose, key.strike) for key in keys]
        return Draft(
            curve=keyframes(timed, loops=loops),
            caption=caption,
            duration_s=timed[-1].time,
            loops=loops,
            contact_s=None if contact is None else contact * self.tempo,
            limb=limb,
            sway=sway,
        )


def hands(x: float, y: float, z: float, elbow: float = 0.1) -> Pose:
    """Both hands at the same place before their shoulder: outward, forward, up, in arm lengths."""
    return {"lx": x, "ly": y, "lz": z, "lel": elbow, "rx": x, "ry": y, "rz": z, "rel": elbow}


def right_hand(x: float, y: float, z: float, elbow: float = 0.1) -> Pose:
    """The acting hand before its shoulder: outward, forward, up, in arm lengths."""
    return {"rx": x, "ry": y, "rz": z, "rel": elbow}


def left_hand(x: float, y: float, z: float, elbow: float = 0.1) -> Pose:
    """The other hand before its shoulder: outward, forward, up, in arm lengths."""
    return {"lx": x, "ly": y, "lz": z, "lel": elbow}


HANGING: Pose = hands(0.12, 0.07, -0.97, 0.0)
UPRIGHT: Pose = {
    "px": 0.0, "py": 0.0, "pz": 0.985, "yaw": 0.0, "pitch": 0.0, "roll": 0.0, "sink": 1.0,
    "bend": 0.03, "side": 0.0, "twist": 0.0, "nod": 0.0,
}  # fmt: skip
FEET: Pose = {
    "lfx": 0.04, "lfy": 0.0, "lfz": 0.0, "ltp": 0.0, "lty": 0.2, "lkn": 0.15,
    "rfx": 0.04, "rfy": 0.0, "rfz": 0.0, "rtp": 0.0, "rty": 0.2, "rkn": 0.15,
}  # fmt: skip
STANDING: Pose = {**UPRIGHT, **FEET, **HANGING}
"""Every channel at rest: the last key of an act that ends standing."""
