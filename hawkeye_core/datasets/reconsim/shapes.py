"""Convex parts of which things are built, and their faces as a camera sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.faces import Face, Solid, painting_order, to_fixed
from hawkeye_core.datasets.reconsim.look import Light
from hawkeye_core.datasets.reconsim.stage import Colour

Point = tuple[float, float, float]
Range = tuple[float, float]

CORNERS_OF_BOX = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], bool)
"""[8, 3]: whether a corner is at the upper end of x, y, z."""
_BOX_NORMALS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float64)


@dataclass(frozen=True)
class Shape:
    """A thing in its own frame; F faces of n parts with V vertices.

    Args:
        vertices: [V, 3] metres.
        starts: F + 1 offsets of the faces' vertices.
        normals: [F, 3] unit, outwards.
        colours: [F, 3] BGR.
        part: F numbers of parts.
        corners: [n, 8, 3] of the parts' boxes.
    """

    vertices: NDArray[np.float64] = field(repr=False)
    starts: list[int]
    normals: NDArray[np.float64] = field(repr=False)
    colours: NDArray[np.float64] = field(repr=False)
    part: list[int]
    corners: NDArray[np.float64] = field(repr=False)

    def solids(
        self,
        turn: NDArray[np.float64],
        origin: NDArray[np.float64],
        camera: Camera,
        light: Light,
        *,
        owner: int,
    ) -> list[Solid]:
        """Parts where they stand in the world, each with the faces that are turned to the camera.

        Args:
            turn: Rotation [3, 3] from the own frame to the world's.
            origin: [3] of the own frame, world metres.
            camera: Through which it is seen.
            light: Colours the faces.
            owner: Number of the entity.
        """
        seen = camera.project(self.vertices @ turn.T + origin).astype(np.float64)
        eye = (camera.eye - origin) @ turn
        starts = np.array(self.starts[:-1])
        towards = (self.normals * (eye - self.vertices[starts])).sum(-1) > 0
        lit = light.tint(self.colours * light.shade(self.normals @ turn.T)[:, None]).tolist()
        outline = to_fixed(np.nan_to_num(seen[:, :2]))
        behind = np.minimum.reduceat(seen[:, 2], starts) < 0.1
        faces: list[list[Face]] = [[] for _ in self.corners]
        for i in np.flatnonzero(towards & ~behind):
            b, g, r = lit[i]
            faces[self.part[i]].append(Face(outline[self.starts[i] : self.starts[i + 1]], (b, g, r), 0))
        corners = self.corners @ turn.T + origin
        depth = (corners.mean(1) - camera.eye) @ camera.axes[2]
        normals = _BOX_NORMALS @ turn.T
        return [Solid(faces[k], corners[k], normals, float(depth[k]), owner) for k in range(len(corners)) if faces[k]]


def whole(solids: list[Solid], camera: Camera) -> Solid:
    """The parts of one thing as one solid, faces in painting order, with the box around all."""
    order = painting_order(solids, camera.eye)
    faces = [face for i in order for face in solids[i].faces]
    normals = solids[0].normals
    assert normals is not None  # parts of things are boxes
    corners = np.concatenate([solid.corners for solid in solids])
    axes = normals[::2]
    own = corners @ axes.T
    box = np.where(CORNERS_OF_BOX, own.max(0), own.min(0)) @ axes
    depth = float((box.mean(0) - camera.eye) @ camera.axes[2])
    return Solid(faces, box, normals, depth, solids[0].owner)


class Builder:
    """Collects parts. A decal is a flat mark on the part added last; it is drawn over it."""

    def __init__(self) -> None:
        self._faces: list[tuple[NDArray[np.float64], NDArray[np.float64], Colour, int]] = []
        self._parts: list[NDArray[np.float64]] = []

    def _part(self, faces: list[list[Point]], colours: list[Colour]) -> None:
        """A convex part of planar faces; normals are turned away from its middle."""
        points = np.array([p for face in faces for p in face], np.float64)
        low, high = points.min(0), points.max(0)
        middle = points.mean(0)
        for face, colour in zip(faces, colours, strict=True):
            corners = np.array(face, np.float64)
            normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
            normal /= max(float(np.linalg.norm(normal)), 1e-12)
            if normal @ (corners[0] - middle) < 0:
                normal = -normal
            self._faces.append((corners, normal, colour, len(self._parts)))
        self._parts.append(np.where(CORNERS_OF_BOX, high, low))

    def _decal(self, corners: list[Point], normal: Point, colour: Colour) -> None:
        self._faces.append((np.array(corners, np.float64), np.array(normal, np.float64), colour, len(self._parts) - 1))

    def box(self, x: Range, y: Range, z: Range, colour: Colour) -> None:
        """A box from corner to corner."""
        self.frustum(x, y, z, 1.0, colour)

    def frustum(self, x: Range, y: Range, z: Range, top: float, colour: Colour) -> None:
        """A box whose top is ``top`` times as wide and deep as its bottom."""
        cx, cy = 0.5 * (x[0] + x[1]), 0.5 * (y[0] + y[1])
        low = [(x[0], y[0], z[0]), (x[1], y[0], z[0]), (x[1], y[1], z[0]), (x[0], y[1], z[0])]
        high = [(cx + (a - cx) * top, cy + (b - cy) * top, z[1]) for a, b, _ in low]
        sides = [[low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]] for i in range(4)]
        self._part([*sides, low, high], [colour] * 6)

    def prism(self, profile: list[Range], x0: float, x1: float, colour: Colour) -> None:
        """A convex outline in (y, z) drawn along x."""
        near = [(x0, y, z) for y, z in profile]
        far = [(x1, y, z) for y, z in profile]
        n = len(profile)
        sides = [[near[i], near[(i + 1) % n], far[(i + 1) % n], far[i]] for i in range(n)]
        self._part([*sides, near, far], [colour] * (n + 2))

    def drum(self, at: Point, radius: float, height: float, colour: Colour) -> None:
        """An upright cylinder on ``at``."""
        self.turned(at, [(0.0, radius), (height, radius)], colour)

    def cone(self, at: Point, radius: float, height: float, colour: Colour) -> None:
        """An upright cone on ``at``."""
        self.turned(at, [(0.0, radius), (height, 0.04 * radius)], colour)

    def ball(self, at: Point, radius: float, half_height: float, colour: Colour) -> None:
        """An upright ellipsoid around ``at``."""
        rings = ((-0.92, 0.4), (-0.45, 0.9), (0.25, 1.0), (0.75, 0.66), (1.0, 0.2))
        self.turned(at, [(half_height * z, radius * r) for z, r in rings], colour)

    def turned(self, at: Point, profile: list[Range], colour: Colour) -> None:
        """A solid of eight sides with an upright axle through ``at``, from rings of (height, radius), lowest first."""
        turn = np.arange(8) * np.pi / 4 + np.pi / 8
        loops = [[(at[0] + r * np.cos(t), at[1] + r * np.sin(t), at[2] + z) for t in turn] for z, r in profile]
        faces = [
            [low[i], low[(i + 1) % 8], high[(i + 1) % 8], high[i]] for low, high in pairwise(loops) for i in range(8)
        ]
        faces += [loops[0], loops[-1]]
        self._part(faces, [colour] * len(faces))

    def wheel(self, at: Point, radius: float, half_width: float, colour: Colour, hub: Colour) -> None:
        """A wheel with its axle along x around ``at``."""
        turn = np.arange(10) * np.pi / 5
        loop = [(at[1] + radius * np.cos(t), at[2] + radius * np.sin(t)) for t in turn]
        self.prism(loop, at[0] - half_width, at[0] + half_width, colour)
        for side in (-1.0, 1.0):
            x = at[0] + side * (half_width + 0.002)
            ring = [(x, at[1] + 0.5 * radius * np.cos(t), at[2] + 0.5 * radius * np.sin(t)) for t in turn]
            self._decal(ring, (side, 0.0, 0.0), hub)

    def bar(self, start: Point, end: Point, thick: float, colour: Colour) -> None:
        """A straight bar of square section."""
        a, b = np.array(start, np.float64), np.array(end, np.float64)
        along = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        side = np.cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (1.0, 0.0, 0.0))
        side *= 0.5 * thick / float(np.linalg.norm(side))
        other = np.cross(along, side)
        offsets = [side + other, side - other, -side - other, -side + other]
        ends = [[tuple(float(v) for v in p + o) for o in offsets] for p in (a, b)]
        low: list[Point] = [(p[0], p[1], p[2]) for p in ends[0]]
        high: list[Point] = [(p[0], p[1], p[2]) for p in ends[1]]
        sides = [[low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]] for i in range(4)]
        self._part([*sides, low, high], [colour] * 6)

    def decal_x(self, y0: float, y1: float, z0: float, z1: float, x: float, colour: Colour) -> None:
        """On both sides, at x and -x."""
        for side in (-1.0, 1.0):
            at = side * (x + 0.002)
            self._decal([(at, y0, z0), (at, y1, z0), (at, y1, z1), (at, y0, z1)], (side, 0.0, 0.0), colour)

    def decal_y(
        self, x0: float, x1: float, z0: float, z1: float, y: float, colour: Colour, *, both: bool = False
    ) -> None:
        """On the side of the sign of y; ``both``: also on the other."""
        self.polygon_y([(x0, z0), (x1, z0), (x1, z1), (x0, z1)], y, colour, both=both)

    def polygon_y(self, outline: list[Range], y: float, colour: Colour, *, both: bool = True) -> None:
        """A convex outline in (x, z) on the side of the sign of y; ``both``: also on the other."""
        for side in (1.0, -1.0) if both else (1.0,):
            at = side * y
            self._decal([(x, at, z) for x, z in outline], (0.0, 1.0 if at > 0 else -1.0, 0.0), colour)

    def decal_z(self, x0: float, x1: float, y0: float, y1: float, z: float, colour: Colour) -> None:
        """On top."""
        self._decal([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], (0.0, 0.0, 1.0), colour)

    def shape(self) -> Shape:
        """All parts together."""
        counts = [len(face[0]) for face in self._faces]
        return Shape(
            np.concatenate([face[0] for face in self._faces]),
            [0, *np.cumsum(counts).tolist()],
            np.stack([face[1] for face in self._faces]),
            np.array([face[2] for face in self._faces], np.float64),
            [face[3] for face in self._faces],
            np.stack(self._parts),
        )
