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

from hawkeye_core.datasets.reconsim.prop_shapes.fittings import (
    build_board,
    build_building,
    build_counter,
    build_door,
    build_fence,
    build_lamp,
    build_plant,
    build_pole,
    build_shelf,
    build_sign,
    build_tree,
    build_window,
)
from hawkeye_core.datasets.reconsim.prop_shapes.furniture import (
    build_bed,
    build_bench,
    build_cabinet,
    build_chair,
    build_desk,
    build_drawer,
    build_table,
    build_trunk,
)
from hawkeye_core.datasets.reconsim.prop_shapes.materials import Size, dim
from hawkeye_core.datasets.reconsim.prop_shapes.portable import (
    build_bag,
    build_basket,
    build_book,
    build_bottle,
    build_box,
    build_cup,
    build_dog,
    build_laptop,
    build_plain,
    build_pot,
    build_rock,
    build_umbrella,
    build_vase,
    slab_builder,
)
from hawkeye_core.datasets.reconsim.prop_shapes.vehicles import (
    build_bike,
    build_bus,
    build_car,
    build_motorcycle,
    build_truck,
)
from hawkeye_core.datasets.reconsim.shapes import Builder, Shape
from hawkeye_core.datasets.reconsim.stage import Colour, Prop
from hawkeye_core.errors import ConfigError


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


PROPS: Mapping[str, PropKind] = MappingProxyType({
    "car": PropKind((1.8, 4.2, 1.45), ((60, 50, 170), (180, 180, 184), (130, 80, 40), (46, 46, 50), (225, 228, 230),
                                       (70, 130, 60), (50, 150, 200)), build_car),
    "truck": PropKind((2.2, 5.6, 2.7), ((190, 120, 40), (50, 60, 190), (210, 210, 214), (60, 130, 70)), build_truck),
    "bus": PropKind((2.4, 8.0, 2.9), ((50, 150, 220), (60, 60, 190), (190, 130, 60)), build_bus),
    "bike": PropKind((0.55, 1.75, 1.05), ((60, 60, 190), (180, 110, 40), (60, 60, 60), (70, 160, 80)),
                     build_bike, True),
    "motorcycle": PropKind((0.75, 2.0, 1.1), ((40, 40, 190), (50, 50, 54), (180, 100, 40)), build_motorcycle, True),
    "door": PropKind((1.0, 0.12, 2.1), ((50, 84, 130), (140, 110, 70), (170, 176, 180), (60, 60, 150)), build_door),
    "window": PropKind((1.3, 0.1, 1.2), ((225, 228, 230), (90, 110, 140), (120, 120, 120)), build_window),
    "shelf": PropKind((1.8, 0.5, 1.7), ((190, 190, 190), (120, 150, 180), (150, 130, 110), (90, 90, 96)), build_shelf),
    "counter": PropKind((2.2, 0.7, 1.0), ((120, 96, 72), (70, 96, 140), (150, 150, 156), (60, 60, 110)), build_counter),
    "table": PropKind((1.3, 0.8, 0.75), ((70, 112, 160), (200, 206, 210), (60, 70, 84)), build_table),
    "desk": PropKind((1.4, 0.7, 0.75), ((80, 120, 166), (150, 150, 150)), build_desk),
    "chair": PropKind((0.48, 0.5, 0.92), ((60, 60, 160), (60, 62, 66), (80, 120, 160), (170, 110, 50)),
                      build_chair, True),
    "bench": PropKind((1.6, 0.5, 0.85), ((60, 100, 140), (80, 120, 80), (110, 110, 110)), build_bench, True),
    "bag": PropKind((0.42, 0.22, 0.46), ((40, 46, 150), (50, 50, 54), (150, 90, 40), (60, 110, 150), (110, 60, 120)),
                    build_bag),
    "box": PropKind((0.5, 0.4, 0.36), ((96, 140, 180), (80, 116, 150), (190, 190, 190), (150, 110, 60)), build_box),
    "bottle": PropKind((0.11, 0.11, 0.32), ((60, 120, 50), (40, 80, 130), (190, 160, 90)), build_bottle),
    "phone": PropKind((0.1, 0.03, 0.19), ((36, 36, 36), (210, 210, 210)), slab_builder((230, 190, 140))),
    "board": PropKind((1.2, 0.1, 1.5), ((225, 228, 230), (60, 120, 60), (60, 170, 220)), build_board),
    "pole": PropKind((0.14, 0.14, 3.0), ((130, 130, 130), (80, 90, 80), (60, 110, 190)), build_pole),
    "post": PropKind((0.2, 0.2, 1.0), ((50, 160, 220), (110, 110, 116), (50, 50, 170)), build_pole),
    "fence": PropKind((3.0, 0.08, 1.3), ((90, 120, 150), (200, 204, 206), (80, 90, 84)), build_fence),
    "tree": PropKind((2.0, 2.0, 4.0), ((60, 112, 60), (50, 130, 90), (70, 100, 50)), build_tree),
    "building": PropKind((7.0, 4.0, 6.0), ((120, 140, 170), (150, 150, 156), (96, 110, 150)), build_building),
    "laptop": PropKind((0.38, 0.3, 0.27), ((170, 170, 174), (60, 60, 64)), build_laptop),
    "cabinet": PropKind((1.0, 0.5, 1.6), ((80, 120, 166), (160, 164, 168), (90, 110, 90)), build_cabinet),
    "drawer": PropKind((0.6, 0.5, 0.9), ((90, 130, 170), (160, 160, 164)), build_drawer),
    "bed": PropKind((1.1, 2.0, 0.9), ((180, 130, 90), (110, 110, 190), (170, 170, 170)), build_bed),
    "plant": PropKind((0.7, 0.7, 1.1), ((50, 80, 150), (190, 195, 200), (60, 64, 70)), build_plant),
    "pot": PropKind((0.4, 0.4, 0.35), ((50, 84, 150), (120, 120, 124)), build_pot),
    "vase": PropKind((0.26, 0.26, 0.45), ((170, 120, 60), (200, 200, 210)), build_vase),
    "sign": PropKind((0.7, 0.06, 2.2), ((50, 50, 200), (180, 110, 40), (60, 190, 220)), build_sign),
    "trunk": PropKind((0.9, 0.5, 0.5), ((50, 80, 120), (60, 60, 64), (60, 100, 70)), build_trunk),
    "screen": PropKind((0.8, 0.08, 0.55), ((40, 40, 42), (150, 150, 154)), slab_builder((200, 170, 110))),
    "lamp": PropKind((0.45, 0.45, 1.6), ((70, 70, 74), (90, 120, 150)), build_lamp),
    "book": PropKind((0.2, 0.28, 0.06), ((60, 60, 180), (160, 100, 40), (60, 130, 70)), build_book),
    "basket": PropKind((0.5, 0.36, 0.42), ((60, 60, 190), (80, 130, 170), (170, 110, 50)), build_basket),
    "rock": PropKind((0.24, 0.24, 0.2), ((116, 120, 122), (90, 96, 104)), build_rock),
    "cup": PropKind((0.1, 0.1, 0.13), ((230, 232, 235), (60, 60, 190)), build_cup),
    "paper": PropKind((0.24, 0.32, 0.02), ((238, 240, 242),), build_plain),
    "umbrella": PropKind((1.1, 1.1, 1.0), ((50, 50, 170), (60, 60, 64), (150, 90, 40)), build_umbrella),
    "dog": PropKind((0.26, 0.85, 0.62), ((50, 80, 130), (46, 46, 50), (150, 180, 205)), build_dog),
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
    PROPS[kind].build(builder, size_m, dim(colour, 0.3) if burnt else colour, "broken" if burnt else state)
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
