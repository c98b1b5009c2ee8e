"""Things that stand where they are: doors, shelves, signs, trees."""

from __future__ import annotations

from hawkeye_core.datasets.reconsim.prop_shapes.materials import GLASS, GOODS, HOLE, Size, dim
from hawkeye_core.datasets.reconsim.shapes import Builder
from hawkeye_core.datasets.reconsim.stage import Colour


def build_door(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A door in its frame."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    rim = 0.09 * size[0]
    frame = dim(colour, 0.55)
    b.box((-w, -w + rim), (-d, d), (0, h), frame)
    b.box((w - rim, w), (-d, d), (0, h), frame)
    b.box((-w + rim, w - rim), (-d, d), (h - rim, h), frame)
    if state == "open":
        b.box((-w + rim, -w + rim + 0.05), (d, d + 0.8 * size[0]), (0, h - rim), colour)
        b.box((-w + rim, w - rim), (-0.1 * d, 0.1 * d), (0.0, h - rim), HOLE)
        return
    b.box((-w + rim, w - rim), (-0.6 * d, 0.6 * d), (0.0, h - rim), colour)
    for z0, z1 in ((0.12, 0.48), (0.55, 0.9)):
        b.decal_y(-0.6 * w, 0.6 * w, z0 * h, z1 * h, 0.6 * d, dim(colour, 0.8), both=True)
    b.decal_y(0.62 * w, 0.76 * w, 0.47 * h, 0.53 * h, 0.62 * d, (60, 200, 230), both=True)
    if state == "broken":
        b.polygon_y([(-0.3 * w, 0.3 * h), (0.5 * w, 0.25 * h), (0.6 * w, 0.75 * h), (0.0, 0.82 * h)], 0.63 * d, HOLE)


def build_window(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A window of two panes."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    glass = HOLE if state == "open" else (176, 150, 112)
    b.box((-w, w), (-d, d), (0, h), colour)
    rim = 0.1 * min(size[0], h)
    for x0, x1 in ((-w + rim, -0.4 * rim), (0.4 * rim, w - rim)):
        b.decal_y(x0, x1, rim, h - rim, d, glass, both=True)
        if state != "open":
            shine = [(x0, h - rim), (x0 + 0.4 * w, h - rim), (x0, h - rim - 0.45 * h)]
            b.polygon_y(shine, d + 0.004, (214, 200, 176))
    if state == "broken":
        star = [(-0.5 * w, 0.45 * h), (-0.1 * w, 0.3 * h), (0.5 * w, 0.4 * h), (0.55 * w, 0.65 * h), (0.0, 0.75 * h)]
        b.polygon_y(star, d + 0.006, HOLE)


def build_shelf(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """Boards full of goods, seen from both sides."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), dim(colour, 0.62))
    levels = max(2, round(h / 0.42))
    columns = max(3, round(size[0] / 0.22))
    step = h / levels
    for level in range(levels):
        z = level * step + 0.05
        b.decal_y(-0.97 * w, 0.97 * w, z, z + step - 0.07, d, dim(colour, 0.3), both=True)
        for column in range(columns):
            k = (level * 7 + column * 3 + column // 2) % 9
            if k >= len(GOODS) or (state == "broken" and (level + column) % 2):
                continue
            x = -0.95 * w + 1.9 * w * column / columns
            tall = z + (0.5 + 0.1 * (k % 3)) * (step - 0.05)
            b.decal_y(x + 0.01, x + 1.9 * w / columns * 0.86, z, tall, d + 0.005, GOODS[k], both=True)
        b.decal_y(-w, w, z - 0.05, z, d + 0.008, colour, both=True)
    b.decal_x(-0.9 * d, 0.9 * d, 0.04, h - 0.04, w, colour)


def build_counter(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A counter with panels and a light top."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, 0.94 * h), colour)
    b.box((-1.0 * w, 1.0 * w), (-d, d), (0.94 * h, h), (190, 196, 200))
    panels = max(1, round(size[0] / 0.7))
    for i in range(panels):
        x0, x1 = -w + size[0] * i / panels, -w + size[0] * (i + 1) / panels
        b.decal_y(x0 + 0.06, x1 - 0.06, 0.14 * h, 0.84 * h, d, dim(colour, 0.82), both=True)


def build_board(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A notice board on two legs."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-0.85 * w, -0.75 * w), (-d, d), (0, 0.35 * h), (80, 80, 80))
    b.box((0.75 * w, 0.85 * w), (-d, d), (0, 0.35 * h), (80, 80, 80))
    b.box((-w, w), (-d, d), (0.3 * h, h), dim(colour, 0.6))
    b.decal_y(-0.94 * w, 0.94 * w, 0.34 * h, 0.96 * h, d, colour, both=True)
    for i, z in enumerate((0.48, 0.6, 0.72)):
        b.decal_y(-0.75 * w, (0.75 - 0.25 * i) * w, z * h, (z + 0.05) * h, d + 0.005, dim(colour, 0.5), both=True)
    if state == "broken":
        b.polygon_y([(-0.1 * w, 0.3 * h), (0.3 * w, 0.5 * h), (0.2 * w, h), (-0.2 * w, 0.7 * h)], d + 0.01, HOLE)


def build_sign(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A plate on a pole."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-0.03, 0.03), (-0.03, 0.03), (0, 0.75 * h), (150, 150, 150))
    b.box((-w, w), (-max(d, 0.03), max(d, 0.03)), (0.68 * h, h), colour)
    b.decal_y(-0.7 * w, 0.7 * w, 0.8 * h, 0.88 * h, max(d, 0.03), (240, 240, 240), both=True)


def build_pole(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A round pole."""
    b.drum((0, 0, 0), 0.5 * size[0], size[2], colour)


def build_lamp(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A lamp with a shade on a stand."""
    b.drum((0, 0, 0), 0.12 * size[0], 0.9 * size[2], colour)
    b.frustum(
        (-0.5 * size[0], 0.5 * size[0]),
        (-0.5 * size[1], 0.5 * size[1]),
        (0.86 * size[2], size[2]),
        0.6,
        (170, 230, 245),
    )


def build_fence(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """Pales on two rails."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    posts = max(2, round(size[0] / 0.28))
    for i in range(posts):
        if state == "broken" and abs(i - posts // 2) < 2:
            continue
        x = -w + size[0] * i / (posts - 1)
        b.box((x - 0.035, x + 0.035), (-d, d), (0, h), colour)
    for z in (0.25, 0.78):
        b.box((-w, w), (-0.4 * d, 0.4 * d), (z * h, (z + 0.07) * h), dim(colour, 0.85))


def build_tree(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A trunk and a crown."""
    w, h = 0.5 * size[0], size[2]
    b.drum((0, 0, 0), 0.1 * size[0], 0.45 * h, (40, 66, 92))
    for k, (x, y, z, r) in enumerate(
        ((0, 0, 0.62, 0.9), (0.4, 0.3, 0.55, 0.55), (-0.4, 0.2, 0.6, 0.55), (0, -0.4, 0.72, 0.6), (0, 0, 0.82, 0.6))
    ):
        b.ball((x * w, y * w, z * h), r * w, 0.16 * h + 0.1 * r * w, dim(_leaves(colour), 0.75 + 0.1 * k))


def build_plant(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A bush in a pot."""
    w, h = 0.5 * size[0], size[2]
    b.frustum((-0.55 * w, 0.55 * w), (-0.55 * w, 0.55 * w), (0, 0.35 * h), 1.25, colour)
    b.ball((0, 0, 0.66 * h), w, 0.34 * h, _leaves(colour))
    b.ball((0.25 * w, 0.2 * w, 0.75 * h), 0.6 * w, 0.24 * h, dim(_leaves(colour), 1.25))


def build_building(b: Builder, size: Size, colour: Colour, state: str) -> None:
    """A block with windows."""
    w, d, h = (0.5 * size[0], 0.5 * size[1], size[2])
    b.box((-w, w), (-d, d), (0, h), colour)
    columns, rows = max(1, round(size[0] / 1.6)), max(1, round(h / 2.4))
    for row in range(rows):
        for column in range(columns):
            x, z = -w + size[0] * (column + 0.25) / columns, h * (row + 0.3) / rows
            b.decal_y(x, x + 0.5 * size[0] / columns, z, z + 0.45 * h / rows, d, GLASS, both=True)


def _leaves(colour: Colour) -> Colour:
    """A green that leans to the colour."""
    return (int(46 + 0.18 * colour[0]), int(96 + 0.2 * colour[1]), int(44 + 0.22 * colour[2]))
