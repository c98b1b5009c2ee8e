"""A motion as pictures for the vision tower: a person without a face on a plain floor before a plain wall.

HumanML3D has no pictures. The person is painted as ReconSim's people are (tapered limbs, trunk, head; clothes by
chance), but nothing else is shown, so that there is nothing to see that no caption speaks of.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.motion_clips import F32
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.casting import dressed
from hawkeye_core.datasets.reconsim.faces import SHIFT, fill, painting_order, to_fixed
from hawkeye_core.datasets.reconsim.look import LIGHTS, Light
from hawkeye_core.datasets.reconsim.people import person_solids, shadow_points

STATURE_M = 1.7
"""HumanML3D fits all motions to one skeleton; limbs are as thick as a person of this height has them."""

_FLOOR = ((118, 124, 128), (150, 152, 148), (96, 110, 122), (132, 126, 112))
_WALL = ((196, 198, 200), (178, 186, 192), (205, 196, 184), (168, 172, 166))


def draw_clip(body: F32, camera: Camera, *, seed: int) -> NDArray[np.uint8]:
    """Pictures [F, H, W, 3] RGB of a person that moves; the same arguments give the same pixels.

    Args:
        body: [F, J3, 3] metres, z up, the ground at 0; as a clip has it.
        camera: Its picture has the size to draw.
        seed: Of clothes and background.
    """
    rng = np.random.default_rng([seed, 0xF16])
    person = replace(dressed(str(rng.choice(["man", "woman"])), rng), height_m=STATURE_M)
    light = LIGHTS[str(rng.choice(["day", "overcast"]))]
    ground = _background(body, camera, light, rng)
    shaded = (ground * (1.0 - light.shadow)).astype(np.uint8)
    frames = []
    for joints in body:
        image = ground.copy()
        _cast_shadow(image, shaded, joints, camera, light)
        solids = person_solids(person, joints, camera, light, owner=0)
        for i in painting_order(solids, camera.eye):
            fill(image, solids[i].faces)
        frames.append(image[..., ::-1])
    return np.stack(frames)


def _background(body: F32, camera: Camera, light: Light, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A floor [H, W, 3] BGR that ends some metres behind the person, and the wall above."""
    floor, wall = (np.array(colours[int(rng.integers(len(colours)))]) for colours in (_FLOOR, _WALL))
    floor, wall = light.tint(np.stack([floor, wall]) + rng.uniform(-6, 6, (2, 3)))
    below = -camera.rays()[..., 2]  # metres that a ray sinks for one ahead
    reach = camera.position[2] / np.maximum(below, 1e-6)
    behind = float(((body - camera.eye) @ camera.axes[2]).max()) + rng.uniform(1.5, 5.0)
    on_floor = np.clip((behind - reach) / (0.02 * behind) + 0.5, 0, 1)[..., None]
    fade = 1.06 - 0.16 * np.clip(reach / behind, 0, 1)[..., None]
    image = on_floor * floor * fade + (1 - on_floor) * wall
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _cast_shadow(
    image: NDArray[np.uint8], shaded: NDArray[np.uint8], joints: F32, camera: Camera, light: Light
) -> None:
    seen = camera.project(shadow_points(joints, light))
    if seen[:, 2].min() < 0.1:
        return
    hull = np.asarray(cv2.convexHull(np.ascontiguousarray(seen[:, :2])), np.float32)[:, 0]
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, to_fixed(hull), (255,), cv2.LINE_8, SHIFT)
    cv2.copyTo(shaded, mask, image)
