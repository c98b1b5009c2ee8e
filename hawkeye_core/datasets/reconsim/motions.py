"""The motion library: a name and a generator of chance give a motion of one person, with a caption.

    motion = draw_motion("hit", np.random.default_rng(7), height_m=1.75)
    joints = motion.body(np.arange(16) / 8)  # [16, 22, 3]

Legend: T moments, C channels of a pose, J3 = 22 body joints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.body import JOINT, Skeleton, skeleton
from hawkeye_core.datasets.reconsim.curves import Curve, swaying
from hawkeye_core.datasets.reconsim.motion_library.draft import Dice
from hawkeye_core.datasets.reconsim.motion_library.kinds import KINDS, MotionKind
from hawkeye_core.datasets.reconsim.posing import mirror, pose_joints
from hawkeye_core.errors import ConfigError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

MOTIONS: Mapping[str, MotionKind] = MappingProxyType({kind.name: kind for kind in KINDS})
"""Every motion by name."""


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """One variant of a motion, for one person."""

    name: str
    caption: str
    """A sentence of HumanML3D's kind: ``a person swings the right arm down``."""
    duration_s: float
    """Of one cycle, or of the whole act."""
    loops: bool
    """Whether it goes on for ever; otherwise the last pose is held."""
    speed_m_s: float
    """How fast the owner moves along its own +y while it plays; below 0 backwards; 0 in place."""
    contact_s: float | None
    """Moment of the blow, grip or release within the motion."""
    reach_m: float
    """How far in front of the origin the acting wrist or ankle is at the contact; 0 without one."""
    style: str
    """The variant, one of the kind's styles."""
    left: bool
    """Whether the left side acts."""
    skeleton: Skeleton = field(repr=False)
    curve: Curve = field(repr=False)

    def channels(self, time: F64) -> F64:
        """Pose over time.

        Args:
            time: [T] seconds from the start; before 0 and, without a loop, after the end, the pose rests.

        Returns:
            [T, C] in the order of :data:`posing.CHANNELS`.
        """
        channels = self.curve(np.asarray(time, dtype=np.float64))
        return mirror(channels) if self.left else channels

    def body(self, time: F64) -> F32:
        """Joints in the person's own frame: origin on the ground between the feet, +y ahead, left at -x.

        Args:
            time: [T] seconds from the start.

        Returns:
            [T, J3, 3] metres.
        """
        return pose_joints(self.skeleton, self.channels(time))


def draw_motion(
    name: str, rng: np.random.Generator, *, height_m: float, style: str | None = None, left: bool | None = None
) -> Motion:
    """A random variant of a motion: its tempo, size, side and style.

    Args:
        name: A name of :data:`MOTIONS`.
        rng: Source of chance; the same state gives the same motion.
        height_m: Of the person, 1.0 to 1.95.
        style: One of the kind's styles instead of a random one (`lie` in the style of the `fall` before).
        left: Side instead of a random one; three of four people are right-handed.
    """
    if name not in MOTIONS:
        raise ConfigError(f"no motion {name!r}", remedy=f"one of {', '.join(sorted(MOTIONS))}")
    kind = MOTIONS[name]
    if style is not None and style not in kind.styles + kind.on_request:
        known = ", ".join(kind.styles + kind.on_request)
        raise ConfigError(f"no style {style!r} of the motion {name!r}", remedy=f"one of {known}")
    drawn_style, drawn_left = kind.styles[int(rng.integers(len(kind.styles)))], bool(rng.random() < 0.25)
    dice = Dice(
        rng=rng,
        skeleton=skeleton(height_m),
        style=drawn_style if style is None else style,
        left=drawn_left if left is None else left,
        tempo=float(rng.uniform(0.85, 1.2)),
    )
    draft = kind.draft(dice)
    motion = Motion(
        name=name,
        caption=draft.caption,
        duration_s=draft.duration_s,
        loops=draft.loops,
        speed_m_s=draft.speed_m_s,
        contact_s=draft.contact_s,
        reach_m=0.0,
        style=dice.style,
        left=dice.left,
        skeleton=dice.skeleton,
        curve=swaying(draft.curve, rng, amount=draft.sway),
    )
    return motion if draft.contact_s is None else _with_reach(motion, draft.limb)


def _with_reach(motion: Motion, limb: str) -> Motion:
    end = JOINT[f"{'left' if motion.left else 'right'}_{'wrist' if limb == 'hand' else 'ankle'}"]
    body = motion.body(np.array([motion.contact_s]))
    return replace(motion, reach_m=float(body[0, end, 1]))
