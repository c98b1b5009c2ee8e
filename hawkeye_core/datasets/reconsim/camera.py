"""A surveillance camera as a pinhole, and where such cameras hang.

Picture coordinates are continuous: pixel i covers [i, i + 1), its middle is at i + 0.5. x grows to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.stage import F32, Place
from hawkeye_core.errors import ConfigError

VIEWS: tuple[str, ...] = ("oblique", "corner", "overhead", "drone")
"""Ways a camera looks at a place."""
SHARES: tuple[float, ...] = (0.4, 0.3, 0.15, 0.15)
"""How often each of :data:`VIEWS` is drawn outdoors; indoors there is no drone."""

_PERSON_M = 1.8
_TALLEST_PX_PER_240 = 140.0
_MARGIN = 0.02  # of the picture, kept free on each side
_FRAMED = 0.8  # of the extent that is always in the picture; who stands further out may be cut by its edge


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without roll and without lens distortion.

    With r, d, f the unit vectors to the right, downwards in the picture and forwards, and q = p - position:
    x = width / 2 + focal (q . r) / (q . f), y = height / 2 + focal (q . d) / (q . f), depth = q . f.

    Args:
        position: In world metres.
        yaw: Direction of sight seen from above, radians counter-clockwise from +y.
        pitch: Angle of sight below the horizon, radians.
        focal_px: Focal length in pixels.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float
    focal_px: float
    width: int
    height: int

    @cached_property
    def eye(self) -> NDArray[np.float64]:
        """Position as an array [3]."""
        return np.asarray(self.position, np.float64)

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """Rows: right, down in the picture, forwards; [3, 3]."""
        sin_yaw, cos_yaw = np.sin(self.yaw), np.cos(self.yaw)
        sin_pitch, cos_pitch = np.sin(self.pitch), np.cos(self.pitch)
        right = np.array([cos_yaw, sin_yaw, 0.0])
        forward = np.array([-sin_yaw * cos_pitch, cos_yaw * cos_pitch, -sin_pitch])
        return np.stack([right, np.cross(forward, right), forward])

    def project(self, points: NDArray[np.floating]) -> F32:
        """World points [..., 3] to [..., 3]: x px, y px, depth m. Depth <= 0: behind the camera, x and y are NaN."""
        seen = (np.asarray(points, np.float64) - self.eye) @ self.axes.T
        depth = seen[..., 2]
        ratio = self.focal_px / np.where(depth > 0, depth, np.nan)
        seen[..., 0] = self.width / 2 + seen[..., 0] * ratio
        seen[..., 1] = self.height / 2 + seen[..., 1] * ratio
        return seen.astype(np.float32)

    def rays(self, *, scale: int = 1) -> NDArray[np.float64]:
        """Directions [H * scale, W * scale, 3] from the eye through every pixel, of depth 1."""
        x = (np.arange(self.width * scale) + 0.5) / scale - self.width / 2
        y = (np.arange(self.height * scale) + 0.5) / scale - self.height / 2
        right, down, forward = self.axes
        across = x[None, :, None] / self.focal_px * right
        return across + y[:, None, None] / self.focal_px * down + forward


def make_camera(view: str, place: Place, rng: np.random.Generator, *, width: int, height: int) -> Camera:
    """Hang a camera so that the inner 0.8 of the place's extent, up to a person's height, is in the picture.

    ``oblique`` hangs at 3 to 5 m and looks down by some 20 to 35 degrees; ``corner`` hangs higher and looks along a
    diagonal; ``overhead`` looks down by 52 to 70 degrees; ``drone`` by 40 to 60 from 14 to 25 m through a longer lens.

    Args:
        view: One of :data:`VIEWS`.
        place: Its extent is fitted.
        rng: Of height, direction and angle.
        width: Of the picture in pixels.
        height: Of the picture in pixels.

    Raises:
        ConfigError: No such view.
    """
    half_x, half_y = place.extent_m
    swing = 0.25 if min(half_x, half_y) < 0.6 * max(half_x, half_y) else 0.5
    along = 0.0 if half_x >= 0.6 * half_y or place.kind == "corridor" else 0.5 * np.pi
    turn = along + np.pi * rng.integers(2)
    if view == "oblique":
        yaw, pitch, up = turn + rng.uniform(-swing, swing), rng.uniform(20, 32), rng.uniform(3.2, 5.0)
    elif view == "corner":
        side = rng.choice([-1.0, 1.0])
        yaw, pitch, up = turn + side * rng.uniform(swing, swing + 0.35), rng.uniform(30, 44), rng.uniform(4.8, 7.0)
    elif view == "overhead":
        yaw, pitch, up = turn + rng.uniform(-swing, swing), rng.uniform(52, 70), rng.uniform(7.0, 10.0)
    elif view == "drone":
        yaw, pitch, up = turn + rng.uniform(-1, 1) * (swing + 0.3), rng.uniform(40, 60), rng.uniform(14, 25)
    else:
        raise ConfigError(f"no such view: {view!r}", remedy=f"use one of {', '.join(VIEWS)}")
    reach = abs(half_x * np.sin(yaw)) + abs(half_y * np.cos(yaw))
    away = up / np.tan(np.radians(pitch))
    if view in ("oblique", "corner"):  # never above the heads of those in front
        away = max(away, 1.2 * reach + 2.5)
    position = (float(np.sin(yaw) * away), float(-np.cos(yaw) * away), float(up))
    start = Camera(position, float(yaw), float(np.arctan2(up - 0.7, away)), float(width), width, height)
    return _fitted(start, _FRAMED * half_x, _FRAMED * half_y)


def _fitted(camera: Camera, half_x: float, half_y: float) -> Camera:
    """Turn the camera and choose its focal length so that the extent fills the picture.

    Tries a grid of directions, then a finer one around the best, and keeps the one that lets the lens be longest.
    """
    corners = np.array([[x, y, z] for x in (-half_x, half_x) for y in (-half_y, half_y) for z in (0.0, _PERSON_M)])
    for reach in (0.36, 0.05):
        turns = [
            replace(camera, yaw=camera.yaw + yaw, pitch=float(np.clip(camera.pitch + pitch, 0.05, 1.55)))
            for yaw in reach * np.linspace(-1, 1, 7)
            for pitch in reach * np.linspace(-1, 1, 13)
        ]
        camera = max(turns, key=lambda turned: _longest(turned, corners))
    focal = _longest(camera, corners)
    nearest = float(((corners - camera.eye) @ camera.axes[2]).min())
    tallest = focal * _PERSON_M * np.cos(camera.pitch) / max(nearest, 0.1)
    return replace(camera, focal_px=focal * min(1.0, _TALLEST_PX_PER_240 * camera.height / 240 / float(tallest)))


def _longest(camera: Camera, corners: NDArray[np.float64]) -> float:
    """The longest focal length in px with which all corners are in the picture; 0 where one is beside the camera."""
    across, down, depth = ((corners - camera.eye) @ camera.axes.T).T
    if depth.min() < 0.3:
        return 0.0
    half_w, half_h = (0.5 - _MARGIN) * camera.width, (0.5 - _MARGIN) * camera.height
    return float(min(half_w / np.abs(across / depth).max(), half_h / np.abs(down / depth).max()))
