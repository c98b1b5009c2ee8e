"""Names of videos: short, safe in a path, stable from run to run."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

MAX_STEM = 96
"""Characters of the file stem that are kept; a suffix of the SHA-256 may follow."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class KnownVideo(NamedTuple):
    """A video the store has heard of: its normalised path and the SHA-256 of its current content."""

    path: str
    sha256: str


def normalise_path(path: str) -> str:
    """An absolute path without ``..``; URLs as they are. Symbolic links stay, since their name is the video's name."""
    return path if "://" in path or not path else os.path.abspath(path)


def safe_stem(path: str) -> str:
    """The file's name without extension, reduced to ``[A-Za-z0-9._-]``, never starting with ``.``, ``_`` or ``-``.

    Accents are dropped (``café`` becomes ``cafe``); a name of which nothing remains becomes ``video``.
    """
    stem = PurePosixPath(path.replace("\\", "/")).stem
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("_", plain).lstrip("._-")[:MAX_STEM].rstrip("._-") or "video"


def assign_id(path: str, sha256: str, known: Mapping[str, KnownVideo]) -> str:
    """The id of a video file, given those already named.

    * The same content under any path is the same video.
    * The same path with new content keeps its id; the old content is superseded.
    * Another file whose stem is taken gets ``-`` and the first 8 digits of its SHA-256 (more, should they collide).

    Ids that differ in case only count as taken: they would be one file on a case-insensitive disk.

    Args:
        path: Path or URL of the video file.
        sha256: Hexadecimal SHA-256 of its content, or "" if it could not be read.
        known: Videos by id.
    """
    path = normalise_path(path)
    same_content = sorted(name for name, video in known.items() if sha256 and video.sha256 == sha256)
    if same_content:
        return same_content[0]
    same_path = sorted(name for name, video in known.items() if video.path == path)
    if same_path:
        return same_path[0]
    taken = {name.casefold() for name in known}
    stem = safe_stem(path)
    candidates = [stem, *(f"{stem}-{sha256[:digits]}" for digits in (8, 16) if sha256)]
    free = (name for name in candidates if name.casefold() not in taken)
    return next(free, None) or _numbered(stem, taken)


def _numbered(stem: str, taken: set[str]) -> str:
    """For files whose content is unknown and whose name is taken."""
    number = 2
    while f"{stem}-{number}".casefold() in taken:
        number += 1
    return f"{stem}-{number}"
