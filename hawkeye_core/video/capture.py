"""Opens OpenCV's FFmpeg reader quietly: a bad file is reported by our errors, not by lines on the terminal."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import cv2


@functools.cache
def silence() -> None:
    """Stop FFmpeg and OpenCV from printing, unless the user asked for it by their own environment variables.

    Works only before the first video of the process is opened: OpenCV reads the FFmpeg variable once.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    if "OPENCV_LOG_LEVEL" not in os.environ:
        getattr(cv2.utils, "logging", cv2).setLogLevel(0)  # silent; the function stood in cv2 itself up to 4.11


def open_capture(path: str | Path, *, threads: int | None = None) -> cv2.VideoCapture:
    """Open a file with OpenCV's FFmpeg backend.

    Args:
        path: A file. It is made absolute, so that a colon in its name is not read as a protocol.
        threads: Decoder threads; ``None`` lets OpenCV choose (one a core).

    Returns:
        The capture; ``isOpened()`` is false where FFmpeg found no video stream.
    """
    silence()
    parameters = [] if threads is None else [cv2.CAP_PROP_N_THREADS, threads]
    return cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG, parameters)
