"""An image to draw on in source pixels, with line widths and text that suit its size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.visual.palette import BLACK, Colour, text_on

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_HEIGHT = 22.0  # pixels of a capital letter at scale 1
_FAR = 30_000.0  # pixels; OpenCV draws with 16-bit fixed point and wraps around beyond

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom; canvas pixels
Anchor = Literal["above", "below", "middle"]


class Canvas:
    """Draws on an enlarged copy of an image.

    Positions are given in pixels of the original image; positions that are not finite are not drawn.

    Args:
        image: [H, W, 3] uint8 RGB; not changed.
        short_side: The copy's shorter side has at least this many pixels (small frames are enlarged, up to 4 times).
    """

    def __init__(self, image: NDArray[np.uint8], *, short_side: int = 720) -> None:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f"the image must be [H, W, 3] uint8, not {list(image.shape)} {image.dtype}")
        height, width = image.shape[:2]
        self.zoom = min(4.0, max(1.0, short_side / min(height, width)))
        size = (round(width * self.zoom), round(height * self.zoom))
        enlarged = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC) if self.zoom > 1 else image
        self.pixels: NDArray[np.uint8] = np.array(enlarged, dtype=np.uint8, order="C")
        self.unit = min(self.pixels.shape[:2]) / 720
        self._waiting: list[tuple[str, tuple[int, int], Colour, Anchor]] = []

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Canvas position of an image position, ``None`` if it is not finite; far outside is brought nearer."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return None
        return round(_near((x + 0.5) * self.zoom - 0.5)), round(_near((y + 0.5) * self.zoom - 0.5))

    def stroke(self, width: float) -> int:
        """Line width in canvas pixels, given for a canvas whose short side is 720."""
        return max(1, round(width * self.unit))

    def line(self, start: tuple[int, int], stop: tuple[int, int], colour: Colour, *, width: float) -> None:
        """A line between canvas positions, with a dark edge that shows on any background."""
        cv2.line(self.pixels, start, stop, BLACK, self.stroke(width + 2), cv2.LINE_AA)
        cv2.line(self.pixels, start, stop, colour, self.stroke(width), cv2.LINE_AA)

    def dot(self, centre: tuple[int, int], colour: Colour, *, radius: float) -> None:
        """A filled circle with a dark edge."""
        cv2.circle(self.pixels, centre, self.stroke(radius + 1), BLACK, -1, cv2.LINE_AA)
        cv2.circle(self.pixels, centre, self.stroke(radius), colour, -1, cv2.LINE_AA)

    def arrow(self, start: tuple[int, int], stop: tuple[int, int], colour: Colour, *, width: float) -> None:
        """A line with a head at its end, and a dot at its start."""
        length = math.dist(start, stop)
        if length < 1:
            return
        tip = min(0.4, 16 * self.unit / length)
        for extra, tone in ((2.0, BLACK), (0.0, colour)):
            cv2.arrowedLine(self.pixels, start, stop, tone, self.stroke(width + extra), cv2.LINE_AA, 0, tip)
        self.dot(start, colour, radius=2.5)

    def box(
        self, corners: Sequence[float], colour: Colour, *, width: float
    ) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """A rectangle from x1, y1, x2, y2 in image pixels; returns its corners on the canvas."""
        first, last = self.at(corners[0], corners[1]), self.at(corners[2], corners[3])
        if first is None or last is None:
            return None
        cv2.rectangle(self.pixels, first, last, BLACK, self.stroke(width + 2), cv2.LINE_AA)
        cv2.rectangle(self.pixels, first, last, colour, self.stroke(width), cv2.LINE_AA)
        return first, last

    def label(self, text: str, position: tuple[int, int], colour: Colour, *, anchor: Anchor) -> None:
        """Keep a line of text to be written by :meth:`write_labels`.

        Args:
            text: One line.
            position: Canvas position.
            colour: Of the ground; the text is black or white.
            anchor: Whether the text stands above the position, below it, or has its middle there.
        """
        self._waiting.append((text, position, colour, anchor))

    def write_labels(self) -> list[Rectangle]:
        """Write the labels on top of all else, each inside the picture and, where there is room, on no other label.

        Returns:
            Where they were put, in the order they were given.
        """
        scale, thickness = self.font(15)
        pad = self.stroke(4)
        taken: list[Rectangle] = []
        for text, (x, y), colour, anchor in self._waiting:
            width, height, below = _measure(text, scale, thickness)
            size = (width + 2 * pad, height + below + 2 * pad)
            up = {"above": size[1], "below": 0, "middle": size[1] // 2}[anchor]
            place = self._free_place(x - (size[0] // 2 if anchor == "middle" else 0), y - up, size, taken)
            taken.append(place)
            cv2.rectangle(self.pixels, place[:2], (place[2] - 1, place[3] - 1), colour, -1)
            origin = (place[0] + pad, place[1] + pad + height)
            cv2.putText(self.pixels, text, origin, _FONT, scale, text_on(colour), thickness, cv2.LINE_AA)
        self._waiting.clear()
        return taken

    def _free_place(self, left: int, top: int, size: tuple[int, int], taken: Sequence[Rectangle]) -> Rectangle:
        """Nearest place, by steps of one label up and down, that is inside the picture and touches no other label."""
        height, width = self.pixels.shape[:2]
        x = min(max(left, 0), max(0, width - size[0]))
        places = []
        for step in range(12):
            shift = (step + 1) // 2 * (size[1] + 1) * (1 if step % 2 else -1)
            y = min(max(top + shift, 0), max(0, height - size[1]))
            places.append((x, y, x + size[0], y + size[1]))
        return next((p for p in places if not any(_overlap(p, other) for other in taken)), places[0])

    def font(self, capital_height: float) -> tuple[float, int]:
        """Scale and thickness of text whose capitals are so high on a canvas of short side 720."""
        scale = max(0.35, capital_height * self.unit / _FONT_HEIGHT)
        return scale, max(1, round(1.4 * scale))


def write_fitting(
    image: NDArray[np.uint8], text: str, origin: tuple[int, int], *, width: int, scale: float, colour: Colour
) -> None:
    """Write one line at its lower left corner, smaller or cut with dots if it is wider than ``width`` pixels."""
    thickness = max(1, round(1.4 * scale))
    needed = _measure(text, scale, thickness)[0]
    if needed > width:
        scale = max(0.6 * scale, scale * width / needed)
    while len(text) > 4 and _measure(text, scale, thickness)[0] > width:
        text = text.rstrip(".")[:-1] + "..."
    cv2.putText(image, text, origin, _FONT, scale, colour, thickness, cv2.LINE_AA)


def text_width(text: str, scale: float) -> int:
    """Pixels a line of text is wide."""
    return _measure(text, scale, max(1, round(1.4 * scale)))[0]


def _measure(text: str, scale: float, thickness: int) -> tuple[int, int, int]:
    """Width, height above and depth below the base line, in pixels."""
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    return int(width), int(height), int(below)


def _near(value: float) -> float:
    return min(max(value, -_FAR), _FAR)


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
