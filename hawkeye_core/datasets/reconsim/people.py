"""A person painted from 22 joints: limbs as tapered capsules, a trunk, a head without a face."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
_EXTRA = ("left_hand", "right_hand", "left_toes", "right_toes", "chin", "crown", "nape", "back", "hair_tip", "seat")
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
_CAPSULE_PARTS = [PART[c[0]] for c in _CAPSULES]
_ARC = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 6)
_COS, _SIN = np.cos(_ARC), np.sin(_ARC)
_CIRCLE = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], -1)

_HULLS: tuple[tuple[str, tuple[tuple[str, float], ...], str], ...] = (  # part, joints with radii, colour
    ("hips", (("left_hip", 0.094), ("right_hip", 0.094), ("spine1", 0.105)), "trousers"),
    (
        "trunk",
        (("left_shoulder", 0.062), ("right_shoulder", 0.062), ("spine3", 0.118), ("spine1", 0.112), ("pelvis", 0.110)),
        "shirt",
    ),
)
_SKIRT = (
    "skirt",
    (("left_hip", 0.098), ("right_hip", 0.098), ("left_knee", 0.095), ("right_knee", 0.095)),
    "skirt",
)
_LONG_HAIR = ("hair", (("back", 0.098), ("nape", 0.092), ("hair_tip", 0.080)), "hair")


def _points(joints: F32) -> NDArray[np.float64]:
    """Joints and what hangs on them: finger tips, toes, ends of the head; [J3 + 10, 3]."""
    body = np.asarray(joints, np.float64)
    head, neck = body[JOINT["head"]], body[JOINT["neck"]]
    up = head - neck
    size = max(float(np.sqrt(up @ up)), 1e-3)
    right = body[JOINT["right_shoulder"]] - body[JOINT["left_shoulder"]]
    right = right - (right @ up) / size**2 * up
    right = right * (size / max(float(np.sqrt(right @ right)), 1e-6))
    ahead = np.cross(up, right) / size
    hands = [
        body[JOINT[f"{s}_wrist"]] + 0.33 * (body[JOINT[f"{s}_wrist"]] - body[JOINT[f"{s}_elbow"]]) for s in _SIDES
    ]
    toes = [
        body[JOINT[f"{s}_foot"]] + 0.35 * (body[JOINT[f"{s}_foot"]] - body[JOINT[f"{s}_ankle"]]) * (1.0, 1.0, 0.0)
        for s in _SIDES
    ]
    ends = [
        head + 0.5 * up + 0.30 * ahead,
        head + 1.25 * up + 0.22 * ahead,
        head + 0.75 * up - 0.28 * ahead,
        head + 1.32 * up - 0.05 * ahead,
        head - 1.6 * up - 0.95 * ahead,
        body[JOINT["pelvis"]],
    ]
    return np.concatenate([body, np.array(hands + toes + ends)])


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


def _palette(person: Appearance, light: Light) -> dict[str, NDArray[np.float64]]:
    """Colours of clothes as the light shows them."""
    shirt = np.array(person.shirt, np.float64)
    bare = sum(person.shirt) % 3 == 0  # a third of all shirts have short sleeves
    colours = {
        "shirt": shirt,
        "sleeve": np.array(person.skin if bare and not person.hood else person.shirt, np.float64),
        "skin": np.array(person.skin, np.float64),
        "trousers": np.array(person.trousers, np.float64),
        "skirt": np.array(person.trousers, np.float64) * 0.92,
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
    if seen[:, 2].min() < 0.3:
        return []
    flat, depth = seen[:, :2], seen[:, 2]
    size = person.height_m / 1.75 * person.build
    pixels = camera.focal_px / depth * size  # px for a metre at 1.75 m
    neck = float(np.linalg.norm(points[JOINT["head"]] - points[JOINT["neck"]]))
    child = person.kind == "child"
    radii = _RADII * (1.0, 1.0)
    head = (1.0 if child else 0.92) * neck / size
    radii[_HEAD[0]] = (0.82 * head, 0.90 * head)
    radii[_HEAD[1]] = (0.98 * head, 1.05 * head) if person.hood else (0.92 * head, 0.96 * head)
    r0, r1 = radii[:, 0] * pixels[_FROM], radii[:, 1] * pixels[_TO]
    outlines = to_fixed(_capsules(flat[_FROM], flat[_TO], r0, r1))
    rims = to_fixed(_capsules(flat[_FROM], flat[_TO], r0 + 0.6, r1 + 0.6))
    colours = _palette(person, light)
    capsule_depth = 0.5 * (depth[_FROM] + depth[_TO]) - 0.5 * (radii[:, 0] + radii[:, 1])
    middle = float(depth[JOINT["spine1"]])

    solids: list[Solid] = []
    for i, (_, a, b, _, _, colour) in enumerate(_CAPSULES):
        far = min(max(0.93 - 0.5 * (float(capsule_depth[i]) - middle + 0.1), 0.8), 1.08)
        shade = colours[colour] * far
        part = _CAPSULE_PARTS[i]
        faces = [Face(rims[i], _dark(shade), part), Face(outlines[i], _colour(shade), part)]
        solids.append(Solid(faces, points[[a, b] * 4], None, float(capsule_depth[i]), owner))
    hulls = list(_HULLS)
    if person.kind == "woman":
        hulls += [_SKIRT, *([] if person.hood else [_LONG_HAIR])]
    for name, joints_of, colour in hulls:
        numbers = [_POINT[joint] for joint, _ in joints_of]
        radius = np.array([r for _, r in joints_of]) * pixels[numbers]
        if name == "hair":
            radius *= neck / size / 0.093
        faces = []
        for grow, tone in ((0.6, _dark(colours[colour])), (0.0, _colour(colours[colour]))):
            ring = flat[numbers][:, None] + (radius + grow)[:, None, None] * _CIRCLE
            hull = cv2.convexHull(ring.reshape(-1, 2).astype(np.float32))[:, 0]
            faces.append(Face(to_fixed(hull), tone, PART[name]))
        at = float(depth[numbers].mean()) + {"hips": 0.02, "trunk": 0.0, "skirt": -0.06, "hair": 0.0}[name]
        corners = points[(numbers * 3)[:8]]
        solids.append(Solid(faces, corners, None, at, owner))
    return solids


def _colour(shade: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(shade[0]), float(shade[1]), float(shade[2]))


def _dark(shade: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(shade[0]) * 0.62, float(shade[1]) * 0.62, float(shade[2]) * 0.62)


def shadow_points(joints: F32, light: Light) -> NDArray[np.float64]:
    """Ground points [n, 3] whose hull is the shadow of a body: its joints seen from the sun, and a disc under it."""
    body = np.asarray(joints, np.float64)
    spread = np.concatenate([body[:, :2] + 0.13 * _CIRCLE[k] for k in (1, 3, 5, 7)])
    height = np.tile(np.maximum(body[:, 2], 0.0), 4)
    ground = np.zeros((len(spread), 3))
    ground[:, :2] = spread + height[:, None] * np.array(light.sun)
    return ground
