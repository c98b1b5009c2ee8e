"""What a painted body is made of: its parts by number, limbs as capsules, trunk and skirt as hulls of discs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.body import JOINT

PARTS: tuple[str, ...] = (
    "", "trunk", "hips", "skirt", "neck", "head", "hair",
    "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm", "left_hand", "right_hand",
    "left_thigh", "right_thigh", "left_shin", "right_shin", "left_foot", "right_foot",
)  # fmt: skip
"""Parts of a painted body by number; 0 is no part of a body."""
PART: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(PARTS)})

_LIMBS: tuple[tuple[str, str, str, float, float, str], ...] = (  # joints, radii in metres at 1.75 m, whose colour
    ("upper_arm", "shoulder", "elbow", 0.057, 0.046, "shirt"),
    ("forearm", "elbow", "wrist", 0.045, 0.034, "sleeve"),
    ("hand", "wrist", "hand", 0.040, 0.036, "skin"),
    ("thigh", "hip", "knee", 0.090, 0.064, "trousers"),
    ("shin", "knee", "ankle", 0.062, 0.045, "trousers"),
    ("foot", "ankle", "toes", 0.046, 0.042, "shoes"),
)
_SIDES = ("left", "right")
_HEAD_ENDS: tuple[tuple[str, float, float], ...] = (  # lengths of the neck upwards and ahead of the head's joint
    ("chin", 0.5, 0.30),
    ("crown", 1.25, 0.22),
    ("nape", 0.75, -0.28),
    ("back", 1.32, -0.05),
    ("hair_tip", -1.6, -0.95),
)
HEAD_UP = np.array([[up] for _, up, _ in _HEAD_ENDS])
HEAD_AHEAD = np.array([[ahead] for _, _, ahead in _HEAD_ENDS])
_EXTRA = ("left_hand", "right_hand", "left_toes", "right_toes", *(name for name, _, _ in _HEAD_ENDS))
WRISTS, ELBOWS, FEET, ANKLES = (
    [JOINT[f"{side}_{name}"] for side in _SIDES] for name in ("wrist", "elbow", "foot", "ankle")
)
_POINT: dict[str, int] = {**JOINT, **{name: len(JOINT) + i for i, name in enumerate(_EXTRA)}}

CAPSULES: list[tuple[str, int, int, float, float, str]] = [
    (f"{side}_{name}", _POINT[f"{side}_{a}"], _POINT[f"{side}_{b}"], ra, rb, colour)
    for name, a, b, ra, rb, colour in _LIMBS
    for side in _SIDES
] + [
    ("neck", _POINT["neck"], _POINT["head"], 0.056, 0.052, "skin"),
    ("head", _POINT["chin"], _POINT["crown"], 0.0, 0.0, "skin"),
    ("hair", _POINT["nape"], _POINT["back"], 0.0, 0.0, "hair"),
]
FROM = np.array([c[1] for c in CAPSULES])
TO = np.array([c[2] for c in CAPSULES])
RADII = np.array([c[3:5] for c in CAPSULES])
HEAD = [i for i, c in enumerate(CAPSULES) if c[0] in ("head", "hair")]
ENDS = np.array([[c[1], c[2]] * 4 for c in CAPSULES])
COLOUR_NAMES = [c[5] for c in CAPSULES]
RIM_PX = 0.6
RIM_SHADE = 0.62
CAPSULE_PARTS = [PART[c[0]] for c in CAPSULES]
_ARC = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 6)
COS, SIN = np.cos(_ARC), np.sin(_ARC)
SQUARE = 0.13 * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) / np.sqrt(2)
SHADOWED = [
    JOINT[name]
    for name in (
        "head",
        "pelvis",
        "left_knee",
        "right_knee",
        "left_foot",
        "right_foot",
        "left_shoulder",
        "right_shoulder",
    )
]
CIRCLE = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], -1)


class Hull(NamedTuple):
    """A part that is the hull of discs around joints."""

    name: str
    joints: list[int]
    radii: NDArray[np.float64]
    colour: str
    nearer: float
    """Metres it is put towards the camera in the order of the parts."""


def _hull(name: str, discs: tuple[tuple[str, float], ...], colour: str, nearer: float) -> Hull:
    return Hull(name, [_POINT[joint] for joint, _ in discs], np.array([r for _, r in discs]), colour, nearer)


_HIPS = _hull("hips", (("left_hip", 0.094), ("right_hip", 0.094), ("spine1", 0.105)), "trousers", -0.02)
_TRUNK = _hull(
    "trunk",
    (("left_shoulder", 0.062), ("right_shoulder", 0.062), ("spine3", 0.118), ("spine1", 0.112), ("pelvis", 0.110)),
    "shirt",
    0.0,
)
_SKIRT = _hull(
    "skirt", (("left_hip", 0.098), ("right_hip", 0.098), ("left_knee", 0.1), ("right_knee", 0.1)), "skirt", 0.06
)
_LONG_HAIR = _hull("hair", (("back", 0.098), ("nape", 0.092), ("hair_tip", 0.080)), "hair", 0.0)
BODY = (_HIPS, _TRUNK)
WOMAN = (_HIPS, _TRUNK, _SKIRT, _LONG_HAIR)
HOODED_WOMAN = (_HIPS, _TRUNK, _SKIRT)
