"""Looks at a file's own bytes for what OpenCV does not tell: which container, is it cut, has it a video stream."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hawkeye_core.video.matroska import read_matroska
from hawkeye_core.video.mp4_boxes import read_mp4

_TS_PACKET = 188  # bytes
_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot")
_AUDIO_MAGIC = (b"ID3", b"fLaC", b"#!AMR", b".snd", b"MAC ", b"wvpk", b"TTA1", b"FORM")


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What the bytes of a file say.

    Args:
        kind: ``mp4``, ``matroska``, ``avi``, ``ts``, ``flv``, ``asf``, ``ogg``, ``mpeg-ps``, ``audio`` or ``unknown``.
        has_video: Whether there is a video stream; ``None`` where only a decoder can tell.
        has_index: False if the index without which nothing can be read (MP4's ``moov``) is missing.
        duration_s: Playing time of the video stream, where the container states it exactly (MP4).
        cut: Why the file must have been cut short, or ``None``.
    """

    kind: str
    has_video: bool | None = None
    has_index: bool = True
    duration_s: float | None = None
    cut: str | None = None


def inspect_container(path: str | Path) -> ContainerFacts:
    """Recognise the container by its first bytes and read what it says about itself.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(2 * _TS_PACKET + 1)
        kind = _kind(head)
        reader = _READERS.get(kind)
        return ContainerFacts(kind) if reader is None else reader(file)


def _kind(head: bytes) -> str:
    if head[4:8] in _MP4_FIRST_BOXES:
        return "mp4"
    if head[:4] == b"RIFF":
        return "avi" if head[8:12] == b"AVI " else "audio" if head[8:12] == b"WAVE" else "unknown"
    if len(head) > 2 * _TS_PACKET and all(head[i * _TS_PACKET] == 0x47 for i in range(3)):
        return "ts"
    if head.startswith(_AUDIO_MAGIC) or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 in (0xF0, 0xF2)):
        return "audio"  # the second: sync word of ADTS (AAC) or of an MPEG audio layer III frame
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    return "unknown"


_MAGIC = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"FLV": "flv",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"OggS": "ogg",
    b"\x00\x00\x01\xba": "mpeg-ps",
}


def _mp4(file: BinaryIO) -> ContainerFacts:
    facts = read_mp4(file)
    cut = f"{facts.missing_bytes:,} bytes are missing at its end" if facts.missing_bytes else None
    has_video = facts.has_video if facts.has_index else None
    return ContainerFacts("mp4", has_video, facts.has_index, facts.duration_s, cut)


def _matroska(file: BinaryIO) -> ContainerFacts:
    facts = read_matroska(file)
    cut = f"{facts.missing_bytes:,} bytes are missing at its end" if facts.missing_bytes else None
    return ContainerFacts("matroska", facts.has_video, cut=cut)


def _avi(file: BinaryIO) -> ContainerFacts:
    """RIFF sizes (a large AVI has several RIFF chunks), and the stream types in the header list."""
    size = os.fstat(file.fileno()).st_size
    file.seek(12)
    chunk, length = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
    header = file.read(min(length, 1 << 20)) if chunk == b"LIST" else b""
    position, missing = 0, 0
    while position + 8 <= size:
        file.seek(position)
        chunk, length = struct.unpack("<4sI", file.read(8))
        if chunk != b"RIFF" or length == 0:  # 0: the recorder never wrote the size
            break
        position += 8 + length + length % 2
        missing = position - length % 2 - size
    cut = f"{missing:,} bytes are missing at its end" if missing > 0 else None
    return ContainerFacts("avi", _avi_has_video(header), cut=cut)


def _avi_has_video(header: bytes) -> bool | None:
    types = [part[4:8] for part in header.split(b"strh")[1:]]  # after the name: chunk size, then stream type
    return b"vids" in types if types else None


def _ts(file: BinaryIO) -> ContainerFacts:
    size = os.fstat(file.fileno()).st_size
    if size % _TS_PACKET:
        return ContainerFacts("ts", cut="its last packet is incomplete")
    file.seek(size - _TS_PACKET)
    return ContainerFacts("ts", cut=None if file.read(1) == b"\x47" else "its end holds no packets")


def _flv(file: BinaryIO) -> ContainerFacts:
    file.seek(4)
    flags = file.read(1)  # bit 0 video, bit 2 audio; some writers leave both 0, so only "audio alone" is believed
    return ContainerFacts("flv", False if flags == b"\x04" else None)


def _audio(_: BinaryIO) -> ContainerFacts:
    return ContainerFacts("audio", has_video=False)


_READERS: dict[str, Callable[[BinaryIO], ContainerFacts]] = {
    "mp4": _mp4,
    "matroska": _matroska,
    "avi": _avi,
    "ts": _ts,
    "flv": _flv,
    "audio": _audio,
}
