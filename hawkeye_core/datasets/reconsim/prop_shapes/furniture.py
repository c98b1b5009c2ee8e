"""Furniture."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.prop_shapes.materials import HOLE, WOOD, Size, dim
from hawkeye_core.datasets.reconsim.shapes import Builder
from hawkeye_core.datasets.reconsim.stage import Colour


def build_table(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A table on four legs."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    leg = min(0.07, 0.12 * size[0])
    for x in (-w, w - leg):
        for y in (-d, d - leg):
            b.box((x, x + leg), (y, y + leg), (0, 0.93 * h), dim(colour, 0.7))
    b.box((-w, w), (-d, d), (0.92 * h, h), colour)


def build_desk(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A desk with drawers on one side."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, -0.45 * w), (-d, d), (0, 0.93 * h), dim(colour, 0.8))
    b.box((0.9 * w, w), (-d, d), (0, 0.93 * h), dim(colour, 0.8))
    b.box((-w, w), (-d, d), (0.93 * h, h), colour)


def build_chair(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A chair; its back is at -y."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    seat = 0.5 * h
    for x in (-w, w - 0.05):
        for y in (-d, d - 0.05):
            b.box((x, x + 0.05), (y, y + 0.05), (0, seat - 0.05), dim(colour, 0.6))
    b.box((-w, w), (-d, d), (seat - 0.06, seat), colour)
    b.box((-w, w), (-d, -d + 0.06), (seat, h), dim(colour, 0.9))


def build_bench(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bench; its back is at -y."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    seat = 0.52 * h
    for x in (-0.9 * w, 0.8 * w):
        b.box((x, x + 0.1), (-d, d), (0, seat - 0.06), (70, 70, 70))
    b.box((-w, w), (-d, d), (seat - 0.07, seat), colour)
    b.decal_z(-w, w, -0.35 * d, -0.25 * d, seat, dim(colour, 0.5))
    b.decal_z(-w, w, 0.3 * d, 0.4 * d, seat, dim(colour, 0.5))
    b.box((-w, w), (-d, -d + 0.06), (seat + 0.1, h), dim(colour, 0.92))


def build_cabinet(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A cabinet with two doors."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    for x0, x1 in ((-0.95 * w, -0.04 * w), (0.04 * w, 0.95 * w)):
        b.decal_y(x0, x1, 0.04 * h, 0.96 * h, d, HOLE if state == "open" else dim(colour, 0.82))
    b.decal_y(-0.16 * w, -0.09 * w, 0.45 * h, 0.58 * h, d + 0.005, (60, 60, 60))
    b.decal_y(0.09 * w, 0.16 * w, 0.45 * h, 0.58 * h, d + 0.005, (60, 60, 60))


def build_drawer(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A chest of three drawers."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    for i in range(3):
        hole = state == "open" and i == 2
        b.decal_y(
            -0.9 * w, 0.9 * w, (0.04 + 0.32 * i) * h, (0.32 + 0.32 * i) * h, d, HOLE if hole else dim(colour, 0.8)
        )
        b.decal_y(-0.2 * w, 0.2 * w, (0.16 + 0.32 * i) * h, (0.2 + 0.32 * i) * h, d + 0.005, (50, 50, 50))


def build_bed(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bed; its head is at -y."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, 0.3 * h), WOOD)
    b.box((-w, w), (-d, d), (0.3 * h, 0.55 * h), colour)
    b.decal_z(-0.8 * w, 0.8 * w, -0.95 * d, -0.6 * d, 0.55 * h, (235, 235, 235))
    b.box((-w, w), (-d, -d + 0.06), (0.55 * h, h), WOOD)


def build_trunk(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A trunk with straps."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    b.decal_y(-w, w, 0.66 * h, 0.72 * h, d, dim(colour, 0.5), both=True)
    b.decal_y(-0.1 * w, 0.1 * w, 0.55 * h, 0.75 * h, d + 0.005, (60, 190, 220))
    for x in (-0.7, 0.6):
        b.decal_y(x * w, (x + 0.1) * w, 0, h, d + 0.005, dim(colour, 0.55), both=True)
        b.decal_z(x * w, (x + 0.1) * w, -d, d, h, dim(colour, 0.55))
    if state == "open":
        b.decal_z(-0.9 * w, 0.9 * w, -0.85 * d, 0.85 * d, h + 0.005, HOLE)
