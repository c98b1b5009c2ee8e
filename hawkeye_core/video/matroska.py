"""What a Matroska or WebM file says about itself: is it whole, has it video (EBML layout: RFC 8794, RFC 9559)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

_EBML, _SEGMENT, _TRACKS, _CLUSTER, _TRACK_ENTRY, _TRACK_TYPE = (
    0x1A45DFA3,
    0x18538067,
    0x1654AE6B,
    0x1F43B675,
    0xAE,
    0x83,
)
_VIDEO = 1
_TRACKS_LIMIT = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class MatroskaFacts:
    """What the elements say.

    Args:
        has_video: One of the tracks is video; ``None`` if the track list was not found.
        missing_bytes: Bytes by which the segment reaches beyond the end of the file (0 if its size is not stated).
    """

    has_video: bool | None
    missing_bytes: int


def read_matroska(file: BinaryIO) -> MatroskaFacts:
    """Read the head of an open file; never raises on malformed content."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    header = _element(file)
    if header is None or header[0] != _EBML or header[1] is None:
        return MatroskaFacts(None, 0)
    file.seek(header[1], os.SEEK_CUR)
    segment = _element(file)
    if segment is None or segment[0] != _SEGMENT:
        return MatroskaFacts(None, 0)
    missing = 0 if segment[1] is None else max(0, file.tell() + segment[1] - size)
    return MatroskaFacts(_find_video(file, size), missing)


def _find_video(file: BinaryIO, size: int) -> bool | None:
    """Walk the segment's children up to the first cluster and look into the track list."""
    while file.tell() < size:
        element = _element(file)
        if element is None or element[0] == _CLUSTER or element[1] is None:
            return None
        if element[0] == _TRACKS:
            stop = file.tell() + min(element[1], _TRACKS_LIMIT)
            return _VIDEO in _track_types(file, min(stop, size))
        file.seek(element[1], os.SEEK_CUR)
    return None


def _track_types(file: BinaryIO, stop: int) -> set[int]:
    """Types of all tracks between here and ``stop``; entries are entered, other elements skipped."""
    types = set()
    while file.tell() < stop:
        element = _element(file)
        if element is None or element[1] is None:
            break
        if element[0] == _TRACK_TYPE:
            types.add(int.from_bytes(file.read(element[1]), "big"))
        elif element[0] != _TRACK_ENTRY:
            file.seek(element[1], os.SEEK_CUR)
    return types


def _element(file: BinaryIO) -> tuple[int, int | None] | None:
    """Id and size of the next element; the size is ``None`` where the writer did not know it."""
    identity = _variable_int(file, keep_marker=True)
    length = _variable_int(file, keep_marker=False)
    if identity is None or length is None:
        return None
    value, width = length
    return identity[0], None if value == (1 << 7 * width) - 1 else value


def _variable_int(file: BinaryIO, *, keep_marker: bool) -> tuple[int, int] | None:
    """An EBML variable-size integer and its width in bytes."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    if len(rest) != width - 1:
        return None
    head = first[0] if keep_marker else first[0] & ((1 << (8 - width)) - 1)
    return int.from_bytes(bytes([head]) + rest, "big"), width
