"""A person painted from 22 joints: limbs as tapered capsules, a trunk, a head without a face."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim import body_parts as parts
from hawkeye_core.datasets.reconsim.body import JOINT
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.faces import Face, Solid, to_fixed
from hawkeye_core.datasets.reconsim.look import Light
from hawkeye_core.datasets.reconsim.stage import F32, Appearance


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
    hands = body[parts.WRISTS] + 0.33 * (body[parts.WRISTS] - body[parts.ELBOWS])
    toes = body[parts.FEET] + 0.35 * (body[parts.FEET] - body[parts.ANKLES]) * (1.0, 1.0, 0.0)
    return np.concatenate([body, hands, toes, head + parts.HEAD_UP * up + parts.HEAD_AHEAD * ahead])


def _capsules(
    start: NDArray[np.float64], end: NDArray[np.float64], r0: NDArray[np.float64], r1: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Outlines [n, 12, 2] of capsules from discs of radius r0 at ``start`` [n, 2] to discs of r1 at ``end``."""
    along = end - start
    length = np.sqrt((along * along).sum(-1, keepdims=True))
    along = np.where(length > 1e-3, along / np.maximum(length, 1e-3), (1.0, 0.0))
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    arc = parts.COS[None, :, None] * along[:, None] + parts.SIN[None, :, None] * across[:, None]
    back = -parts.COS[None, :, None] * along[:, None] - parts.SIN[None, :, None] * across[:, None]
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
    radii = parts.RADII.copy()
    head = (1.0 if person.kind == "child" else 0.92) * neck
    radii[parts.HEAD[0]] = (0.82 * head, 0.90 * head)
    radii[parts.HEAD[1]] = (0.98 * head, 1.05 * head) if person.hood else (0.92 * head, 0.96 * head)
    r0, r1 = radii[:, 0] * pixels[parts.FROM], radii[:, 1] * pixels[parts.TO]
    start, end = flat[parts.FROM], flat[parts.TO]
    both = to_fixed(
        _capsules(
            np.concatenate([start, start]),
            np.concatenate([end, end]),
            np.concatenate([r0 + parts.RIM_PX, r0]),
            np.concatenate([r1 + parts.RIM_PX, r1]),
        )
    )
    at = 0.5 * (depth[parts.FROM] + depth[parts.TO]) - 0.5 * (radii[:, 0] + radii[:, 1])
    shade = np.clip(0.93 - 0.5 * (at - depth[JOINT["spine1"]] + 0.1), 0.8, 1.08)
    colours = np.stack([palette[name] for name in parts.COLOUR_NAMES]) * shade[:, None]
    fills, rims, n = colours.tolist(), (parts.RIM_SHADE * colours).tolist(), len(parts.CAPSULES)
    corners = points[parts.ENDS]
    return [
        Solid(
            [Face(both[i], tuple(rims[i]), part), Face(both[n + i], tuple(fills[i]), part)],
            corners[i],
            None,
            float(at[i]),
            owner,
        )
        for i, part in enumerate(parts.CAPSULE_PARTS)
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
    hulls = parts.BODY if person.kind != "woman" else parts.HOODED_WOMAN if person.hood else parts.WOMAN
    discs = [joint for hull in hulls for joint in hull.joints]
    radii = np.concatenate([hull.radii for hull in hulls]) * pixels[discs]
    if hulls[-1].name == "hair":
        radii[-len(hulls[-1].joints) :] *= neck / 0.093
    reach = np.stack([radii + parts.RIM_PX, radii])[..., None, None] * parts.CIRCLE  # [2, k, 8, 2]
    rings = to_fixed(flat[discs][None, :, None] + reach)
    far = depth.tolist()
    solids, first = [], 0
    for hull in hulls:
        k = len(hull.joints)
        rim, inner = rings[:, first : first + k].reshape(2, -1, 2)
        first += k
        part = parts.PART[hull.name]
        b, g, r = palette[hull.colour].tolist()
        faces = [
            Face(_outline(rim), (parts.RIM_SHADE * b, parts.RIM_SHADE * g, parts.RIM_SHADE * r), part),
            Face(_outline(inner), (b, g, r), part),
        ]
        at = sum(far[joint] for joint in hull.joints) / k - hull.nearer
        solids.append(Solid(faces, points[(hull.joints * 4)[:8]], None, at, owner))
    return solids


def _outline(points: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray(cv2.convexHull(points), np.int32)[:, 0]


def shadow_points(joints: F32, light: Light) -> NDArray[np.float64]:
    """Ground points [n, 3] whose hull is the shadow of a body: its joints seen from the sun, and a disc under it."""
    body = np.asarray(joints, np.float64)[parts.SHADOWED]
    ground = np.zeros((len(body), len(parts.SQUARE), 3))
    ground[..., :2] = body[:, None, :2] + np.maximum(body[:, None, 2:], 0.0) * np.array(light.sun) + parts.SQUARE
    return ground.reshape(-1, 3)
