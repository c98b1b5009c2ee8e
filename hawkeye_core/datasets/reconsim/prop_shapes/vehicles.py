"""Things with wheels."""

from __future__ import annotations

import numpy as np

from hawkeye_core.datasets.reconsim.prop_shapes.materials import GLASS, STEEL, TYRE, Size, dim
from hawkeye_core.datasets.reconsim.shapes import Builder
from hawkeye_core.datasets.reconsim.stage import Colour


def _vehicle(b: Builder, size: Size, colour: Colour, state: str, *, nose: float, tail: float, cabin: float) -> None:
    """A body on four wheels with a cabin on it; nose, tail: shares of the length without a cabin."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    r = min(0.21 * h, 0.12 * size[1])
    belt = h * (1 - cabin)
    glass = (205, 205, 200) if state == "broken" else GLASS
    for y in (-0.62 * d, 0.64 * d):
        for x in (-w, w):
            b.wheel((0.87 * x, y, r), r, 0.15 * w, TYRE, STEEL)
    b.prism(
        [(-d, 0.75 * r), (d, 0.75 * r), (d, 0.78 * belt), (d - 0.3 * nose * size[1], belt), (-d, belt)], -w, w, colour
    )
    b.decal_x(-0.97 * d, 0.97 * d, 0.7 * r, 1.15 * r, w, dim(colour, 0.5))
    b.decal_y(-0.8 * w, -0.45 * w, 0.55 * belt, 0.75 * belt, d, (210, 240, 250))
    b.decal_y(0.45 * w, 0.8 * w, 0.55 * belt, 0.75 * belt, d, (210, 240, 250))
    b.decal_y(-0.85 * w, -0.6 * w, 0.6 * belt, 0.85 * belt, -d, (40, 40, 210))
    b.decal_y(0.6 * w, 0.85 * w, 0.6 * belt, 0.85 * belt, -d, (40, 40, 210))
    front, back = d - nose * size[1], -d + tail * size[1]
    slope = 0.45 * (h - belt)
    b.prism([(back, belt), (front, belt), (front - slope, h), (back + 0.6 * slope, h)], -0.9 * w, 0.9 * w, glass)
    b.decal_z(-0.9 * w, 0.9 * w, back + 0.6 * slope, front - slope, h, colour)
    for y in (front - 1.1 * slope, 0.5 * (front + back) - 0.04, back + 0.4 * slope):
        b.decal_x(y, y + 0.1, belt, h, 0.9 * w, dim(colour, 0.9))


def build_car(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A car with a bonnet."""
    _vehicle(b, size, colour, state, nose=0.26, tail=0.12, cabin=0.4)


def build_truck(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A lorry: cabin in front of a closed body."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    r = 0.17 * h
    for y in (-0.68 * d, -0.4 * d, 0.68 * d):
        for x in (-w, w):
            b.wheel((0.87 * x, y, r), r, 0.15 * w, TYRE, STEEL)
    b.box((-w, w), (-d, 0.45 * d), (1.1 * r, h), (196, 200, 204) if sum(colour) < 330 else (150, 120, 90))
    b.prism([(0.48 * d, 0.8 * r), (d, 0.8 * r), (d, 0.5 * h), (0.93 * d, 0.8 * h), (0.48 * d, 0.8 * h)], -w, w, colour)
    b.decal_y(-0.85 * w, 0.85 * w, 0.52 * h, 0.76 * h, 0.965 * d, (200, 200, 200) if state == "broken" else GLASS)
    b.decal_x(0.62 * d, 0.88 * d, 0.48 * h, 0.72 * h, w, GLASS)


def build_bus(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bus with rows of windows."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    r = 0.16 * h
    for y in (-0.6 * d, 0.6 * d):
        for x in (-w, w):
            b.wheel((0.95 * x, y, r), r, 0.15 * w, TYRE, STEEL)
    b.box((-w, w), (-d, d), (0.8 * r, h), colour)
    glass = (200, 200, 200) if state == "broken" else GLASS
    for y in np.linspace(-0.92, 0.72, 6):
        b.decal_x(y * d, (y + 0.24) * d, 0.48 * h, 0.82 * h, w, glass)
    b.decal_y(-0.9 * w, 0.9 * w, 0.4 * h, 0.85 * h, d, glass)
    b.decal_y(-0.8 * w, 0.8 * w, 0.55 * h, 0.85 * h, -d, glass)


def _cycle(b: Builder, size: Size, colour: Colour, *, heavy: bool) -> None:
    d, h = 0.5 * size[1], size[2]
    r = 0.34 * h if heavy else 0.36 * h
    t = 0.09 if heavy else 0.035
    for y in (-d + r, d - r):
        b.wheel((0.0, y, r), r, t, TYRE, (150, 150, 150))
    if heavy:
        b.box((-0.12, 0.12), (-0.42 * d, 0.35 * d), (0.7 * r, 1.6 * r), (60, 60, 60))
        b.box((-0.14, 0.14), (-0.1 * d, 0.4 * d), (1.6 * r, 0.82 * h), colour)
        b.box((-0.15, 0.15), (-0.85 * d, -0.1 * d), (0.58 * h, 0.72 * h), (40, 40, 44))
    else:
        b.bar((0, -d + r, r), (0, -0.1 * d, 0.75 * h), 0.03, colour)
        b.bar((0, -0.1 * d, 0.75 * h), (0, d - r - 0.1, 0.78 * h), 0.03, colour)
        b.bar((0, -0.05 * d, r), (0, d - r - 0.1, 0.75 * h), 0.03, colour)
        b.box((-0.08, 0.08), (-0.25 * d, 0.02 * d), (0.78 * h, 0.84 * h), (40, 40, 44))
    b.bar((0, d - r, r), (0, d - r - 0.14, h), 0.035, STEEL)
    b.bar((-0.5 * size[0], d - r - 0.14, 0.97 * h), (0.5 * size[0], d - r - 0.14, 0.97 * h), 0.03, (50, 50, 50))


def build_bike(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bicycle."""
    _cycle(b, size, colour, heavy=False)


def build_motorcycle(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A motorcycle."""
    _cycle(b, size, colour, heavy=True)
