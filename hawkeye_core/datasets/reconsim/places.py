"""The unmoving background of a place: ground, markings, walls; found by casting a ray through every pixel, once.

Background surfaces bear no thing that :mod:`props` can put on stage, so that everything with a name has a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.look import Light
from hawkeye_core.datasets.reconsim.stage import F32, Place
from hawkeye_core.datasets.reconsim.surfaces import (
    Paint,
    Texture,
    car_park_ground,
    corridor_ground,
    facade,
    hedge,
    inner_wall,
    shop_ground,
    street_ground,
)
from hawkeye_core.errors import ConfigError

PLACES: tuple[str, ...] = ("street", "shop", "corridor", "car park")
"""Kinds of place."""
INDOORS = frozenset(("shop", "corridor"))
"""Places under a ceiling."""

_SCALE = 2  # rays for each pixel and side; edges come out smooth


@dataclass(frozen=True)
class Wall:
    """An upright rectangle, seen from one side only, so that a camera looks through the wall behind it.

    Args:
        start: Left end on the ground, seen from the side that is painted, (x, y) metres.
        end: Right end.
        height: Metres.
        paint: Colours [..., 3] at metres from the left [...] and metres above ground [...].
    """

    start: tuple[float, float]
    end: tuple[float, float]
    height: float
    paint: Paint


def _surroundings(place: Place, rng: np.random.Generator, texture: Texture) -> tuple[Paint, list[Wall]]:
    """Ground and walls of a place."""
    ex, ey = place.extent_m
    if place.kind in INDOORS:
        room = 0.25 if place.kind == "corridor" else 0.9
        x, y = ex + room * rng.uniform(0.6, 1.2), ey + (0.9 + 2.0 * (place.kind == "corridor")) * rng.uniform(0.6, 1.2)
        height = 5.0  # no ceiling is drawn; walls that go on upwards hide that there is none
        ground = (shop_ground if place.kind == "shop" else corridor_ground)(place, rng, texture)
        paint = inner_wall(rng, texture)
        corners = [(-x, y), (x, y), (x, -y), (-x, -y)]
        return ground, [Wall(corners[k], corners[(k + 1) % 4], height, paint) for k in range(4)]
    if place.kind == "street":
        ground = street_ground(place, rng, texture)
        far, near = ey + rng.uniform(1.2, 2.5), ey + rng.uniform(6.0, 8.0)
        walls = []
        for y, way in ((far, 1.0), (-near, -1.0)):
            left = -30.0
            while left < 30.0:
                right = left + rng.uniform(6, 12)
                step = rng.uniform(0.0, 0.5)
                walls.append(
                    Wall(
                        (way * left, y + way * step),
                        (way * right, y + way * step),
                        rng.uniform(5, 9),
                        facade(rng, texture),
                    )
                )
                left = right
        return ground, walls
    if place.kind == "car park":
        ground = car_park_ground(place, rng, texture)
        x, y = ex + rng.uniform(11, 14), ey + rng.uniform(9, 12)
        corners = [(-x, y), (x, y), (x, -y), (-x, -y)]
        walls = [
            Wall(
                corners[k],
                corners[(k + 1) % 4],
                rng.uniform(1.2, 5.5),
                (hedge if rng.random() < 0.6 else facade)(rng, texture),
            )
            for k in range(4)
        ]
        return ground, walls
    raise ConfigError(f"no such place: {place.kind!r}", remedy=f"use one of {', '.join(PLACES)}")


def draw_background(place: Place, camera: Camera, light: Light) -> NDArray[np.uint8]:
    """What the camera sees of a place with nobody there, [H, W, 3] BGR.

    Raises:
        ConfigError: No such kind of place.
    """
    rng = np.random.default_rng(place.seed)
    texture = Texture(rng)
    ground, walls = _surroundings(place, rng, texture)
    rays = camera.rays(scale=_SCALE).astype(np.float32)
    eye = camera.eye.astype(np.float32)
    if place.kind in INDOORS:
        horizon, zenith = np.array([150, 152, 152]), np.array([120, 122, 122])
    else:
        horizon, zenith = np.array([224, 216, 208]), np.array([214, 182, 150])
    sky = np.clip(0.5 + 2.0 * rays[..., 2:] / np.linalg.norm(rays, axis=-1, keepdims=True), 0, 1)
    image = ((1 - sky) * horizon + sky * zenith).astype(np.float32)
    nearest = np.full(rays.shape[:2], 400.0, np.float32)

    with np.errstate(divide="ignore"):
        away = np.where(rays[..., 2] < -1e-4, -eye[2] / rays[..., 2], np.inf)
    hit = away < nearest
    point = eye + rays[hit] * away[hit][:, None]
    colours = ground(point[:, 0], point[:, 1]) * light.shade(np.array([0.0, 0.0, 1.0]))
    haze = np.clip((away[hit] - 30) / 120, 0, 0.8)[:, None]
    image[hit] = colours * (1 - haze) + haze * 0.95 * horizon
    nearest[hit] = away[hit]
    for wall in walls:
        _cast_wall(image, nearest, rays, eye, wall, light)
    small = cv2.resize(np.clip(image, 0, 255), (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return np.rint(light.tint(small)).astype(np.uint8)


def _cast_wall(
    image: F32,
    nearest: F32,
    rays: F32,
    eye: F32,
    wall: Wall,
    light: Light,
) -> None:
    """Paint the pixels whose ray hits a wall before anything else; the wall is seen from its painted side only."""
    start, end = np.array(wall.start, np.float32), np.array(wall.end, np.float32)
    along = end - start
    length = float(np.linalg.norm(along))
    along = along / length
    normal = np.array([along[1], -along[0]])  # to the reader of a wall whose left end is the start
    height = float((eye[:2] - start) @ normal)
    if height <= 0:
        return
    closing = rays[..., :2] @ normal
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(closing < -1e-9, -height / closing, np.inf)
        z = eye[2] + away * rays[..., 2]
        u = (eye[:2] - start) @ along + away * (rays[..., :2] @ along)
        hit = (away < nearest) & (u >= 0) & (u <= length) & (z >= 0) & (z <= wall.height)
    if not hit.any():
        return
    shade = float(light.shade(np.array([normal[0], normal[1], 0.0])))
    image[hit] = np.clip(wall.paint(u[hit], z[hit]), 0, 255) * shade
    nearest[hit] = away[hit]
