"""Things a person can carry, and a dog."""

from __future__ import annotations

from collections.abc import Callable

from hawkeye_core.datasets.reconsim.prop_shapes.materials import HOLE, Size, dim
from hawkeye_core.datasets.reconsim.shapes import Builder
from hawkeye_core.datasets.reconsim.stage import Colour


def build_bag(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bag with handles."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.frustum((-w, w), (-d, d), (0, 0.74 * h), 0.86, colour)
    b.decal_y(-0.6 * w, 0.6 * w, 0.12 * h, 0.42 * h, d, dim(colour, 0.7), both=True)
    b.bar((-0.45 * w, 0, 0.72 * h), (-0.3 * w, 0, h), 0.022, dim(colour, 0.6))
    b.bar((0.45 * w, 0, 0.72 * h), (0.3 * w, 0, h), 0.022, dim(colour, 0.6))
    b.bar((-0.3 * w, 0, h), (0.3 * w, 0, h), 0.022, dim(colour, 0.6))


def build_box(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A carton with tape."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    b.decal_z(-0.12 * w, 0.12 * w, -d, d, h, dim(colour, 1.35))
    b.decal_y(-0.12 * w, 0.12 * w, 0.55 * h, h, d, dim(colour, 1.3), both=True)
    if state in ("open", "broken"):
        b.decal_z(-0.85 * w, 0.85 * w, -0.85 * d, 0.85 * d, h + 0.003, HOLE)


def build_bottle(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bottle with a cap."""
    w, h = 0.5 * size[0], size[2]
    b.drum((0, 0, 0), w, 0.6 * h, colour)
    b.drum((0, 0, 0.6 * h), 0.42 * w, 0.34 * h, dim(colour, 0.85))
    b.drum((0, 0, 0.94 * h), 0.45 * w, 0.06 * h, (60, 60, 200))


def slab_builder(screen: Colour) -> Callable[[Builder, Size, Colour, str], None]:
    """A slab standing on its edge, with another colour on its faces: a phone, a board, a screen."""

    def build(b: Builder, size: Size, colour: Colour, state: str) -> None:
        w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
        b.box((-w, w), (-d, d), (0, h), colour)
        b.decal_y(-0.82 * w, 0.82 * w, 0.12 * h, 0.9 * h, d, HOLE if state == "broken" else screen)

    return build


def build_laptop(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """An open laptop."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, 0.08 * h), colour)
    b.decal_z(-0.8 * w, 0.8 * w, -0.5 * d, 0.6 * d, 0.08 * h, (50, 50, 50))
    b.box((-w, w), (-d, -0.86 * d), (0.08 * h, h), colour)
    b.decal_y(-0.88 * w, 0.88 * w, 0.16 * h, 0.94 * h, -0.86 * d, HOLE if state == "broken" else (230, 200, 150))


def build_plain(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A plain block."""
    b.box((-0.5 * size[0], 0.5 * size[0]), (-0.5 * size[1], 0.5 * size[1]), (0, size[2]), colour)


def build_book(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A closed book, lying."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    b.decal_z(-0.6 * w, 0.6 * w, -0.1 * d, 0.5 * d, h, (230, 230, 230))


def build_basket(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A basket with a handle."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.frustum((-0.8 * w, 0.8 * w), (-0.8 * d, 0.8 * d), (0, 0.7 * h), 1.25, colour)
    b.decal_z(-0.85 * w, 0.85 * w, -0.85 * d, 0.85 * d, 0.7 * h, HOLE)
    b.bar((-0.95 * w, 0, 0.68 * h), (-0.4 * w, 0, h), 0.02, dim(colour, 0.6))
    b.bar((0.95 * w, 0, 0.68 * h), (0.4 * w, 0, h), 0.02, dim(colour, 0.6))
    b.bar((-0.4 * w, 0, h), (0.4 * w, 0, h), 0.02, dim(colour, 0.6))


def build_rock(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A lump of stone."""
    b.ball((0, 0, 0.5 * size[2]), 0.5 * size[0], 0.5 * size[2], colour)


def build_cup(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A cup."""
    b.drum((0, 0, 0), 0.5 * size[0], size[2], colour)


def build_pot(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A pot with a rim."""
    w, h = 0.5 * size[0], size[2]
    b.turned((0, 0, 0), [(0.0, 0.66 * w), (0.8 * h, 0.92 * w)], colour)
    b.drum((0, 0, 0.8 * h), w, 0.2 * h, dim(colour, 1.15))


def build_vase(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A vase."""
    w, h = 0.5 * size[0], size[2]
    b.turned((0, 0, 0), [(0.0, 0.5 * w), (0.4 * h, w), (0.75 * h, 0.6 * w)], colour)
    b.turned((0, 0, 0.75 * h), [(0.0, 0.5 * w), (0.25 * h, 0.75 * w)], dim(colour, 1.15))


def build_umbrella(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """An open umbrella."""
    b.drum((0, 0, 0), 0.015, 0.8 * size[2], (60, 60, 60))
    b.cone((0, 0, 0.72 * size[2]), 0.5 * size[0], 0.28 * size[2], colour)


def build_dog(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A dog."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    for x in (-0.9 * w, 0.5 * w):
        for y in (-0.7 * d, 0.4 * d):
            b.box((x, x + 0.4 * w), (y, y + 0.4 * w), (0, 0.5 * h), dim(colour, 0.8))
    b.box((-w, w), (-0.75 * d, 0.55 * d), (0.42 * h, 0.75 * h), colour)
    b.box((-0.8 * w, 0.8 * w), (0.5 * d, d), (0.65 * h, h), dim(colour, 1.1))
    b.bar((0, -0.72 * d, 0.7 * h), (0, -d, 0.95 * h), 0.03, colour)
