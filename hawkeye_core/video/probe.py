"""What a video file is, before any frame is decoded; and the typed errors of files that are no usable video."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import cv2

from hawkeye_core.errors import NotAVideoError, NoVideoStreamError, VideoEmptyError, VideoError, VideoMissingError
from hawkeye_core.video.capture import open_capture
from hawkeye_core.video.container import ContainerFacts, inspect_container

MAX_FRAME_RATE = 1000.0
"""Frames a second above which a stated rate is a fault of the header (90000 is a clock, not a rate)."""

MAX_PIXELS = 16384 * 8192
"""Pixels a picture may have; a header that states more is taken for damaged."""

_TEXT_CODEC = "ansi"
"""FFmpeg opens text files of some names (.txt, .nfo, .ans) as a video of a terminal."""
_MEDIA = ("ts", "flv", "asf", "ogg", "mpeg-ps", "matroska", "avi", "mp4")
_REENCODE = "play the file to see whether it is whole; `ffmpeg -i IN -c:v libx264 OUT.mp4` repairs many"


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the container states. Only what decoding measures is certain: frame counts and rates in headers lie.

    Args:
        path: The file.
        width: Pixels, upright (after rotation).
        height: Pixels, upright.
        fps: Frames a second as stated, or ``None`` if the header gives none that is believable.
        duration_s: Seconds as stated, or ``None``. For MP4 the playing time of the video track (``None`` if
            fragmented), otherwise of the longest stream.
        rotation: Degrees clockwise (0, 90, 180, 270) by which the stored picture is turned to be upright.
        codec: Four-character code, such as ``avc1`` or ``XVID``.
        container: ``mp4``, ``matroska``, ``avi``, ``ts``, ``flv``, ``asf``, ``ogg``, ``mpeg-ps`` or ``unknown``.
        cut: Why the file must have been cut short, or ``None``.
    """

    path: Path
    width: int
    height: int
    fps: float | None
    duration_s: float | None
    rotation: int
    codec: str
    container: str
    cut: str | None


def probe(path: str | Path) -> VideoInfo:
    """Open a video and read its headers.

    Raises:
        VideoMissingError: No such file, a folder, or no permission.
        VideoEmptyError: The file has no bytes.
        NoVideoStreamError: A media file without video (audio only).
        NotAVideoError: Not a media file, or its index is missing.
        VideoError: The header states an absurd picture size.
    """
    path = Path(path)
    facts = check_file(path)
    capture = open_capture(path)
    try:
        if not capture.isOpened():
            raise _unopened(path, facts)
        if _codec(capture).lower() == _TEXT_CODEC:
            raise NotAVideoError("is not a video but text", path=path, remedy="name a video file")
        return _info(path, capture, facts)
    finally:
        capture.release()


def check_file(path: Path) -> ContainerFacts:
    """The part of :func:`probe` that needs no decoder; raises the same errors."""
    if not path.exists():
        raise VideoMissingError("no such file", path=path, remedy="check the path")
    if not path.is_file():
        raise VideoMissingError("is a folder or device, not a video file", path=path, remedy="name a file in it")
    try:
        size, facts = path.stat().st_size, inspect_container(path)
    except OSError as error:
        raise VideoMissingError(f"cannot be read ({error.strerror})", path=path) from error
    if size == 0:
        raise VideoEmptyError("the file is empty", path=path, remedy="copy or record it again")
    if not facts.has_index:
        raise _unopened(path, facts)
    if facts.has_video is False:
        raise _no_stream(path)
    return facts


def _no_stream(path: Path) -> NoVideoStreamError:
    return NoVideoStreamError("has no video stream (audio only?)", path=path, remedy="name a file that has pictures")


def _unopened(path: Path, facts: ContainerFacts) -> VideoError:
    if not facts.has_index:
        message = "its index (the moov box) is missing: it was cut, or the recording never ended properly"
        return NotAVideoError(
            message, path=path, remedy="copy or record it again; nothing can be read without the index"
        )
    if facts.kind in _MEDIA and facts.has_video is None and facts.cut is None:
        return _no_stream(path)
    message = "is not a video" if facts.kind == "unknown" else f"its {facts.kind} content cannot be decoded"
    return NotAVideoError(message, path=path, remedy=_REENCODE)


def _info(path: Path, capture: cv2.VideoCapture, facts: ContainerFacts) -> VideoInfo:
    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise VideoError(
            f"its header states a picture of {width} x {height} pixels; up to {MAX_PIXELS:,} pixels are accepted",
            path=path,
            remedy=_REENCODE,
        )
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        fps=_frame_rate(capture),
        duration_s=facts.duration_s if facts.kind == "mp4" else _stated_duration(capture),
        rotation=int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360,
        codec=_codec(capture),
        container=facts.kind,
        cut=facts.cut,
    )


def _frame_rate(capture: cv2.VideoCapture) -> float | None:
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if math.isfinite(rate) and 0 < rate <= MAX_FRAME_RATE else None


def _stated_duration(capture: cv2.VideoCapture) -> float | None:
    """OpenCV gives the container's duration only as a frame count made from it and the rate."""
    rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return count / rate if math.isfinite(rate) and rate > 0 and count > 0 else None


def _codec(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    text = code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")
    return text if text.isprintable() and text else f"0x{code:08x}"


def default_video_id(path: str | os.PathLike[str]) -> str:
    """The file's name without its last extension."""
    return Path(path).stem
