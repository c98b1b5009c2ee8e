"""What the shapes of things share: colours of materials."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.stage import Colour

Size = tuple[float, float, float]
"""Extent along x, y, z in metres."""

GLASS: Colour = (92, 78, 62)
TYRE: Colour = (34, 34, 36)
STEEL: Colour = (168, 166, 160)
WOOD: Colour = (70, 106, 148)
HOLE: Colour = (26, 24, 22)
"""Of what is broken out or stands open."""
GOODS: tuple[Colour, ...] = (
    (60, 60, 200), (200, 120, 50), (70, 180, 80), (60, 200, 220), (190, 190, 190), (150, 70, 150), (40, 130, 230),
)  # fmt: skip


def dim(colour: Colour, by: float) -> Colour:
    """A colour ``by`` times as bright."""
    return (int(min(colour[0] * by, 255)), int(min(colour[1] * by, 255)), int(min(colour[2] * by, 255)))
