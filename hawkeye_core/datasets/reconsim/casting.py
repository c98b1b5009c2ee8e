"""Who appears, how they are dressed, and how large things are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from hawkeye_core.datasets.reconsim.stage import Appearance, Colour, Prop

SIZES_M: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "bag": (0.36, 0.22, 0.36), "bench": (1.6, 0.5, 0.46), "bike": (0.45, 1.6, 1.0), "board": (1.1, 0.08, 1.8),
        "bottle": (0.13, 0.13, 0.34), "box": (0.55, 0.5, 0.5), "cabinet": (0.9, 0.45, 1.6), "car": (1.6, 3.4, 1.4),
        "chair": (0.5, 0.5, 0.9), "counter": (1.7, 0.55, 1.0), "door": (0.95, 0.12, 2.05),
        "fence": (2.0, 0.08, 1.1), "phone": (0.1, 0.05, 0.2),
        "plant": (0.45, 0.45, 0.85), "pole": (0.12, 0.12, 2.6), "pot": (0.5, 0.5, 0.5), "shelf": (1.5, 0.45, 1.75),
        "sign": (0.7, 0.08, 1.9), "table": (1.2, 0.75, 0.75), "tree": (0.3, 0.3, 2.6), "truck": (1.8, 3.8, 2.2),
        "trunk": (0.8, 0.5, 0.5), "window": (1.2, 0.12, 1.7),
    }
)  # fmt: skip
"""Width, depth and height of each kind that the scenarios use."""

TOOL_M = (0.06, 0.06, 0.9)
"""A pole that is swung."""

_DULL: tuple[Colour, ...] = (
    (60, 50, 45), (90, 80, 70), (130, 110, 90), (70, 70, 110), (60, 90, 70), (50, 60, 140), (140, 140, 150),
    (40, 40, 40), (180, 180, 185), (110, 60, 50), (60, 110, 150), (150, 90, 60), (90, 60, 120), (200, 190, 170),
)  # fmt: skip
_SKIN: tuple[Colour, ...] = ((140, 170, 215), (110, 145, 195), (80, 110, 160), (55, 80, 125), (160, 190, 230))
_HAIR: tuple[Colour, ...] = ((25, 25, 30), (40, 55, 75), (70, 100, 140), (120, 120, 125), (30, 40, 90))
_HEIGHT_M = {"man": (1.66, 1.92), "woman": (1.55, 1.76), "child": (1.1, 1.35)}


def any_colour(rng: np.random.Generator) -> Colour:
    """A colour of clothes or things, blue, green, red."""
    base = np.array(_DULL[int(rng.integers(len(_DULL)))]) + rng.integers(-18, 19, 3)
    blue, green, red = np.clip(base, 15, 235).tolist()
    return blue, green, red


def dressed(kind: str, rng: np.random.Generator) -> Appearance:
    """Somebody of this kind."""
    low, high = _HEIGHT_M[kind]
    return Appearance(
        kind=kind,
        height_m=float(rng.uniform(low, high)),
        shirt=any_colour(rng),
        trousers=any_colour(rng),
        skin=_SKIN[int(rng.integers(len(_SKIN)))],
        hair=_HAIR[int(rng.integers(len(_HAIR)))],
        build=float(rng.uniform(0.85, 1.2)),
        hood=bool(rng.random() < 0.2),
    )


def thing(
    kind: str,
    at: tuple[float, float],
    yaw: float,
    rng: np.random.Generator,
    *,
    height_m: float = 0.0,
    size_m: tuple[float, float, float] | None = None,
) -> Prop:
    """A prop of ordinary size at a place, its underside at ``height_m``."""
    scale = rng.uniform(0.93, 1.07)
    width, depth, high = size_m or SIZES_M[kind]
    return Prop(
        kind=kind,
        size_m=(width * scale, depth * scale, high * scale),
        at=(at[0], at[1], height_m),
        yaw=yaw,
        colour=any_colour(rng),
    )
