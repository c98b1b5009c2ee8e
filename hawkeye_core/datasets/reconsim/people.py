"""A person painted from 22 joints: limbs as tapered capsules, a trunk, a head without a face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.body import JOINT
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.faces import Face, Solid, to_fixed
from hawkeye_core.datasets.reconsim.look import Light
from hawkeye_core.datasets.reconsim.stage import F32, Appearance

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
_HEAD_UP = np.array([[up] for _, up, _ in _HEAD_ENDS])
_HEAD_AHEAD = np.array([[ahead] for _, _, ahead in _HEAD_ENDS])
_EXTRA = ("left_hand", "right_hand", "left_toes", "right_toes", *(name for name, _, _ in _HEAD_ENDS))
_WRISTS, _ELBOWS, _FEET, _ANKLES = (
    [JOINT[f"{side}_{name}"] for side in _SIDES] for name in ("wrist", "elbow", "foot", "ankle")
)
_POINT: dict[str, int] = {**JOINT, **{name: len(JOINT) + i for i, name in enumerate(_EXTRA)}}

_CAPSULES: list[tuple[str, int, int, float, float, str]] = [
    (f"{side}_{name}", _POINT[f"{side}_{a}"], _POINT[f"{side}_{b}"], ra, rb, colour)
    for name, a, b, ra, rb, colour in _LIMBS
    for side in _SIDES
] + [
    ("neck", _POINT["neck"], _POINT["head"], 0.056, 0.052, "skin"),
    ("head", _POINT["chin"], _POINT["crown"], 0.0, 0.0, "skin"),
    ("hair", _POINT["nape"], _POINT["back"], 0.0, 0.0, "hair"),
]
_FROM = np.array([c[1] for c in _CAPSULES])
_TO = np.array([c[2] for c in _CAPSULES])
_RADII = np.array([c[3:5] for c in _CAPSULES])
_HEAD = [i for i, c in enumerate(_CAPSULES) if c[0] in ("head", "hair")]
_ENDS = np.array([[c[1], c[2]] * 4 for c in _CAPSULES])
_COLOUR_NAMES = [c[5] for c in _CAPSULES]
_RIM_PX = 0.6
_RIM_SHADE = 0.62
_CAPSULE_PARTS = [PART[c[0]] for c in _CAPSULES]
_ARC = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 6)
_COS, _SIN = np.cos(_ARC), np.sin(_ARC)
_SQUARE = 0.13 * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) / np.sqrt(2)
_SHADOWED = [
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
_CIRCLE = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], -1)


class _Hull(NamedTuple):
    """A part that is the hull of discs around joints."""

    name: str
    joints: list[int]
    radii: NDArray[np.float64]
    colour: str
    nearer: float
    """Metres it is put towards the camera in the order of the parts."""


def _hull(name: str, discs: tuple[tuple[str, float], ...], colour: str, nearer: float) -> _Hull:
    return _Hull(name, [_POINT[joint] for joint, _ in discs], np.array([r for _, r in discs]), colour, nearer)


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
_BODY = (_HIPS, _TRUNK)
_WOMAN = (_HIPS, _TRUNK, _SKIRT, _LONG_HAIR)
_HOODED_WOMAN = (_HIPS, _TRUNK, _SKIRT)


def _points(joints: F32) -> NDArray[np.float64]:
    """Joints and what hangs on them: finger tips, toes, ends of the head; [J3 + 9, 3]."""
    body = np.asarray(joints, np.float64)
    head, neck = body[JOINT["head"]], body[JOINT["neck"]]
    up = head - neck
    size = max(float(np.sqrt(up @ up)), 1e-3)
    right = body[JOINT["right_shoulder"]] - body[JOINT["left_shoulder"]]
    right = right - (right @ up) / size**2 * up
    right = right / max(float(np.sqrt(right @ right)), 1e-6)
    ahead = np.array(
        (up[1] * right[2] - up[2] * right[1], up[2] * right[0] - up[0] * right[2], up[0] * right[1] - up[1] * right[0])
    )
    hands = body[_WRISTS] + 0.33 * (body[_WRISTS] - body[_ELBOWS])
    toes = body[_FEET] + 0.35 * (body[_FEET] - body[_ANKLES]) * (1.0, 1.0, 0.0)
    return np.concatenate([body, hands, toes, head + _HEAD_UP * up + _HEAD_AHEAD * ahead])


def _capsules(
    start: NDArray[np.float64], end: NDArray[np.float64], r0: NDArray[np.float64], r1: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Outlines [n, 12, 2] of capsules from discs of radius r0 at ``start`` [n, 2] to discs of r1 at ``end``."""
    along = end - start
    length = np.sqrt((along * along).sum(-1, keepdims=True))
    along = np.where(length > 1e-3, along / np.maximum(length, 1e-3), (1.0, 0.0))
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    arc = _COS[None, :, None] * along[:, None] + _SIN[None, :, None] * across[:, None]
    back = -_COS[None, :, None] * along[:, None] - _SIN[None, :, None] * across[:, None]
    return np.concatenate([start[:, None] + r0[:, None, None] * back, end[:, None] + r1[:, None, None] * arc], 1)


@lru_cache(maxsize=256)
def _palette(person: Appearance, light: Light) -> dict[str, NDArray[np.float64]]:
    """Colours of clothes as the light shows them."""
    bare = sum(person.shirt) % 3 == 0  # a third of all shirts have short sleeves
    shirt, trousers = np.array(person.shirt, np.float64), np.array(person.trousers, np.float64)
    colours = {
        "shirt": shirt,
        "sleeve": np.array(person.skin if bare and not person.hood else person.shirt, np.float64),
        "skin": np.array(person.skin, np.float64),
        "trousers": trousers,
        "skirt": 0.92 * trousers,
        "hair": 0.85 * shirt if person.hood else np.array(person.hair, np.float64),
        "shoes": np.array(person.shoes, np.float64),
    }
    return dict(zip(colours, light.tint(np.stack(list(colours.values()))).astype(np.float64), strict=True))


def person_solids(person: Appearance, joints: F32, camera: Camera, light: Light, *, owner: int) -> list[Solid]:
    """Parts of a body as solids, each with a darker rim; none where the person is not there or behind the camera.

    Args:
        person: Clothes and build.
        joints: [J3, 3] world metres; NaN: not there.
        camera: Through which the person is seen.
        light: Colours the clothes.
        owner: Number of the entity.
    """
    if not np.isfinite(joints).all():
        return []
    points = _points(joints)
    seen = camera.project(points).astype(np.float64)
    flat, depth = seen[:, :2], seen[:, 2]
    if depth.min() < 0.3:
        return []
    size = person.height_m / 1.75 * person.build
    pixels = camera.focal_px / depth * size  # px for a metre at 1.75 m
    palette = _palette(person, light)
    up = points[JOINT["head"]] - points[JOINT["neck"]]
    neck = float(np.sqrt(up @ up)) / size
    return [
        *_capsule_solids(person, points, flat, depth, pixels, neck, palette, owner),
        *_hull_solids(person, points, flat, depth, pixels, neck, palette, owner),
    ]


def _capsule_solids(
    person: Appearance,
    points: NDArray[np.float64],
    flat: NDArray[np.float64],
    depth: NDArray[np.float64],
    pixels: NDArray[np.float64],
    neck: float,
    palette: dict[str, NDArray[np.float64]],
    owner: int,
) -> list[Solid]:
    """Limbs, neck and head. What is farther than the trunk is darker."""
    radii = _RADII.copy()
    head = (1.0 if person.kind == "child" else 0.92) * neck
    radii[_HEAD[0]] = (0.82 * head, 0.90 * head)
    radii[_HEAD[1]] = (0.98 * head, 1.05 * head) if person.hood else (0.92 * head, 0.96 * head)
    r0, r1 = radii[:, 0] * pixels[_FROM], radii[:, 1] * pixels[_TO]
    start, end = flat[_FROM], flat[_TO]
    both = to_fixed(
        _capsules(
            np.concatenate([start, start]),
            np.concatenate([end, end]),
            np.concatenate([r0 + _RIM_PX, r0]),
            np.concatenate([r1 + _RIM_PX, r1]),
        )
    )
    at = 0.5 * (depth[_FROM] + depth[_TO]) - 0.5 * (radii[:, 0] + radii[:, 1])
    shade = np.clip(0.93 - 0.5 * (at - depth[JOINT["spine1"]] + 0.1), 0.8, 1.08)
    colours = np.stack([palette[name] for name in _COLOUR_NAMES]) * shade[:, None]
    fills, rims, n = colours.tolist(), (_RIM_SHADE * colours).tolist(), len(_CAPSULES)
    corners = points[_ENDS]
    return [
        Solid(
            [Face(both[i], tuple(rims[i]), part), Face(both[n + i], tuple(fills[i]), part)],
            corners[i],
            None,
            float(at[i]),
            owner,
        )
        for i, part in enumerate(_CAPSULE_PARTS)
    ]


def _hull_solids(
    person: Appearance,
    points: NDArray[np.float64],
    flat: NDArray[np.float64],
    depth: NDArray[np.float64],
    pixels: NDArray[np.float64],
    neck: float,
    palette: dict[str, NDArray[np.float64]],
    owner: int,
) -> list[Solid]:
    """Trunk, hips, skirt and long hair."""
    hulls = _BODY if person.kind != "woman" else _HOODED_WOMAN if person.hood else _WOMAN
    discs = [joint for hull in hulls for joint in hull.joints]
    radii = np.concatenate([hull.radii for hull in hulls]) * pixels[discs]
    if hulls[-1].name == "hair":
        radii[-len(hulls[-1].joints) :] *= neck / 0.093
    reach = np.stack([radii + _RIM_PX, radii])[..., None, None] * _CIRCLE  # [2, k, 8, 2]
    rings = to_fixed(flat[discs][None, :, None] + reach)
    far = depth.tolist()
    solids, first = [], 0
    for hull in hulls:
        k = len(hull.joints)
        rim, inner = rings[:, first : first + k].reshape(2, -1, 2)
        first += k
        part = PART[hull.name]
        b, g, r = palette[hull.colour].tolist()
        faces = [
            Face(_outline(rim), (_RIM_SHADE * b, _RIM_SHADE * g, _RIM_SHADE * r), part),
            Face(_outline(inner), (b, g, r), part),
        ]
        at = sum(far[joint] for joint in hull.joints) / k - hull.nearer
        solids.append(Solid(faces, points[(hull.joints * 4)[:8]], None, at, owner))
    return solids


def _outline(points: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray(cv2.convexHull(points), np.int32)[:, 0]


def shadow_points(joints: F32, light: Light) -> NDArray[np.float64]:
    """Ground points [n, 3] whose hull is the shadow of a body: its joints seen from the sun, and a disc under it."""
    body = np.asarray(joints, np.float64)[_SHADOWED]
    ground = np.zeros((len(body), len(_SQUARE), 3))
    ground[..., :2] = body[:, None, :2] + np.maximum(body[:, None, 2:], 0.0) * np.array(light.sun) + _SQUARE
    return ground.reshape(-1, 3)
