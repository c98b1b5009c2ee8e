"""Colours of drawings, as RGB."""

from __future__ import annotations

import colorsys

from hawkeye_core.scene import COCO_JOINTS

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
STRIP: Colour = (24, 26, 30)
"""Background of the caption."""
STRIP_TEXT: Colour = (225, 228, 232)
WARNING: Colour = (255, 176, 32)
"""Background of the mark of untrained weights."""
PERSON: Colour = (235, 235, 235)
"""Boxes of people."""
LEFT: Colour = (255, 140, 40)
"""Limbs and joints on the person's own left."""
RIGHT: Colour = (70, 165, 255)
"""Limbs and joints on the person's own right."""
MIDDLE: Colour = (110, 225, 130)
"""What belongs to neither side: nose, shoulder line, hip line."""

_GOLDEN = 0.618033988749895  # successive hues a golden section apart are told apart best


def joint_colour(joint: int) -> Colour:
    """Colour of a COCO joint by its side."""
    name = COCO_JOINTS[joint]
    return LEFT if name.startswith("left") else RIGHT if name.startswith("right") else MIDDLE


def limb_colour(start: int, stop: int) -> Colour:
    """Colour of a limb: that of its side, or of the middle if its ends lie on both."""
    one, other = joint_colour(start), joint_colour(stop)
    if one == other:
        return one
    return MIDDLE if MIDDLE not in (one, other) else one if other == MIDDLE else other


def class_colour(index: int) -> Colour:
    """Colour of an object class, the same in every picture."""
    red, green, blue = colorsys.hls_to_rgb(index * _GOLDEN % 1.0, 0.58, 0.75)
    return round(255 * red), round(255 * green), round(255 * blue)


def text_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on a background (relative luminance of sRGB, without gamma)."""
    red, green, blue = colour
    return BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 140 else WHITE
