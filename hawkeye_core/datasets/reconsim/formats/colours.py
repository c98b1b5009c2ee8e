"""Names of colours, as people who describe pictures use them, and which names a colour might also get."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from itertools import product

from hawkeye_core.datasets.reconsim.stage import Colour

NAMES: tuple[str, ...] = (
    "black", "gray", "white", "red", "orange", "brown", "tan", "yellow", "green", "blue", "purple", "pink",
)  # fmt: skip

_HUES: tuple[tuple[float, str], ...] = (
    (14, "red"), (42, "orange"), (68, "yellow"), (170, "green"), (255, "blue"), (292, "purple"), (342, "pink"),
    (360, "red"),
)  # fmt: skip
"""Where each hue ends, degrees."""
_DOUBT = (12.0, 0.09, 0.1)
"""How far hue (degrees), saturation and value can be off before people call a colour by another name."""


def colour_name(colour: Colour) -> str:
    """The name most people give."""
    blue, green, red = colour
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    return _name(hue * 360, saturation, value)


@lru_cache(maxsize=4096)
def possible_names(colour: Colour) -> frozenset[str]:
    """Every name that somebody might give."""
    blue, green, red = colour
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    steps = product((-1, 0, 1), repeat=3)
    moved = ((hue * 360 + i * _DOUBT[0], saturation + j * _DOUBT[1], value + k * _DOUBT[2]) for i, j, k in steps)
    return frozenset(_name(h % 360, min(max(s, 0.0), 1.0), min(max(v, 0.0), 1.0)) for h, s, v in moved)


def _name(hue: float, saturation: float, value: float) -> str:
    if value < 0.24:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.78 else "gray"
    name = next(name for end, name in _HUES if hue <= end)
    if name in ("orange", "yellow") and saturation < 0.5:
        return "tan" if value > 0.55 else "brown"
    if name == "orange" and value < 0.62:
        return "brown"
    if name == "red" and saturation < 0.5 and value > 0.6:
        return "pink"
    if name == "pink" and value < 0.5:
        return "purple"
    return name
