"""Flat faces in the picture: what all drawing comes down to, and the order in which solids are painted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

SHIFT = 4
"""Bits behind the point in outlines handed to OpenCV."""
_LIMIT = 8000.0  # px; farther out, OpenCV's own fixed point would overflow


class Face(NamedTuple):
    """A convex outline of one colour.

    ``part`` numbers the part of its owner it belongs to (0 for things), so that a joint can be found hidden by
    another part of the same body.
    """

    outline: NDArray[np.int32]
    colour: tuple[float, float, float]
    part: int


class Solid(NamedTuple):
    """Faces painted one after the other, and where the solid is, for the order among solids.

    Args:
        faces: In painting order.
        corners: [8, 3] world metres: of its box, or any points of it.
        normals: [6, 3] of the box's faces, outwards; None for a solid that is no box (a limb, an effect).
        depth: Of its middle, metres from the camera.
        owner: Number of the entity, -1 for an effect.
    """

    faces: list[Face]
    corners: NDArray[np.float64]
    normals: NDArray[np.float64] | None
    depth: float
    owner: int


def to_fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Continuous picture coordinates [..., 2] to OpenCV's, whose pixel middles are whole, with :data:`SHIFT` bits."""
    return np.rint((np.clip(points, -_LIMIT, _LIMIT) - 0.5) * (1 << SHIFT)).astype(np.int32)


def fill(image: NDArray[np.uint8], faces: Iterable[Face]) -> None:
    """Paint faces into a picture [H, W, 3], with smooth edges."""
    for outline, colour, _ in faces:
        cv2.fillConvexPoly(image, outline, colour, cv2.LINE_AA, SHIFT)


def fill_codes(codes: NDArray[np.uint16], faces: Iterable[Face], *, base: int) -> None:
    """Paint ``base + part`` of faces into a picture of codes [H, W]."""
    for outline, _, part in faces:
        cv2.fillConvexPoly(codes, outline, (base + part,), cv2.LINE_8, SHIFT)


def painting_order(solids: list[Solid], eye: NDArray[np.float64]) -> list[int]:
    """Numbers of solids from the hindmost to the foremost.

    Of two solids the one on the eye's side of a plane between them can hide the other but not be hidden. Planes tried
    are the faces of boxes; the one that parts the two best counts. Where none parts them, the depth decides.
    """
    n = len(solids)
    if n < 2:
        return list(range(n))
    depth = np.array([solid.depth for solid in solids])
    boxes = [i for i in range(n) if solids[i].normals is not None]
    if not boxes:
        return np.argsort(-depth, kind="stable").tolist()
    first = depth[:, None] > depth[None, :]  # [i, j]: i is painted before j
    corners = np.stack([solid.corners for solid in solids])  # [n, 8, 3]
    normals = np.stack([solids[i].normals for i in boxes])  # type: ignore[misc]  # [b, 6, 3]
    along = np.einsum("bfc,nkc->bfnk", normals, corners)
    face = along[np.arange(len(boxes)), :, boxes, :].max(-1)  # [b, 6]: where the face is along its normal
    gap = along.min(-1) - face[:, :, None]  # [b, 6, n]
    eye_outside = (normals @ eye) > face  # [b, 6]
    best = gap.argmax(1)  # [b, n]
    widest = np.full((n, n), -0.12)  # metres that two solids may stick into each other
    for b, i in enumerate(boxes):
        clear = gap[b, best[b], np.arange(n)]
        wins = clear > np.maximum(widest[i], widest[:, i])
        wins[i] = False
        widest[i, wins] = clear[wins]
        i_first = eye_outside[b, best[b]]
        first[i, wins] = i_first[wins]
        first[wins, i] = ~i_first[wins]
    return _hindmost_first(first, depth)


def _hindmost_first(first: NDArray[np.bool_], depth: NDArray[np.float64]) -> list[int]:
    """An order in which i comes before j where ``first[i, j]``; the farthest of those that may come next does.

    In a ring, where each waits for another, the farthest of those that wait for the fewest comes next.
    """
    packed = np.packbits(first, axis=0, bitorder="little")
    waits_for = [int.from_bytes(packed[:, j].tobytes(), "little") for j in range(len(depth))]
    left = np.argsort(-depth, kind="stable").tolist()
    remaining = (1 << len(depth)) - 1
    order: list[int] = []
    while left:
        pick = next((i for i in left if not waits_for[i] & remaining), None)
        if pick is None:
            pick = min(left, key=lambda i: (waits_for[i] & remaining).bit_count())
        order.append(pick)
        left.remove(pick)
        remaining &= ~(1 << pick)
    return order
