"""The unmoving background of a place: ground, markings, walls; found by casting a ray through every pixel, once.

Background surfaces bear no thing that :mod:`props` can put on stage, so that everything with a name has a label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.look import Light
from hawkeye_core.datasets.reconsim.stage import F32, Colour, Place
from hawkeye_core.errors import ConfigError

PLACES: tuple[str, ...] = ("street", "shop", "corridor", "car park")
"""Kinds of place."""
INDOORS = frozenset(("shop", "corridor"))
"""Places under a ceiling."""

_SCALE = 2  # rays for each pixel and side; edges come out smooth
_TILE = 256

Paint = Callable[[F32, F32], F32]


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


@lru_cache(maxsize=1)
def _tiles() -> list[F32]:
    """Roughness in three grains, of standard deviation 1, that goes on across the edges; the same for all places."""
    rng = np.random.default_rng(20260101)
    tiles = []
    for sigma in (0.6, 3.0, 14.0):
        grains = np.pad(rng.standard_normal((_TILE, _TILE), np.float32), _TILE // 2, mode="wrap")
        soft = cv2.GaussianBlur(grains, (0, 0), sigma)[_TILE // 2 : -_TILE // 2, _TILE // 2 : -_TILE // 2]
        tiles.append(np.asarray(soft / soft.std(), np.float32))
    return tiles


class _Texture:
    """Roughness of surfaces, a function of the place on them; places cut it from different spots."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._shift = rng.integers(_TILE, size=2)

    def __call__(self, u: F32, v: F32, weights: tuple[float, float, float]) -> F32:
        """Grey levels to add, [...]; grains of about 3, 15 and 70 cm with these standard deviations."""
        i = (np.floor(v * 20).astype(np.int32) + self._shift[0]) % _TILE
        j = (np.floor(u * 20).astype(np.int32) + self._shift[1]) % _TILE
        fine, middle, coarse = _tiles()
        mixed = weights[0] * fine + weights[1] * middle + weights[2] * coarse
        return np.asarray(mixed[i, j], np.float32)


def _mix(base: F32, where: NDArray[np.bool_], colour: Colour) -> None:
    base[where] = colour


def _flat(shape: tuple[int, ...], colour: tuple[float, float, float]) -> F32:
    return np.broadcast_to(np.array(colour, np.float32), (*shape, 3)).copy()


def _asphalt(texture: _Texture, u: F32, v: F32, grey: float) -> F32:
    base = _flat(u.shape, (grey * 1.03, grey * 1.01, grey))
    return base + texture(u, v, (5.0, 4.0, 4.0))[..., None]


def _slabs(texture: _Texture, u: F32, v: F32, size: float, colour: Colour, joint: float) -> F32:
    """Square slabs, each a little lighter or darker, with joints between."""
    base = _flat(u.shape, colour) + texture(u, v, (2.0, 2.0, 3.0))[..., None]
    i, j = np.floor(u / size), np.floor(v / size)
    base += (7.0 * (np.sin(i * 12.9898 + j * 78.233) * 43758.5453 % 1.0 - 0.5))[..., None]
    edge = np.minimum(u - i * size, v - j * size) < joint
    base[edge] *= 0.82
    return base


def _street_ground(place: Place, rng: np.random.Generator, texture: _Texture) -> Paint:
    grey, kerb = rng.uniform(92, 122), place.extent_m[1] * rng.uniform(0.45, 0.75)
    near_kerb = -place.extent_m[1] - rng.uniform(2.5, 4.0)
    slab: Colour = (int(rng.integers(140, 165)), int(rng.integers(145, 168)), int(rng.integers(150, 172)))
    dash = rng.uniform(1.6, 2.4)

    def paint(x: F32, y: F32) -> F32:
        base = _asphalt(texture, x, y, grey)
        middle = 0.5 * (kerb + near_kerb)
        _mix(base, (np.abs(y - middle) < 0.07) & (x % (2 * dash) < dash), (205, 212, 214))
        walk = (y > kerb) | (y < near_kerb)
        base[walk] = _slabs(texture, x[walk], y[walk], 0.75, slab, 0.03)
        _mix(base, (np.abs(y - kerb) < 0.09) | (np.abs(y - near_kerb) < 0.09), (176, 182, 184))
        return base

    return paint


def _car_park_ground(place: Place, rng: np.random.Generator, texture: _Texture) -> Paint:
    grey, bay = rng.uniform(84, 118), rng.uniform(2.5, 2.9)
    line: Colour = (205, 210, 212) if rng.random() < 0.7 else (70, 190, 215)
    edge, shift = place.extent_m[1] * rng.uniform(0.1, 0.35), rng.uniform(0, bay)
    grass = (52, 98, 80)

    def paint(x: F32, y: F32) -> F32:
        base = _asphalt(texture, x, y, grey)
        bays = (np.abs(y) > edge) & (np.abs(y) < edge + 5.2)
        _mix(base, bays & (np.abs((x + shift) % bay - 0.5 * bay) < 0.05), line)
        _mix(base, (np.abs(np.abs(y) - edge - 5.2) < 0.06), line)
        far = (np.abs(y) > edge + 7.5) | (np.abs(x) > place.extent_m[0] + 9)
        base[far] = _flat(x[far].shape, grass) + texture(x[far], y[far], (7.0, 6.0, 5.0))[..., None]
        return base

    return paint


def _shop_ground(place: Place, rng: np.random.Generator, texture: _Texture) -> Paint:
    colour: Colour = tuple(int(c) for c in np.array(rng.choice([[178, 186, 190], [150, 164, 176], [166, 172, 168]])))  # type: ignore[assignment]
    size = float(rng.choice([0.4, 0.6]))

    def paint(x: F32, y: F32) -> F32:
        return _slabs(texture, x, y, size, colour, 0.02)

    return paint


def _corridor_ground(place: Place, rng: np.random.Generator, texture: _Texture) -> Paint:
    colours = np.array([[140, 150, 154], [120, 140, 150], [150, 146, 138], [112, 134, 124]])
    colour = tuple(float(c) for c in colours[rng.integers(4)])
    border = place.extent_m[0] * 0.8

    def paint(x: F32, y: F32) -> F32:
        base = _flat(x.shape, (colour[0], colour[1], colour[2])) + texture(x, y, (2.0, 2.5, 4.0))[..., None]
        base[np.abs(x) > border] *= 0.82
        return base

    return paint


def _facade(rng: np.random.Generator, texture: _Texture) -> Paint:
    """Courses of brick or panels above a plinth."""
    colours = np.array([[92, 106, 150], [150, 156, 160], [120, 150, 176], [104, 120, 128], [166, 172, 176]])
    colour = colours[rng.integers(len(colours))].astype(np.float32)
    brick = rng.random() < 0.5

    def paint(u: F32, z: F32) -> F32:
        base = _flat(u.shape, tuple(colour)) + texture(u, z, (3.0, 3.0, 5.0))[..., None]
        if brick:
            row = np.floor(z / 0.2)
            joint = (z - row * 0.2 < 0.03) | ((u + 0.25 * (row % 2)) % 0.5 < 0.03)
        else:
            joint = (u % 2.4 < 0.05) | (z % 1.5 < 0.05)
        base[joint] *= 0.86
        base[z < 0.5] *= 0.72
        return base

    return paint


def _inner_wall(rng: np.random.Generator, texture: _Texture) -> Paint:
    """Plaster with a skirting board, a band at hip height, and a darker zone under the ceiling."""
    colours = np.array([[190, 200, 204], [176, 190, 186], [200, 196, 186], [168, 186, 200]])
    colour = colours[rng.integers(len(colours))].astype(np.float32)
    band = rng.random() < 0.5
    stripe = np.array(rng.choice([[120, 90, 60], [70, 90, 150], [90, 130, 90]])).astype(np.float32)

    def paint(u: F32, z: F32) -> F32:
        base = _flat(u.shape, tuple(colour)) + texture(u, z, (1.5, 1.5, 4.0))[..., None]
        if band:
            base[(z > 0.95) & (z < 1.12)] = stripe
        base[z < 0.12] = 0.5 * colour
        base *= (1.0 - 0.08 * np.clip(z - 1.5, 0, 2))[..., None].astype(np.float32)
        return base

    return paint


def _hedge(rng: np.random.Generator, texture: _Texture) -> Paint:
    green = np.array([46, 88, 66], np.float32) * rng.uniform(0.85, 1.2)

    def paint(u: F32, z: F32) -> F32:
        return _flat(u.shape, tuple(green)) + texture(u, z, (14.0, 10.0, 6.0))[..., None]

    return paint


def _surroundings(place: Place, rng: np.random.Generator, texture: _Texture) -> tuple[Paint, list[Wall]]:
    """Ground and walls of a place."""
    ex, ey = place.extent_m
    if place.kind in INDOORS:
        room = 0.25 if place.kind == "corridor" else 0.9
        x, y = ex + room * rng.uniform(0.6, 1.2), ey + (0.9 + 2.0 * (place.kind == "corridor")) * rng.uniform(0.6, 1.2)
        height = 5.0  # no ceiling is drawn; walls that go on upwards hide that there is none
        ground = (_shop_ground if place.kind == "shop" else _corridor_ground)(place, rng, texture)
        paint = _inner_wall(rng, texture)
        corners = [(-x, y), (x, y), (x, -y), (-x, -y)]
        return ground, [Wall(corners[k], corners[(k + 1) % 4], height, paint) for k in range(4)]
    if place.kind == "street":
        ground = _street_ground(place, rng, texture)
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
                        _facade(rng, texture),
                    )
                )
                left = right
        return ground, walls
    if place.kind == "car park":
        ground = _car_park_ground(place, rng, texture)
        x, y = ex + rng.uniform(11, 14), ey + rng.uniform(9, 12)
        corners = [(-x, y), (x, y), (x, -y), (-x, -y)]
        walls = [
            Wall(
                corners[k],
                corners[(k + 1) % 4],
                rng.uniform(1.2, 5.5),
                (_hedge if rng.random() < 0.6 else _facade)(rng, texture),
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
    texture = _Texture(rng)
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
