"""Fire, smoke, flashes, sparks and dust: soft discs and tongues laid over the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.stage import Effect
from hawkeye_core.errors import ConfigError

EFFECTS: tuple[str, ...] = ("fire", "smoke", "flash", "sparks", "dust")
"""Kinds of effect."""

_FLICKER_HZ = 12.0
_BLOB = 64


class Blob(NamedTuple):
    """A disc in the picture: middle and radius in px, colour, and how much of what is behind it covers (0..1)."""

    x: float
    y: float
    radius: float
    colour: tuple[int, int, int]
    cover: float
    hard: bool


@lru_cache(maxsize=2)
def _sprite(hard: bool) -> NDArray[np.float32]:
    """Cover [64, 64] of a disc: falling off like a bell, or nearly flat with a soft rim."""
    at = (np.arange(_BLOB, dtype=np.float32) + 0.5) / _BLOB * 2 - 1
    r2 = at[:, None] ** 2 + at[None, :] ** 2
    bell = np.clip(1 - r2, 0, 1)
    return np.asarray(np.clip(2.2 * bell, 0, 1) if hard else bell**1.5, np.float32)


def blobs_of(effect: Effect, camera: Camera) -> list[Blob]:
    """An effect's discs, hindmost first; none behind the camera.

    Raises:
        ConfigError: No such effect.
    """
    if effect.kind not in EFFECTS:
        raise ConfigError(f"no such effect: {effect.kind!r}", remedy=f"use one of {', '.join(EFFECTS)}")
    step = int(effect.age_s * _FLICKER_HZ + 1e-6)
    flicker = np.random.default_rng((effect.seed, step))
    steady = np.random.default_rng((effect.seed, 7919))
    size, age = effect.size_m, effect.age_s
    if effect.kind == "fire":
        puffs = _fire(size, min(1.0, 0.3 + age), flicker)
    elif effect.kind in ("smoke", "dust"):
        puffs = _cloud(size, age, steady, brown=effect.kind == "dust")
    elif effect.kind == "flash":
        fade = max(0.0, 1.0 - age / 0.5)
        puffs = [(np.zeros(3), 1.0 * size, (120, 190, 250), 0.85 * fade, False)]
        puffs += [(np.zeros(3), 0.5 * size * fade, (215, 245, 255), fade, True)] if fade > 0 else []
    else:
        fade = max(0.0, 1.0 - age / 1.0)
        puffs = []
        for _ in range(16):
            spread = flicker.normal(size=3) * (0.35, 0.35, 0.3) * size
            puffs.append((spread, 0.045 * size + 0.015, (110, 220, 255), fade, True))
    if not puffs:
        return []
    points = camera.project(np.asarray(effect.at) + np.stack([puff[0] for puff in puffs]))
    return [
        Blob(float(x), float(y), radius * camera.focal_px / float(z), colour, cover, hard)
        for (x, y, z), (_, radius, colour, cover, hard) in zip(points, puffs, strict=True)
        if z > 0.3 and cover > 0.02
    ]


_Puff = tuple[NDArray[np.float64], float, tuple[int, int, int], float, bool]


def _fire(size: float, strength: float, rng: np.random.Generator) -> list[_Puff]:
    """A glow, then tongues from dark red outside to light yellow inside, narrower upwards."""
    puffs: list[_Puff] = [(np.zeros(3), 1.1 * size, (50, 120, 235), 0.4 * strength, False)]
    for colour, share, count in (((30, 60, 215), 1.0, 12), ((30, 135, 250), 0.75, 10), ((120, 228, 255), 0.5, 8)):
        for k in range(count):
            up = (k + rng.random()) / count
            wide = 0.3 * size * share * strength * (1 - 0.8 * up) * rng.uniform(0.8, 1.1)
            side = rng.normal(size=2) * 0.2 * size * share * (1 - up)
            at = np.array([side[0], side[1], (up - 0.4) * size * (0.55 + 0.45 * share) * strength])
            puffs.append((at, float(wide), colour, 0.9, True))
    return puffs


def _cloud(size: float, age: float, rng: np.random.Generator, *, brown: bool) -> list[_Puff]:
    """Puffs that rise for ever (smoke), or spread along the ground once (dust), grow and thin out."""
    puffs: list[_Puff] = []
    life = 1.5 if brown else 3.0
    for k in range(14):
        way, shade = rng.normal(size=3), rng.uniform(0.75, 1.2)
        old = age - k / 14 * (0.3 if brown else life)
        if old < 0:
            continue
        share = min(old / life, 1.0) if brown else old % life / life
        if brown:
            at = np.array([way[0], way[1], 0.25 * abs(way[2])]) * size * 0.5 * share**0.5
            colour = (int(118 * shade), int(142 * shade), int(160 * shade))
        else:
            at = np.array([0.12 * way[0] + 0.25 * share, 0.12 * way[1], -0.4 + 1.2 * share]) * size
            colour = (int(76 * shade), int(74 * shade), int(72 * shade))
        puffs.append((at, size * (0.16 + 0.28 * share), colour, 0.85 * (1 - share) ** 0.7, False))
    return puffs


def _window(blob: Blob, width: int, height: int) -> tuple[slice, slice, NDArray[np.float32]] | None:
    """Rows, columns and cover of a disc inside the picture."""
    radius = max(1, round(blob.radius))
    if radius > 4 * max(width, height) or not (abs(blob.x) < 1e5 and abs(blob.y) < 1e5):
        return None
    left, top = round(blob.x) - radius, round(blob.y) - radius
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + 2 * radius, width), min(top + 2 * radius, height)
    if x0 >= x1 or y0 >= y1:
        return None
    cover = cv2.resize(_sprite(blob.hard), (2 * radius, 2 * radius), interpolation=cv2.INTER_LINEAR)
    return slice(y0, y1), slice(x0, x1), cover[y0 - top : y1 - top, x0 - left : x1 - left] * np.float32(blob.cover)


def paint_blobs(image: NDArray[np.uint8], blobs: list[Blob]) -> None:
    """Lay discs over a picture [H, W, 3]."""
    for blob in blobs:
        window = _window(blob, image.shape[1], image.shape[0])
        if window is not None:
            rows, columns, cover = window
            below = image[rows, columns].astype(np.float32)
            below += cover[..., None] * (np.array(blob.colour, np.float32) - below)
            image[rows, columns] = below


def cover_codes(codes: NDArray[np.uint16], blobs: list[Blob], *, code: int) -> None:
    """Write ``code`` where discs cover more than 0.6 of what is behind them."""
    for blob in blobs:
        window = _window(blob, codes.shape[1], codes.shape[0])
        if window is not None:
            rows, columns, cover = window
            codes[rows, columns][cover > 0.6] = code
