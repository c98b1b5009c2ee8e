"""A copy of a video that browsers play: many cannot play what cameras write (MPEG-4 part 2 in AVI, for one).

OpenCV's wheels have no H.264 encoder; VP8 in WebM they write, and every current browser plays it.
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.video.probe import VideoInfo

CODECS = frozenset({"avc1", "avc3", "h264", "x264", "vp8", "vp80", "vp9", "vp90", "vp09", "av01"})
CONTAINERS = frozenset({"mp4", "matroska"})
"""What is played as it is, by four-character code in lower case."""
MEDIA_TYPES = {"mp4": "video/mp4", "matroska": "video/webm"}
COPY_TYPE = "video/webm"
FOURCC = "VP80"
WIDEST = 640
"""Pixels of the longer side of a copy: encoding costs as much as extraction with the small networks, or more."""
LONGEST_S = 300.0
"""Seconds that encoding may take; without a copy the page shows stills."""

Image = NDArray[np.uint8]


def is_playable(info: VideoInfo) -> bool:
    """Whether browsers play a file as it is, as far as its headers tell."""
    return info.codec.lower() in CODECS and info.container in CONTAINERS and info.cut is None


class PlayableCopy:
    """Writes pictures one after the other; what it cannot finish, it deletes.

    Args:
        path: Of the copy, ending in ``.webm``.
        fps: Pictures a second.
        longest_s: Seconds that encoding may take.
    """

    def __init__(self, path: Path, *, fps: float, longest_s: float = LONGEST_S) -> None:
        self.path, self._fps, self._left = path, fps, longest_s
        self._file: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self.failed: str | None = None

    def add(self, image: Image) -> None:
        """One picture [H, W, 3] RGB; nothing happens any more once it has failed."""
        if self.failed is not None:
            return
        begun = time.monotonic()
        if self._file is None:
            self._open(image)
        if self._file is not None and self._file.isOpened():
            small = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
            self._file.write(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        else:
            self._fail("this installation of OpenCV writes no video that browsers play")
        self._left -= time.monotonic() - begun
        if self._left < 0:
            self._fail("making a copy that browsers play takes too long")

    def close(self) -> Path | None:
        """The finished copy, or None; why not says ``failed``."""
        if self._file is not None:
            self._file.release()
            self._file = None
        if self.failed is None and not _opens(self.path):
            self._fail("a copy that browsers play could not be written")
        if self.failed is not None:
            self.path.unlink(missing_ok=True)
            return None
        return self.path

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        scale = min(1.0, WIDEST / max(height, width))
        self._size = (max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2)))
        self._file = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*FOURCC), self._fps, self._size)

    def _fail(self, reason: str) -> None:
        self.failed = reason
        if self._file is not None:
            self._file.release()
            self._file = None


def _opens(path: Path) -> bool:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG) if path.exists() else None
    try:
        return capture is not None and bool(capture.read()[0])
    finally:
        if capture is not None:
            capture.release()
