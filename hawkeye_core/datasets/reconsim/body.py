"""A person's skeleton, and the 17 COCO joints of a body of 22.

Frames: x to the right, y forward, z up, metres; the left side is at -x. Legend:
J3 = 22 body joints, J = 17 COCO joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS
from hawkeye_core.errors import ConfigError

F32 = NDArray[np.float32]

JOINT: dict[str, int] = {name: i for i, name in enumerate(BODY_JOINTS)}
"""Number of a body joint."""

BODY_PARENT: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
"""[J3] the joint each hangs on; -1 for the pelvis. SMPL's tree."""

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_FROM_BODY = np.array([JOINT[f"{side}_{limb}"] for limb in _LIMBS for side in ("left", "right")])


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Lengths of one person's bones, metres. Offsets are (x, y, z) for the right side; x changes sign on the left."""

    height: float
    ankle: float
    """Height of the ankle above the sole."""
    foot: tuple[float, float]
    """From the ankle to the ball of the foot: forward, and up (negative)."""
    shin: float
    thigh: float
    hip: tuple[float, float, float]
    """From the pelvis to the hip."""
    spine: tuple[float, float, float, float]
    """pelvis to spine1, to spine2, to spine3, to neck."""
    head: tuple[float, float, float]
    """From the neck to the head's joint, the base of the skull."""
    collar: tuple[float, float, float]
    """From spine3 to the collar."""
    shoulder: tuple[float, float, float]
    """From the collar to the shoulder."""
    upper_arm: float
    forearm: float

    @property
    def leg(self) -> float:
        """Hip to ankle with the knee straight; the unit of the feet's and the pelvis's targets."""
        return self.thigh + self.shin

    @property
    def arm(self) -> float:
        """Shoulder to wrist with the elbow straight; the unit of the hands' targets."""
        return self.upper_arm + self.forearm

    @property
    def pelvis(self) -> float:
        """Height of the pelvis when standing with straight legs."""
        return self.ankle + self.leg - self.hip[2]

    def bone(self, joint: int) -> float:
        """Length of the bone that ends in a body joint other than the pelvis."""
        name = BODY_JOINTS[joint].removeprefix("left_").removeprefix("right_")
        lengths = {
            "hip": _norm(self.hip), "knee": self.thigh, "ankle": self.shin, "foot": _norm(self.foot),
            "spine1": self.spine[0], "spine2": self.spine[1], "spine3": self.spine[2], "neck": self.spine[3],
            "head": _norm(self.head), "collar": _norm(self.collar), "shoulder": _norm(self.shoulder),
            "elbow": self.upper_arm, "wrist": self.forearm,
        }  # fmt: skip
        return lengths[name]


def _norm(vector: tuple[float, ...]) -> float:
    return float(np.linalg.norm(vector))


def skeleton(height_m: float) -> Skeleton:
    """Proportions of a person of a height, in shares of it after Drillis and Contini's body segments (1966).

    Below 1.55 m, as children have, the legs are shorter and the head is larger the smaller the person is.

    Args:
        height_m: Sole to crown, 1.0 to 1.95 m.
    """
    if not 0.9 <= height_m <= 2.1:
        raise ConfigError(f"a person of {height_m} m", remedy="height_m from 1.0 to 1.95")
    h = height_m
    young = min(max((1.55 - h) / 0.55, 0.0), 1.0)
    leg, trunk, head = (1 - 0.07 * young) * h, (1 + 0.03 * young) * h, (1 + 0.35 * young) * h
    return Skeleton(
        height=h,
        ankle=0.040 * h,
        foot=(0.078 * h, -0.026 * h),
        shin=0.236 * leg,
        thigh=0.244 * leg,
        hip=(0.052 * h, 0.0, -0.030 * h),
        spine=(0.062 * trunk, 0.072 * trunk, 0.036 * trunk, 0.112 * trunk),
        head=(0.0, 0.012 * head, 0.052 * head),
        collar=(0.043 * h, 0.0, 0.070 * trunk),
        shoulder=(0.066 * h, 0.0, 0.022 * trunk),
        upper_arm=0.165 * h,
        forearm=0.150 * h,
    )


def coco_joints(body: F32) -> F32:
    """The 17 COCO joints of a body, for any pose and any direction; not for HumanML3D's y up, turn that to z up first.

    A body of 22 has no face. Nose, eyes and ears are put around the base of the skull: upwards is from the neck to
    it, right is along the shoulders, and sizes are in lengths of the neck; a turned head is not known.

    Args:
        body: [..., J3, 3], metres, z up.

    Returns:
        [..., J, 3], metres.
    """
    head = body[..., JOINT["head"], :]
    neck = body[..., JOINT["neck"], :]
    size = np.linalg.norm(head - neck, axis=-1, keepdims=True)
    up = (head - neck) / np.maximum(size, 1e-6)
    right = body[..., JOINT["right_shoulder"], :] - body[..., JOINT["left_shoulder"], :]
    right = right - (right * up).sum(-1, keepdims=True) * up
    right = right / np.maximum(np.linalg.norm(right, axis=-1, keepdims=True), 1e-6)
    ahead = np.cross(up, right)
    # nose, left eye, right eye, left ear, right ear in (right, ahead, up)
    places = ((0.0, 1.15, 0.45), (-0.36, 1.0, 0.8), (0.36, 1.0, 0.8), (-0.82, 0.05, 0.6), (0.82, 0.05, 0.6))
    face = [head + size * (x * right + y * ahead + z * up) for x, y, z in places]
    return np.concatenate([np.stack(face, axis=-2), body[..., _FROM_BODY, :]], axis=-2).astype(np.float32)
