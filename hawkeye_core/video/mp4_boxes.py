"""What an MP4 or QuickTime file says about itself: is it whole, has it video, how long does that play.

OpenCV answers none of these: it stops silently where a file was cut, and its frame count ignores edit lists. Box
layout: ISO/IEC 14496-12.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MOOV_LIMIT = 512 * 1024 * 1024  # bytes; the index of a day of video is far smaller


@dataclass(frozen=True, slots=True)
class Mp4Facts:
    """What the boxes say.

    Args:
        has_index: A ``moov`` box is there and whole; nothing can be decoded without it.
        has_video: One of its tracks is video.
        duration_s: Playing time of the first video track after its edit list; ``None`` if it is not stated.
        missing_bytes: Bytes by which the last box reaches beyond the end of the file.
    """

    has_index: bool
    has_video: bool
    duration_s: float | None
    missing_bytes: int


def read_mp4(file: BinaryIO) -> Mp4Facts:
    """Read the boxes of an open file; never raises on malformed content."""
    size = os.fstat(file.fileno()).st_size
    moov, missing, fragmented = b"", 0, False
    for kind, start, stop in _top_boxes(file, size):
        missing = max(missing, stop - size)
        fragmented = fragmented or kind == b"moof"
        if kind == b"moov" and stop <= size and stop - start <= _MOOV_LIMIT:
            file.seek(start)
            moov = file.read(stop - start)
    track = next((trak for trak in _children(moov, b"trak") if _handler(trak) == b"vide"), None)
    duration = None if track is None or fragmented else _duration(moov, track)
    return Mp4Facts(has_index=bool(moov), has_video=track is not None, duration_s=duration, missing_bytes=missing)


def _top_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the payload of each top-level box; the end may lie beyond the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if length == 1 and len(head) == 16:  # 64-bit size follows
            length, header = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:  # reaches to the end of the file
            length = size - position
        if length < header or not all(32 <= c < 127 or c == 0xA9 for c in kind):
            return  # padding or junk after the last box
        yield kind, position + header, position + length
        position += length


def _children(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """Payloads of the direct children of one type."""
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if length < 8:
            return
        if kind == wanted:
            yield data[position + 8 : position + length]
        position += length


def _child(data: bytes, *names: bytes) -> bytes:
    """Payload of the first box at a path below ``data``; empty if there is none."""
    for name in names:
        data = next(_children(data, name), b"")
    return data


def _handler(trak: bytes) -> bytes:
    return _child(trak, b"mdia", b"hdlr")[8:12]


def _timescale(full_box: bytes) -> int:
    """Ticks a second of an ``mvhd`` or ``mdhd`` box, 0 if it is too short."""
    offset = 20 if full_box[:1] == b"\x01" else 12
    return struct.unpack_from(">I", full_box, offset)[0] if len(full_box) >= offset + 4 else 0


def _duration(moov: bytes, trak: bytes) -> float | None:
    """Seconds of media, less what the edit list leaves out. The durations in the headers are not believed."""
    scale, ticks = _timescale(_child(trak, b"mdia", b"mdhd")), _media_ticks(trak)
    if not scale or not ticks:
        return None
    movie_scale = _timescale(_child(moov, b"mvhd"))
    edits = sum(length for length, media_time in _edits(_child(trak, b"edts", b"elst")) if media_time >= 0)
    return min(ticks / scale, edits / movie_scale) if movie_scale and edits else ticks / scale


def _media_ticks(trak: bytes) -> int:
    """Sum of the durations of all samples (box ``stts``)."""
    stts = _child(trak, b"mdia", b"minf", b"stbl", b"stts")
    if len(stts) < 8:
        return 0
    count = min(struct.unpack_from(">I", stts, 4)[0], (len(stts) - 8) // 8)
    return sum(samples * delta for samples, delta in struct.iter_unpack(">II", stts[8 : 8 + 8 * count]))


def _edits(elst: bytes) -> Iterator[tuple[int, int]]:
    """Length (movie timescale) and media time of each edit; media time -1 is an empty edit."""
    if len(elst) < 8:
        return
    layout = ">Qq" if elst[:1] == b"\x01" else ">Ii"
    step = struct.calcsize(layout) + 4
    count = min(struct.unpack_from(">I", elst, 4)[0], (len(elst) - 8) // step)
    for i in range(count):
        yield struct.unpack_from(layout, elst, 8 + i * step)
