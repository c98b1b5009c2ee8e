"""Light, which colours things before they are drawn, and the faults of camera and recorder, which come after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.stage import F32, Look
from hawkeye_core.errors import ConfigError

_ROAM = 64  # px by which the window of noise moves about from frame to frame


@dataclass(frozen=True, slots=True)
class Light:
    """What the light does to colours and shadows.

    Args:
        gain: Brightness.
        saturation: 1 leaves colours, 0 makes them grey.
        cast: Factors of blue, green, red.
        lift: Grey levels added.
        sun: Metres a shadow reaches to the east and to the north for each metre of height.
        shadow: Share of the light that a shadow takes.
        contrast_of_faces: Difference between lit and unlit faces of a solid.
    """

    gain: float
    saturation: float
    cast: tuple[float, float, float]
    lift: float
    sun: tuple[float, float]
    shadow: float
    contrast_of_faces: float

    def tint(self, colours: NDArray[np.floating]) -> F32:
        """Colours [..., 3] BGR 0..255 as this light shows them, 0..255."""
        grey = colours @ np.array([0.114, 0.587, 0.299])
        mixed = grey[..., None] + self.saturation * (colours - grey[..., None])
        return np.clip(mixed * self.gain * np.array(self.cast) + self.lift, 0, 255).astype(np.float32)

    @property
    def towards(self) -> NDArray[np.float64]:
        """Unit vector [3] towards where the light comes from."""
        vector = np.array([-self.sun[0], -self.sun[1], 1.0])
        return vector / np.linalg.norm(vector)

    def shade(self, normals: NDArray[np.floating]) -> NDArray[np.float64]:
        """Brightness [...] of faces with these unit normals [..., 3], about 1."""
        depth = self.contrast_of_faces
        return 1.05 - depth + depth * np.clip(normals @ self.towards, -0.15, 1.0)


LIGHTS: Mapping[str, Light] = MappingProxyType({
    "day": Light(1.0, 1.0, (1.0, 1.0, 1.0), 0.0, (0.45, 0.3), 0.45, 0.42),
    "overcast": Light(0.86, 0.72, (1.04, 1.0, 0.97), 4.0, (0.08, 0.05), 0.25, 0.26),
    "dusk": Light(0.68, 0.8, (0.92, 0.94, 1.08), 6.0, (-0.9, 0.3), 0.3, 0.36),
    "night": Light(0.58, 0.15, (0.93, 1.06, 0.93), 8.0, (0.1, -0.1), 0.35, 0.3),
})  # fmt: skip
"""By name; ``night`` is dim and grey-green, as a camera with infrared lamps sees."""


def light_of(look: Look, *, indoors: bool) -> Light:
    """The light a look names; indoors it comes from the ceiling, with short and weak shadows.

    Raises:
        ConfigError: No such light.
    """
    if look.light not in LIGHTS:
        raise ConfigError(f"no such light: {look.light!r}", remedy=f"use one of {', '.join(LIGHTS)}")
    light = LIGHTS[look.light]
    return replace(light, sun=(0.07, -0.05), shadow=0.25, contrast_of_faces=0.28) if indoors else light


def random_look(rng: np.random.Generator) -> Look:
    """Half of all looks are clean daylight; the others have another light, a worse camera, or both."""
    seed = int(rng.integers(2**31))
    if rng.random() < 0.5:
        return Look("day", noise=float(rng.uniform(0, 2)), seed=seed)
    light = str(rng.choice(["day", "dusk", "night", "overcast"], p=[0.22, 0.22, 0.28, 0.28]))
    noise = float(rng.uniform(1, 6) + (rng.uniform(1, 4) if light == "night" else 0))
    return Look(
        light,
        noise=noise if rng.random() < 0.6 else 1.0,
        blur_px=float(rng.uniform(0.4, 1.3)) if rng.random() < 0.35 else 0.0,
        contrast=float(rng.uniform(0.65, 0.9)) if rng.random() < 0.35 else 1.0,
        jpeg_quality=int(rng.integers(25, 75)) if rng.random() < 0.45 else 0,
        seed=seed,
    )


@lru_cache(maxsize=8)
def _noise_tiles(seed: int, deviation: float, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Grey levels to add and to take away; half of the noise is common to the colours. Frames cut windows of them."""
    rng = np.random.default_rng(seed)
    grey = rng.standard_normal((height + _ROAM, width + _ROAM, 1), np.float32)
    colour = rng.standard_normal((height + _ROAM, width + _ROAM, 3), np.float32)
    levels = np.rint(deviation * (0.8 * grey + 0.6 * colour))
    return np.clip(levels, 0, 255).astype(np.uint8), np.clip(-levels, 0, 255).astype(np.uint8)


def apply_look(image: NDArray[np.uint8], look: Look, *, frame: int) -> NDArray[np.uint8]:
    """A picture with the camera's faults: blur, contrast, noise, compression, in this order; the light is not applied.

    Args:
        image: [H, W, 3] BGR; not changed.
        look: What to do; a perfect look gives the image itself.
        frame: Number of the frame, which chooses its noise.
    """
    if look.blur_px > 0:
        image = cv2.GaussianBlur(image, (0, 0), look.blur_px)  # type: ignore[assignment]
    if look.contrast != 1.0:
        levels = np.arange(256, dtype=np.float64)
        middle = float(cv2.mean(image[::4, ::4])[1])
        table = np.clip(np.rint(middle + (levels - middle) * look.contrast), 0, 255).astype(np.uint8)
        image = cv2.LUT(image, table)  # type: ignore[assignment]
    if look.noise > 0:
        height, width = image.shape[:2]
        top, left = np.random.default_rng((look.seed, frame)).integers(0, _ROAM + 1, size=2)
        window = (slice(top, top + height), slice(left, left + width))
        more, less = _noise_tiles(look.seed, look.noise, height, width)
        image = cv2.subtract(cv2.add(image, more[window]), less[window])  # type: ignore[assignment]
    if look.jpeg_quality > 0:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return image
