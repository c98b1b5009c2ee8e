"""Surfaces of a background: colours as functions of the place on the ground or on a wall."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.stage import F32, Colour, Place

_TILE = 256

Paint = Callable[[F32, F32], F32]
"""Colours [..., 3] BGR 0..255 at metres along two axes [...]."""


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


class Texture:
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


def _asphalt(texture: Texture, u: F32, v: F32, grey: float) -> F32:
    base = _flat(u.shape, (grey * 1.03, grey * 1.01, grey))
    return base + texture(u, v, (5.0, 4.0, 4.0))[..., None]


def _slabs(texture: Texture, u: F32, v: F32, size: float, colour: Colour, joint: float) -> F32:
    """Square slabs, each a little lighter or darker, with joints between."""
    base = _flat(u.shape, colour) + texture(u, v, (2.0, 2.0, 3.0))[..., None]
    i, j = np.floor(u / size), np.floor(v / size)
    base += (7.0 * (np.sin(i * 12.9898 + j * 78.233) * 43758.5453 % 1.0 - 0.5))[..., None]
    edge = np.minimum(u - i * size, v - j * size) < joint
    base[edge] *= 0.82
    return base


def street_ground(place: Place, rng: np.random.Generator, texture: Texture) -> Paint:
    """A road along x with a dashed line, between pavements of slabs."""
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


def car_park_ground(place: Place, rng: np.random.Generator, texture: Texture) -> Paint:
    """Asphalt with two rows of bays, and grass around it."""
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


def shop_ground(place: Place, rng: np.random.Generator, texture: Texture) -> Paint:
    """Tiles."""
    colour: Colour = tuple(int(c) for c in np.array(rng.choice([[178, 186, 190], [150, 164, 176], [166, 172, 168]])))  # type: ignore[assignment]
    size = float(rng.choice([0.4, 0.6]))

    def paint(x: F32, y: F32) -> F32:
        return _slabs(texture, x, y, size, colour, 0.02)

    return paint


def corridor_ground(place: Place, rng: np.random.Generator, texture: Texture) -> Paint:
    """Linoleum with a darker border along the walls."""
    colours = np.array([[140, 150, 154], [120, 140, 150], [150, 146, 138], [112, 134, 124]])
    colour = tuple(float(c) for c in colours[rng.integers(4)])
    border = place.extent_m[0] * 0.8

    def paint(x: F32, y: F32) -> F32:
        base = _flat(x.shape, (colour[0], colour[1], colour[2])) + texture(x, y, (2.0, 2.5, 4.0))[..., None]
        base[np.abs(x) > border] *= 0.82
        return base

    return paint


def facade(rng: np.random.Generator, texture: Texture) -> Paint:
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


def inner_wall(rng: np.random.Generator, texture: Texture) -> Paint:
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


def hedge(rng: np.random.Generator, texture: Texture) -> Paint:
    """Leaves."""
    green = np.array([46, 88, 66], np.float32) * rng.uniform(0.85, 1.2)

    def paint(u: F32, z: F32) -> F32:
        return _flat(u.shape, tuple(green)) + texture(u, z, (14.0, 10.0, 6.0))[..., None]

    return paint
