"""Shapes of things, built of convex parts with flat faces; every kind bears the name of a Visual Genome object class.

A thing's front is at +y of its own frame (a car drives there, goods of a shelf are reached from there).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.shapes import Builder, Shape
from hawkeye_core.datasets.reconsim.stage import Colour, Prop
from hawkeye_core.errors import ConfigError

_GLASS: Colour = (92, 78, 62)
_TYRE: Colour = (34, 34, 36)
_STEEL: Colour = (168, 166, 160)
_WOOD: Colour = (70, 106, 148)
_HOLE: Colour = (26, 24, 22)
_GOODS: tuple[Colour, ...] = (
    (60, 60, 200), (200, 120, 50), (70, 180, 80), (60, 200, 220), (190, 190, 190), (150, 70, 150), (40, 130, 230),
)  # fmt: skip

Size = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PropKind:
    """What a kind of thing usually is like.

    Args:
        size_m: Usual extent along its own x, y, z.
        colours: Usual colours.
        build: Adds its parts to a builder, given extent, colour and state.
        pass_through: A person can be inside its box (sits on it, rides on it): its parts are sorted with the body's.
    """

    size_m: Size
    colours: tuple[Colour, ...]
    build: Callable[[Builder, Size, Colour, str], None]
    pass_through: bool = False


def _leaves(colour: Colour) -> Colour:
    """A green that leans to the colour."""
    return (int(46 + 0.18 * colour[0]), int(96 + 0.2 * colour[1]), int(44 + 0.22 * colour[2]))


def _dim(colour: Colour, by: float) -> Colour:
    return (int(min(colour[0] * by, 255)), int(min(colour[1] * by, 255)), int(min(colour[2] * by, 255)))


def _vehicle(b: Builder, size: Size, colour: Colour, state: str, *, nose: float, tail: float, cabin: float) -> None:
    """A body on four wheels with a cabin on it; nose, tail: shares of the length without a cabin."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    r = min(0.21 * h, 0.12 * size[1])
    belt = h * (1 - cabin)
    glass = (205, 205, 200) if state == "broken" else _GLASS
    for y in (-0.62 * d, 0.64 * d):
        for x in (-w, w):
            b.wheel((0.87 * x, y, r), r, 0.15 * w, _TYRE, _STEEL)
    b.prism(
        [(-d, 0.75 * r), (d, 0.75 * r), (d, 0.78 * belt), (d - 0.3 * nose * size[1], belt), (-d, belt)], -w, w, colour
    )
    b.decal_x(-0.97 * d, 0.97 * d, 0.7 * r, 1.15 * r, w, _dim(colour, 0.5))
    b.decal_y(-0.8 * w, -0.45 * w, 0.55 * belt, 0.75 * belt, d, (210, 240, 250))
    b.decal_y(0.45 * w, 0.8 * w, 0.55 * belt, 0.75 * belt, d, (210, 240, 250))
    b.decal_y(-0.85 * w, -0.6 * w, 0.6 * belt, 0.85 * belt, -d, (40, 40, 210))
    b.decal_y(0.6 * w, 0.85 * w, 0.6 * belt, 0.85 * belt, -d, (40, 40, 210))
    front, back = d - nose * size[1], -d + tail * size[1]
    slope = 0.45 * (h - belt)
    b.prism([(back, belt), (front, belt), (front - slope, h), (back + 0.6 * slope, h)], -0.9 * w, 0.9 * w, glass)
    b.decal_z(-0.9 * w, 0.9 * w, back + 0.6 * slope, front - slope, h, colour)
    for y in (front - 1.1 * slope, 0.5 * (front + back) - 0.04, back + 0.4 * slope):
        b.decal_x(y, y + 0.1, belt, h, 0.9 * w, _dim(colour, 0.9))


def _car(b: Builder, size: Size, colour: Colour, state: str) -> None:
    _vehicle(b, size, colour, state, nose=0.26, tail=0.12, cabin=0.4)


def _truck(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    r = 0.17 * h
    for y in (-0.68 * d, -0.4 * d, 0.68 * d):
        for x in (-w, w):
            b.wheel((0.87 * x, y, r), r, 0.15 * w, _TYRE, _STEEL)
    b.box((-w, w), (-d, 0.45 * d), (1.1 * r, h), (196, 200, 204) if sum(colour) < 330 else (150, 120, 90))
    b.prism([(0.48 * d, 0.8 * r), (d, 0.8 * r), (d, 0.5 * h), (0.93 * d, 0.8 * h), (0.48 * d, 0.8 * h)], -w, w, colour)
    b.decal_y(-0.85 * w, 0.85 * w, 0.52 * h, 0.76 * h, 0.965 * d, (200, 200, 200) if state == "broken" else _GLASS)
    b.decal_x(0.62 * d, 0.88 * d, 0.48 * h, 0.72 * h, w, _GLASS)


def _bus(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    r = 0.16 * h
    for y in (-0.6 * d, 0.6 * d):
        for x in (-w, w):
            b.wheel((0.95 * x, y, r), r, 0.15 * w, _TYRE, _STEEL)
    b.box((-w, w), (-d, d), (0.8 * r, h), colour)
    glass = (200, 200, 200) if state == "broken" else _GLASS
    for y in np.linspace(-0.92, 0.72, 6):
        b.decal_x(y * d, (y + 0.24) * d, 0.48 * h, 0.82 * h, w, glass)
    b.decal_y(-0.9 * w, 0.9 * w, 0.4 * h, 0.85 * h, d, glass)
    b.decal_y(-0.8 * w, 0.8 * w, 0.55 * h, 0.85 * h, -d, glass)


def _cycle(b: Builder, size: Size, colour: Colour, *, heavy: bool) -> None:
    d, h = 0.5 * size[1], size[2]
    r = 0.34 * h if heavy else 0.36 * h
    t = 0.09 if heavy else 0.035
    for y in (-d + r, d - r):
        b.wheel((0.0, y, r), r, t, _TYRE, (150, 150, 150))
    if heavy:
        b.box((-0.12, 0.12), (-0.42 * d, 0.35 * d), (0.7 * r, 1.6 * r), (60, 60, 60))
        b.box((-0.14, 0.14), (-0.1 * d, 0.4 * d), (1.6 * r, 0.82 * h), colour)
        b.box((-0.15, 0.15), (-0.85 * d, -0.1 * d), (0.58 * h, 0.72 * h), (40, 40, 44))
    else:
        b.bar((0, -d + r, r), (0, -0.1 * d, 0.75 * h), 0.03, colour)
        b.bar((0, -0.1 * d, 0.75 * h), (0, d - r - 0.1, 0.78 * h), 0.03, colour)
        b.bar((0, -0.05 * d, r), (0, d - r - 0.1, 0.75 * h), 0.03, colour)
        b.box((-0.08, 0.08), (-0.25 * d, 0.02 * d), (0.78 * h, 0.84 * h), (40, 40, 44))
    b.bar((0, d - r, r), (0, d - r - 0.14, h), 0.035, _STEEL)
    b.bar((-0.5 * size[0], d - r - 0.14, 0.97 * h), (0.5 * size[0], d - r - 0.14, 0.97 * h), 0.03, (50, 50, 50))


def _bike(b: Builder, size: Size, colour: Colour, state: str) -> None:
    _cycle(b, size, colour, heavy=False)


def _motorcycle(b: Builder, size: Size, colour: Colour, state: str) -> None:
    _cycle(b, size, colour, heavy=True)


def _door(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    rim = 0.09 * size[0]
    frame = _dim(colour, 0.55)
    b.box((-w, -w + rim), (-d, d), (0, h), frame)
    b.box((w - rim, w), (-d, d), (0, h), frame)
    b.box((-w + rim, w - rim), (-d, d), (h - rim, h), frame)
    if state == "open":
        b.box((-w + rim, -w + rim + 0.05), (d, d + 0.8 * size[0]), (0, h - rim), colour)
        b.box((-w + rim, w - rim), (-0.1 * d, 0.1 * d), (0.0, h - rim), _HOLE)
        return
    b.box((-w + rim, w - rim), (-0.6 * d, 0.6 * d), (0.0, h - rim), colour)
    for z0, z1 in ((0.12, 0.48), (0.55, 0.9)):
        b.decal_y(-0.6 * w, 0.6 * w, z0 * h, z1 * h, 0.6 * d, _dim(colour, 0.8), both=True)
    b.decal_y(0.62 * w, 0.76 * w, 0.47 * h, 0.53 * h, 0.62 * d, (60, 200, 230), both=True)
    if state == "broken":
        b.polygon_y([(-0.3 * w, 0.3 * h), (0.5 * w, 0.25 * h), (0.6 * w, 0.75 * h), (0.0, 0.82 * h)], 0.63 * d, _HOLE)


def _window(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    glass = _HOLE if state == "open" else (176, 150, 112)
    b.box((-w, w), (-d, d), (0, h), colour)
    rim = 0.1 * min(size[0], h)
    for x0, x1 in ((-w + rim, -0.4 * rim), (0.4 * rim, w - rim)):
        b.decal_y(x0, x1, rim, h - rim, d, glass, both=True)
        if state != "open":
            shine = [(x0, h - rim), (x0 + 0.4 * w, h - rim), (x0, h - rim - 0.45 * h)]
            b.polygon_y(shine, d + 0.004, (214, 200, 176))
    if state == "broken":
        star = [(-0.5 * w, 0.45 * h), (-0.1 * w, 0.3 * h), (0.5 * w, 0.4 * h), (0.55 * w, 0.65 * h), (0.0, 0.75 * h)]
        b.polygon_y(star, d + 0.006, _HOLE)


def _shelf(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), _dim(colour, 0.62))
    levels = max(2, round(h / 0.42))
    columns = max(3, round(size[0] / 0.22))
    step = h / levels
    for level in range(levels):
        z = level * step + 0.05
        b.decal_y(-0.97 * w, 0.97 * w, z, z + step - 0.07, d, _dim(colour, 0.3), both=True)
        for column in range(columns):
            k = (level * 7 + column * 3 + column // 2) % 9
            if k >= len(_GOODS) or (state == "broken" and (level + column) % 2):
                continue
            x = -0.95 * w + 1.9 * w * column / columns
            tall = z + (0.5 + 0.1 * (k % 3)) * (step - 0.05)
            b.decal_y(x + 0.01, x + 1.9 * w / columns * 0.86, z, tall, d + 0.005, _GOODS[k], both=True)
        b.decal_y(-w, w, z - 0.05, z, d + 0.008, colour, both=True)
    b.decal_x(-0.9 * d, 0.9 * d, 0.04, h - 0.04, w, colour)


def _counter(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, 0.94 * h), colour)
    b.box((-1.0 * w, 1.0 * w), (-d, d), (0.94 * h, h), (190, 196, 200))
    panels = max(1, round(size[0] / 0.7))
    for i in range(panels):
        x0, x1 = -w + size[0] * i / panels, -w + size[0] * (i + 1) / panels
        b.decal_y(x0 + 0.06, x1 - 0.06, 0.14 * h, 0.84 * h, d, _dim(colour, 0.82), both=True)


def _table(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    leg = min(0.07, 0.12 * size[0])
    for x in (-w, w - leg):
        for y in (-d, d - leg):
            b.box((x, x + leg), (y, y + leg), (0, 0.93 * h), _dim(colour, 0.7))
    b.box((-w, w), (-d, d), (0.92 * h, h), colour)


def _desk(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, -0.45 * w), (-d, d), (0, 0.93 * h), _dim(colour, 0.8))
    b.box((0.9 * w, w), (-d, d), (0, 0.93 * h), _dim(colour, 0.8))
    b.box((-w, w), (-d, d), (0.93 * h, h), colour)


def _chair(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    seat = 0.5 * h
    for x in (-w, w - 0.05):
        for y in (-d, d - 0.05):
            b.box((x, x + 0.05), (y, y + 0.05), (0, seat - 0.05), _dim(colour, 0.6))
    b.box((-w, w), (-d, d), (seat - 0.06, seat), colour)
    b.box((-w, w), (-d, -d + 0.06), (seat, h), _dim(colour, 0.9))


def _bench(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    seat = 0.52 * h
    for x in (-0.9 * w, 0.8 * w):
        b.box((x, x + 0.1), (-d, d), (0, seat - 0.06), (70, 70, 70))
    b.box((-w, w), (-d, d), (seat - 0.07, seat), colour)
    b.decal_z(-w, w, -0.35 * d, -0.25 * d, seat, _dim(colour, 0.5))
    b.decal_z(-w, w, 0.3 * d, 0.4 * d, seat, _dim(colour, 0.5))
    b.box((-w, w), (-d, -d + 0.06), (seat + 0.1, h), _dim(colour, 0.92))


def _bag(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.frustum((-w, w), (-d, d), (0, 0.74 * h), 0.86, colour)
    b.decal_y(-0.6 * w, 0.6 * w, 0.12 * h, 0.42 * h, d, _dim(colour, 0.7), both=True)
    b.bar((-0.45 * w, 0, 0.72 * h), (-0.3 * w, 0, h), 0.022, _dim(colour, 0.6))
    b.bar((0.45 * w, 0, 0.72 * h), (0.3 * w, 0, h), 0.022, _dim(colour, 0.6))
    b.bar((-0.3 * w, 0, h), (0.3 * w, 0, h), 0.022, _dim(colour, 0.6))


def _box(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    b.decal_z(-0.12 * w, 0.12 * w, -d, d, h, _dim(colour, 1.35))
    b.decal_y(-0.12 * w, 0.12 * w, 0.55 * h, h, d, _dim(colour, 1.3), both=True)
    if state in ("open", "broken"):
        b.decal_z(-0.85 * w, 0.85 * w, -0.85 * d, 0.85 * d, h + 0.003, _HOLE)


def _bottle(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, h = 0.5 * size[0], size[2]
    b.drum((0, 0, 0), w, 0.6 * h, colour)
    b.drum((0, 0, 0.6 * h), 0.42 * w, 0.34 * h, _dim(colour, 0.85))
    b.drum((0, 0, 0.94 * h), 0.45 * w, 0.06 * h, (60, 60, 200))


def _flat(screen: Colour) -> Callable[[Builder, Size, Colour, str], None]:
    """A slab standing on its edge, with another colour on its faces: a phone, a board, a screen."""

    def build(b: Builder, size: Size, colour: Colour, state: str) -> None:
        w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
        b.box((-w, w), (-d, d), (0, h), colour)
        b.decal_y(-0.82 * w, 0.82 * w, 0.12 * h, 0.9 * h, d, _HOLE if state == "broken" else screen)

    return build


def _board(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-0.85 * w, -0.75 * w), (-d, d), (0, 0.35 * h), (80, 80, 80))
    b.box((0.75 * w, 0.85 * w), (-d, d), (0, 0.35 * h), (80, 80, 80))
    b.box((-w, w), (-d, d), (0.3 * h, h), _dim(colour, 0.6))
    b.decal_y(-0.94 * w, 0.94 * w, 0.34 * h, 0.96 * h, d, colour, both=True)
    for i, z in enumerate((0.48, 0.6, 0.72)):
        b.decal_y(-0.75 * w, (0.75 - 0.25 * i) * w, z * h, (z + 0.05) * h, d + 0.005, _dim(colour, 0.5), both=True)
    if state == "broken":
        b.polygon_y([(-0.1 * w, 0.3 * h), (0.3 * w, 0.5 * h), (0.2 * w, h), (-0.2 * w, 0.7 * h)], d + 0.01, _HOLE)


def _sign(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-0.03, 0.03), (-0.03, 0.03), (0, 0.75 * h), (150, 150, 150))
    b.box((-w, w), (-max(d, 0.03), max(d, 0.03)), (0.68 * h, h), colour)
    b.decal_y(-0.7 * w, 0.7 * w, 0.8 * h, 0.88 * h, max(d, 0.03), (240, 240, 240), both=True)


def _pole(b: Builder, size: Size, colour: Colour, state: str) -> None:
    b.drum((0, 0, 0), 0.5 * size[0], size[2], colour)


def _lamp(b: Builder, size: Size, colour: Colour, state: str) -> None:
    b.drum((0, 0, 0), 0.12 * size[0], 0.9 * size[2], colour)
    b.frustum(
        (-0.5 * size[0], 0.5 * size[0]),
        (-0.5 * size[1], 0.5 * size[1]),
        (0.86 * size[2], size[2]),
        0.6,
        (170, 230, 245),
    )


def _fence(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    posts = max(2, round(size[0] / 0.28))
    for i in range(posts):
        if state == "broken" and abs(i - posts // 2) < 2:
            continue
        x = -w + size[0] * i / (posts - 1)
        b.box((x - 0.035, x + 0.035), (-d, d), (0, h), colour)
    for z in (0.25, 0.78):
        b.box((-w, w), (-0.4 * d, 0.4 * d), (z * h, (z + 0.07) * h), _dim(colour, 0.85))


def _tree(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, h = 0.5 * size[0], size[2]
    b.drum((0, 0, 0), 0.1 * size[0], 0.45 * h, (40, 66, 92))
    for k, (x, y, z, r) in enumerate(
        ((0, 0, 0.62, 0.9), (0.4, 0.3, 0.55, 0.55), (-0.4, 0.2, 0.6, 0.55), (0, -0.4, 0.72, 0.6), (0, 0, 0.82, 0.6))
    ):
        b.ball((x * w, y * w, z * h), r * w, 0.16 * h + 0.1 * r * w, _dim(_leaves(colour), 0.75 + 0.1 * k))


def _plant(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, h = 0.5 * size[0], size[2]
    b.frustum((-0.55 * w, 0.55 * w), (-0.55 * w, 0.55 * w), (0, 0.35 * h), 1.25, colour)
    b.ball((0, 0, 0.66 * h), w, 0.34 * h, _leaves(colour))
    b.ball((0.25 * w, 0.2 * w, 0.75 * h), 0.6 * w, 0.24 * h, _dim(_leaves(colour), 1.25))


def _pot(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, h = 0.5 * size[0], size[2]
    b.turned((0, 0, 0), [(0.0, 0.66 * w), (0.8 * h, 0.92 * w)], colour)
    b.drum((0, 0, 0.8 * h), w, 0.2 * h, _dim(colour, 1.15))


def _vase(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, h = 0.5 * size[0], size[2]
    b.turned((0, 0, 0), [(0.0, 0.5 * w), (0.4 * h, w), (0.75 * h, 0.6 * w)], colour)
    b.turned((0, 0, 0.75 * h), [(0.0, 0.5 * w), (0.25 * h, 0.75 * w)], _dim(colour, 1.15))


def _building(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    columns, rows = max(1, round(size[0] / 1.6)), max(1, round(h / 2.4))
    for row in range(rows):
        for column in range(columns):
            x, z = -w + size[0] * (column + 0.25) / columns, h * (row + 0.3) / rows
            b.decal_y(x, x + 0.5 * size[0] / columns, z, z + 0.45 * h / rows, d, _GLASS, both=True)


def _laptop(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, 0.08 * h), colour)
    b.decal_z(-0.8 * w, 0.8 * w, -0.5 * d, 0.6 * d, 0.08 * h, (50, 50, 50))
    b.box((-w, w), (-d, -0.86 * d), (0.08 * h, h), colour)
    b.decal_y(-0.88 * w, 0.88 * w, 0.16 * h, 0.94 * h, -0.86 * d, _HOLE if state == "broken" else (230, 200, 150))


def _cabinet(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    for x0, x1 in ((-0.95 * w, -0.04 * w), (0.04 * w, 0.95 * w)):
        b.decal_y(x0, x1, 0.04 * h, 0.96 * h, d, _HOLE if state == "open" else _dim(colour, 0.82))
    b.decal_y(-0.16 * w, -0.09 * w, 0.45 * h, 0.58 * h, d + 0.005, (60, 60, 60))
    b.decal_y(0.09 * w, 0.16 * w, 0.45 * h, 0.58 * h, d + 0.005, (60, 60, 60))


def _drawer(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    for i in range(3):
        hole = state == "open" and i == 2
        b.decal_y(
            -0.9 * w, 0.9 * w, (0.04 + 0.32 * i) * h, (0.32 + 0.32 * i) * h, d, _HOLE if hole else _dim(colour, 0.8)
        )
        b.decal_y(-0.2 * w, 0.2 * w, (0.16 + 0.32 * i) * h, (0.2 + 0.32 * i) * h, d + 0.005, (50, 50, 50))


def _bed(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, 0.3 * h), _WOOD)
    b.box((-w, w), (-d, d), (0.3 * h, 0.55 * h), colour)
    b.decal_z(-0.8 * w, 0.8 * w, -0.95 * d, -0.6 * d, 0.55 * h, (235, 235, 235))
    b.box((-w, w), (-d, -d + 0.06), (0.55 * h, h), _WOOD)


def _trunk(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    b.decal_y(-w, w, 0.66 * h, 0.72 * h, d, _dim(colour, 0.5), both=True)
    b.decal_y(-0.1 * w, 0.1 * w, 0.55 * h, 0.75 * h, d + 0.005, (60, 190, 220))
    for x in (-0.7, 0.6):
        b.decal_y(x * w, (x + 0.1) * w, 0, h, d + 0.005, _dim(colour, 0.55), both=True)
        b.decal_z(x * w, (x + 0.1) * w, -d, d, h, _dim(colour, 0.55))
    if state == "open":
        b.decal_z(-0.9 * w, 0.9 * w, -0.85 * d, 0.85 * d, h + 0.005, _HOLE)


def _plain(b: Builder, size: Size, colour: Colour, state: str) -> None:
    b.box((-0.5 * size[0], 0.5 * size[0]), (-0.5 * size[1], 0.5 * size[1]), (0, size[2]), colour)


def _book(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    b.decal_z(-0.6 * w, 0.6 * w, -0.1 * d, 0.5 * d, h, (230, 230, 230))


def _basket(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.frustum((-0.8 * w, 0.8 * w), (-0.8 * d, 0.8 * d), (0, 0.7 * h), 1.25, colour)
    b.decal_z(-0.85 * w, 0.85 * w, -0.85 * d, 0.85 * d, 0.7 * h, _HOLE)
    b.bar((-0.95 * w, 0, 0.68 * h), (-0.4 * w, 0, h), 0.02, _dim(colour, 0.6))
    b.bar((0.95 * w, 0, 0.68 * h), (0.4 * w, 0, h), 0.02, _dim(colour, 0.6))
    b.bar((-0.4 * w, 0, h), (0.4 * w, 0, h), 0.02, _dim(colour, 0.6))


def _rock(b: Builder, size: Size, colour: Colour, state: str) -> None:
    b.ball((0, 0, 0.5 * size[2]), 0.5 * size[0], 0.5 * size[2], colour)


def _cup(b: Builder, size: Size, colour: Colour, state: str) -> None:
    b.drum((0, 0, 0), 0.5 * size[0], size[2], colour)


def _umbrella(b: Builder, size: Size, colour: Colour, state: str) -> None:
    b.drum((0, 0, 0), 0.015, 0.8 * size[2], (60, 60, 60))
    b.cone((0, 0, 0.72 * size[2]), 0.5 * size[0], 0.28 * size[2], colour)


def _dog(b: Builder, size: Size, colour: Colour, state: str) -> None:
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    for x in (-0.9 * w, 0.5 * w):
        for y in (-0.7 * d, 0.4 * d):
            b.box((x, x + 0.4 * w), (y, y + 0.4 * w), (0, 0.5 * h), _dim(colour, 0.8))
    b.box((-w, w), (-0.75 * d, 0.55 * d), (0.42 * h, 0.75 * h), colour)
    b.box((-0.8 * w, 0.8 * w), (0.5 * d, d), (0.65 * h, h), _dim(colour, 1.1))
    b.bar((0, -0.72 * d, 0.7 * h), (0, -d, 0.95 * h), 0.03, colour)


PROPS: Mapping[str, PropKind] = MappingProxyType({
    "car": PropKind((1.8, 4.2, 1.45), ((60, 50, 170), (180, 180, 184), (130, 80, 40), (46, 46, 50), (225, 228, 230),
                                       (70, 130, 60), (50, 150, 200)), _car),
    "truck": PropKind((2.2, 5.6, 2.7), ((190, 120, 40), (50, 60, 190), (210, 210, 214), (60, 130, 70)), _truck),
    "bus": PropKind((2.4, 8.0, 2.9), ((50, 150, 220), (60, 60, 190), (190, 130, 60)), _bus),
    "bike": PropKind((0.55, 1.75, 1.05), ((60, 60, 190), (180, 110, 40), (60, 60, 60), (70, 160, 80)), _bike, True),
    "motorcycle": PropKind((0.75, 2.0, 1.1), ((40, 40, 190), (50, 50, 54), (180, 100, 40)), _motorcycle, True),
    "door": PropKind((1.0, 0.12, 2.1), ((50, 84, 130), (140, 110, 70), (170, 176, 180), (60, 60, 150)), _door),
    "window": PropKind((1.3, 0.1, 1.2), ((225, 228, 230), (90, 110, 140), (120, 120, 120)), _window),
    "shelf": PropKind((1.8, 0.5, 1.7), ((190, 190, 190), (120, 150, 180), (150, 130, 110), (90, 90, 96)), _shelf),
    "counter": PropKind((2.2, 0.7, 1.0), ((120, 96, 72), (70, 96, 140), (150, 150, 156), (60, 60, 110)), _counter),
    "table": PropKind((1.3, 0.8, 0.75), ((70, 112, 160), (200, 206, 210), (60, 70, 84)), _table),
    "desk": PropKind((1.4, 0.7, 0.75), ((80, 120, 166), (150, 150, 150)), _desk),
    "chair": PropKind((0.48, 0.5, 0.92), ((60, 60, 160), (60, 62, 66), (80, 120, 160), (170, 110, 50)), _chair, True),
    "bench": PropKind((1.6, 0.5, 0.85), ((60, 100, 140), (80, 120, 80), (110, 110, 110)), _bench, True),
    "bag": PropKind((0.42, 0.22, 0.46), ((40, 46, 150), (50, 50, 54), (150, 90, 40), (60, 110, 150), (110, 60, 120)),
                    _bag),
    "box": PropKind((0.5, 0.4, 0.36), ((96, 140, 180), (80, 116, 150), (190, 190, 190), (150, 110, 60)), _box),
    "bottle": PropKind((0.11, 0.11, 0.32), ((60, 120, 50), (40, 80, 130), (190, 160, 90)), _bottle),
    "phone": PropKind((0.1, 0.03, 0.19), ((36, 36, 36), (210, 210, 210)), _flat((230, 190, 140))),
    "board": PropKind((1.2, 0.1, 1.5), ((225, 228, 230), (60, 120, 60), (60, 170, 220)), _board),
    "pole": PropKind((0.14, 0.14, 3.0), ((130, 130, 130), (80, 90, 80), (60, 110, 190)), _pole),
    "post": PropKind((0.2, 0.2, 1.0), ((50, 160, 220), (110, 110, 116), (50, 50, 170)), _pole),
    "fence": PropKind((3.0, 0.08, 1.3), ((90, 120, 150), (200, 204, 206), (80, 90, 84)), _fence),
    "tree": PropKind((2.0, 2.0, 4.0), ((60, 112, 60), (50, 130, 90), (70, 100, 50)), _tree),
    "building": PropKind((7.0, 4.0, 6.0), ((120, 140, 170), (150, 150, 156), (96, 110, 150)), _building),
    "laptop": PropKind((0.38, 0.3, 0.27), ((170, 170, 174), (60, 60, 64)), _laptop),
    "cabinet": PropKind((1.0, 0.5, 1.6), ((80, 120, 166), (160, 164, 168), (90, 110, 90)), _cabinet),
    "drawer": PropKind((0.6, 0.5, 0.9), ((90, 130, 170), (160, 160, 164)), _drawer),
    "bed": PropKind((1.1, 2.0, 0.9), ((180, 130, 90), (110, 110, 190), (170, 170, 170)), _bed),
    "plant": PropKind((0.7, 0.7, 1.1), ((50, 80, 150), (190, 195, 200), (60, 64, 70)), _plant),
    "pot": PropKind((0.4, 0.4, 0.35), ((50, 84, 150), (120, 120, 124)), _pot),
    "vase": PropKind((0.26, 0.26, 0.45), ((170, 120, 60), (200, 200, 210)), _vase),
    "sign": PropKind((0.7, 0.06, 2.2), ((50, 50, 200), (180, 110, 40), (60, 190, 220)), _sign),
    "trunk": PropKind((0.9, 0.5, 0.5), ((50, 80, 120), (60, 60, 64), (60, 100, 70)), _trunk),
    "screen": PropKind((0.8, 0.08, 0.55), ((40, 40, 42), (150, 150, 154)), _flat((200, 170, 110))),
    "lamp": PropKind((0.45, 0.45, 1.6), ((70, 70, 74), (90, 120, 150)), _lamp),
    "book": PropKind((0.2, 0.28, 0.06), ((60, 60, 180), (160, 100, 40), (60, 130, 70)), _book),
    "basket": PropKind((0.5, 0.36, 0.42), ((60, 60, 190), (80, 130, 170), (170, 110, 50)), _basket),
    "rock": PropKind((0.24, 0.24, 0.2), ((116, 120, 122), (90, 96, 104)), _rock),
    "cup": PropKind((0.1, 0.1, 0.13), ((230, 232, 235), (60, 60, 190)), _cup),
    "paper": PropKind((0.24, 0.32, 0.02), ((238, 240, 242),), _plain),
    "umbrella": PropKind((1.1, 1.1, 1.0), ((50, 50, 170), (60, 60, 64), (150, 90, 40)), _umbrella),
    "dog": PropKind((0.26, 0.85, 0.62), ((50, 80, 130), (46, 46, 50), (150, 180, 205)), _dog),
})  # fmt: skip
"""Everything that can be put on stage, by object class."""


@lru_cache(maxsize=512)
def shape_of(kind: str, size_m: Size, colour: Colour, state: str) -> Shape:
    """The parts of a thing in its own frame.

    Raises:
        ConfigError: No such kind of thing.
    """
    if kind not in PROPS:
        raise ConfigError(f"no such thing to draw: {kind!r}", remedy=f"use one of {', '.join(sorted(PROPS))}")
    builder = Builder()
    burnt = state == "burning"
    PROPS[kind].build(builder, size_m, _dim(colour, 0.3) if burnt else colour, "broken" if burnt else state)
    return builder.shape()


def default_prop(kind: str, rng: np.random.Generator, at: tuple[float, float, float], *, yaw: float = 0.0) -> Prop:
    """A thing of its kind's usual size, up to a tenth more or less, in one of its usual colours."""
    if kind not in PROPS:
        raise ConfigError(f"no such thing to draw: {kind!r}", remedy=f"use one of {', '.join(sorted(PROPS))}")
    usual = PROPS[kind]
    by = float(rng.uniform(0.9, 1.1))
    size = (usual.size_m[0] * by, usual.size_m[1] * by, usual.size_m[2] * by)
    return Prop(kind, size, at, yaw=yaw, colour=usual.colours[int(rng.integers(len(usual.colours)))])


def placed(prop: Prop) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation [3, 3] and origin [3] of a thing: world = rotation @ own + origin. A leaning thing rests on ``at``."""
    c, s = np.cos(prop.yaw), np.sin(prop.yaw)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    origin = np.array(prop.at, np.float64)
    if prop.tilt:
        ct, st = np.cos(prop.tilt), np.sin(prop.tilt)
        half, high = 0.5 * prop.size_m[1], prop.size_m[2]
        origin[2] -= min(y * st + z * ct for y in (-half, half) for z in (0.0, high))
        turn = turn @ np.array([[1.0, 0.0, 0.0], [0.0, ct, -st], [0.0, st, ct]])
    return turn, origin
