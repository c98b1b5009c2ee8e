"""The strip below each frame of an overlay: where the segments lie, the anomaly curve, and what is said of now.

Legend: W, H pixels of the strip, S seconds of the video.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.ground.records import GroundedSegment, GroundedVideo
from hawkeye_core.ground.words import clock, seen, title
from hawkeye_core.visual.canvas import write_fitting
from hawkeye_core.visual.palette import BLACK, STRIP, STRIP_TEXT, WARNING, Colour

HEIGHT = 168
"""Pixels of the strip."""
EDGE = 12
BAR, CURVE, TEXT = (10, 24), (30, 84), (104, 130, 156)
"""Rows of the bars, of the curve, and base lines of the text."""
LINE: Colour = (90, 170, 255)
GRID: Colour = (60, 64, 70)
NOW: Colour = (245, 245, 245)
MARK = "UNTRAINED"

Image = NDArray[np.uint8]


class Panel:
    """Draws the strip; what does not change is drawn once.

    Args:
        video: What was found.
        width: Pixels.
    """

    def __init__(self, video: GroundedVideo, *, width: int) -> None:
        self.video, self.width = video, width
        ground = np.empty((HEIGHT, width, 3), np.uint8)
        ground[:] = STRIP
        for segment in video.segments:
            left, right = self._x(segment.start_s), max(self._x(segment.end_s), self._x(segment.start_s) + 2)
            cv2.rectangle(ground, (left, BAR[0]), (right, BAR[1]), WARNING, -1)
        cv2.rectangle(ground, (EDGE, BAR[0]), (width - EDGE, BAR[1]), GRID, 1)
        if video.curve is not None:
            self._draw_curve(ground, np.asarray(video.curve, np.float64))
        self._ground: Image = ground

    def at(self, seconds: float) -> Image:
        """[H, W, 3] the strip at an instant of the video."""
        image = self._ground.copy()
        x = self._x(seconds)
        cv2.line(image, (x, BAR[0] - 4), (x, CURVE[1]), NOW, 1)
        for base, line in zip(TEXT, self._lines(seconds), strict=True):
            write_fitting(image, line, (EDGE, base), width=self.width - 2 * EDGE, scale=0.5, colour=STRIP_TEXT)
        if self.video.model.marks:
            cv2.rectangle(image, (self.width - 100, CURVE[0]), (self.width, CURVE[0] + 20), WARNING, -1)
            write_fitting(image, MARK, (self.width - 96, CURVE[0] + 15), width=92, scale=0.45, colour=BLACK)
        return image

    def now(self, seconds: float) -> GroundedSegment | None:
        """The segment that an instant lies in."""
        return next((one for one in self.video.segments if one.start_s <= seconds < one.end_s), None)

    def _lines(self, seconds: float) -> tuple[str, str, str]:
        curve = self.video.curve
        value = "" if curve is None else f"   anomaly {curve[min(int(seconds), len(curve) - 1)]:.2f}"
        segment = self.now(seconds)
        head = f"{clock(seconds)[:-2]}{value}"
        if segment is None:
            return head, "", ""
        return f"{head}   {title(segment)}", segment.reason, seen(segment.evidence)

    def _draw_curve(self, image: Image, curve: NDArray[np.float64]) -> None:
        """Steps over the seconds, 0 below and 1 on top."""
        top, bottom = CURVE
        cv2.rectangle(image, (EDGE, top), (self.width - EDGE, bottom), GRID, 1)
        heights = bottom - np.round(np.clip(curve, 0, 1) * (bottom - top)).astype(np.int64)
        starts = [self._x(second) for second in range(len(curve))]
        ends = [*starts[1:], self._x(self.video.duration_s)]
        points = [place for left, right, y in zip(starts, ends, heights.tolist(), strict=True)
                  for place in ((left, y), (right, y))]  # fmt: skip
        cv2.polylines(image, [np.array(points, np.int32)], isClosed=False, color=LINE, thickness=2)

    def _x(self, seconds: float) -> int:
        share = min(max(seconds / self.video.duration_s, 0.0), 1.0)
        return EDGE + round(share * (self.width - 2 * EDGE - 1))
