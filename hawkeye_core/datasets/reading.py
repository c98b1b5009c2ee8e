"""Annotation files as text lines or JSON, checked on the way: every fault is an error that names the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from hawkeye_core.errors import AnnotationError

MAX_BYTES = 512 * 2**20
"""Largest file that is read whole: MS COCO's largest annotation file has 300 MB."""
MAX_LINE_BYTES = 65_536
"""Longest line of a text file."""
MAX_NAME = 200
"""Longest name of a video, in characters."""


def read_bytes(path: str | Path, *, remedy: str, max_bytes: int = MAX_BYTES) -> bytes:
    """A whole file.

    Args:
        path: Of the file.
        remedy: What to do where it is missing.
        max_bytes: A larger file is refused before it is read.

    Raises:
        AnnotationError: It is missing, no plain file, too large, empty, or cannot be read.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise AnnotationError("no such file" if not path.exists() else "is no file", path=path, remedy=remedy)
        size = path.stat().st_size
        if size > max_bytes:
            raise AnnotationError(f"has {size:,} bytes, more than {max_bytes:,}", path=path, remedy=remedy)
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise AnnotationError(f"cannot be read: {error}", path=path, remedy=remedy) from error
    if not content.strip():
        raise AnnotationError("is empty", path=path, remedy=remedy)
    return content


def read_lines(path: str | Path, *, remedy: str) -> Iterator[tuple[str, str]]:
    """``file:line`` and content of the lines of a UTF-8 text that are not blank.

    Raises:
        AnnotationError: As :func:`read_bytes`; or a line is too long or no UTF-8.
    """
    for number, line in enumerate(read_bytes(path, remedy=remedy).splitlines(), start=1):
        where = f"{path}:{number}"
        if len(line) > MAX_LINE_BYTES:
            raise AnnotationError(f"the line is longer than {MAX_LINE_BYTES} bytes", path=where, remedy=remedy)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise AnnotationError(f"is not UTF-8: {error.reason}", path=where, remedy=remedy) from error
        if text.strip():
            yield where, text


def read_json(path: str | Path, *, remedy: str, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a JSON file; a key that occurs twice, NaN and infinite numbers are errors.

    Raises:
        AnnotationError: As :func:`read_bytes`; or the content is no such JSON.
    """
    return parse_json(read_bytes(path, remedy=remedy, max_bytes=max_bytes), where=path, remedy=remedy)


def parse_json(text: str | bytes, *, where: str | Path, remedy: str) -> Any:
    """The value of a JSON text; see :func:`read_json`.

    Raises:
        AnnotationError: It is none; the message begins with ``where``.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # ValueError: also of the text's encoding
        reason = str(error) or type(error).__name__
        raise AnnotationError(f"is no JSON that can be read: {reason}", path=where, remedy=remedy) from error


def plain_name(name: Any, *, where: str, remedy: str) -> str:
    """A video's name as it stands in a file: one part of a path, printable, not too long.

    Raises:
        AnnotationError: It is not; names with ``/``, ``..`` and the like could leave a folder.
    """
    fits = isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip()
    if not fits or name in (".", "..") or "/" in name or "\\" in name:
        raise AnnotationError(f"{str(name)[:60]!r} is no name of a video", path=where, remedy=remedy)
    return str(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!r} occurs twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
