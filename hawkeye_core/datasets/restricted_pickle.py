"""Pickles of plain data: lists, dicts, texts, numbers, truth values and None. Nothing in a file is ever executed.

A pickle is a program. Before this one is run, every instruction of it is looked at, and a file with any that could
name code (``GLOBAL``, ``REDUCE``, ``BUILD``, ``EXT1``, persistent ids, out-of-band buffers ...) is refused, as is one
that declares more than it holds. The unpickler then refuses all names besides.

Tuples are refused too: the hash of a deeply nested one, as the key of a dict, ends the process (CPython guards no
recursion there). Whole numbers have at most 8 bytes, so that no dict can be filled with keys of one hash.
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any, NoReturn

from hawkeye_core.datasets.reading import read_bytes
from hawkeye_core.errors import AnnotationError

MAX_BYTES = 128 * 2**20
"""Largest pickle that is read."""
MAX_HOLDERS = 4_000_000
"""Most lists and dicts: each takes 72 bytes or more of memory for one of the file. RefCOCO's has 0.4 million."""
MAX_DEPTH = 32
"""Deepest nesting of lists and dicts; RefCOCO's has 5."""
PROTOCOL = 5
"""Newest protocol that is known."""

_REMEDY = "get the file anew from where its data set is published; nothing in this one was executed"

_FIXED = {
    "(": 0, ".": 0, "N": 0, "\x88": 0, "\x89": 0, "a": 0, "e": 0, "s": 0, "u": 0, "\x94": 0, "K": 1, "M": 2, "J": 4,
    "G": 8, "h": 1, "j": 4, "q": 1, "r": 4, "\x80": 1, "\x95": 8,
}  # fmt: skip
"""Bytes behind an instruction of fixed length."""
_COUNTED = {"U": 1, "T": 4, "X": 4, "\x8c": 1, "\x8d": 8}
"""Bytes of the length that stands before a text."""
_LINES = {"F": 200, "S": 200, "V": 200, "I": 201, "L": 201, "g": 202, "p": 203}
"""Instructions of protocol 0, whose argument ends with the line: any, a whole number, the number of a value, a new
one."""

_KIND = [-1] * 256
"""By instruction: bytes of a fixed argument; 100 + bytes of a length; 200 to 203 for a line;
300 for LONG1; 400 for a new list or dict; -1 refused."""
for _name, _width in _FIXED.items():
    _KIND[ord(_name)] = _width
for _name, _width in _COUNTED.items():
    _KIND[ord(_name)] = 100 + _width
for _name, _width in _LINES.items():
    _KIND[ord(_name)] = _width
_KIND[0x8A] = 300

for _name in "]l}d":
    _KIND[ord(_name)] = 400
_OPCODES = {
    value[0]: name
    for name, value in vars(pickle).items()
    if name.isupper() and isinstance(value, bytes) and len(value) == 1
}

_NUMBER = re.compile(rb"-?[0-9]{1,19}L?\r?")
_PUT_BYTES = 4
"""The shortest way to make a value and to number it, in a form that says the number."""


class _NoNames(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"names {module[:60]}.{name[:60]}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("names an object outside")


def load_plain_pickle(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a pickle of plain data, protocol 0 to 5.

    Texts that Python 2 wrote as bytes are read as UTF-8: RefCOCO's are ASCII, for which that is the same as Latin-1,
    and in any other file a wrong encoding is an error and not a wrong letter.

    What comes back can be walked safely: lists and dicts are at most :data:`MAX_DEPTH` deep (so there is no ring), and
    hold no more values than the file has bytes, one that occurs several times counted each time.

    Args:
        path: Of the file.
        max_bytes: A larger file is refused before it is read.

    Raises:
        AnnotationError: The file is missing, empty, too large, damaged, or holds anything but plain data.
    """
    content = read_bytes(path, remedy=_REMEDY, max_bytes=max_bytes)
    _check_instructions(content, path)
    try:
        stream = io.BufferedReader(io.BytesIO(content), 1 << 17)  # type: ignore[type-var, unused-ignore]
        value = _NoNames(stream, encoding="utf-8", errors="strict").load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
            RecursionError, MemoryError) as error:  # fmt: skip
        reason = str(error)[:200] or type(error).__name__
        raise AnnotationError(f"is no pickle that can be read: {reason}", path=path, remedy=_REMEDY) from error
    _check_tree(value, len(content), path)
    return value


def _check_instructions(content: bytes, path: str | Path) -> None:
    """Refuse instructions and lengths that plain data has not."""
    at, size, kinds, holders = 0, len(content), _KIND, 0
    while at < size:
        code = content[at]
        kind = kinds[code]
        if kind < 0:
            raise _refused(f"has the instruction {_name_of(code)} at byte {at}", path)
        start, at = at, at + 1
        if kind < 100:
            at += kind
        elif kind < 200:
            at += kind - 100
            at += int.from_bytes(content[start + 1 : at], "little")
        elif kind < 300:
            stop = content.find(b"\n", at)
            if kind > 200:
                _check_line(kind, content[at : min(stop, at + 64)], start, path)
            at = stop + 1 if stop >= 0 else size + 1
        elif kind == 400:
            holders += 1
            if holders > MAX_HOLDERS:
                raise _refused(f"has more than {MAX_HOLDERS:,} lists and dicts", path)
        else:
            if content[at : at + 1] > b"\x08":
                raise _refused(f"has a whole number of more than 8 bytes at byte {start}", path)
            at += 1 + (content[at] if at < size else 0)
        if at > size:
            raise _refused(f"ends within {_name_of(code)} at byte {start}", path)
        if code == 0x72:  # the C unpickler makes a table of twice this many places
            _check_index(int.from_bytes(content[start + 1 : at], "little"), start, path)
        elif code == 0x80 and content[start + 1] > PROTOCOL:
            raise _refused(f"has protocol {content[start + 1]}; known are 0 to {PROTOCOL}", path)
        elif code == 0x95 and at + int.from_bytes(content[start + 1 : at], "little") > size:
            raise _refused(f"ends within the FRAME at byte {start}", path)
        elif code == 0x2E:
            if at != size:
                raise _refused(f"goes on behind its end, at byte {at}", path)
            return
    raise _refused("has no end", path)


def _check_line(kind: int, line: bytes, start: int, path: str | Path) -> None:
    """A number in the form of protocol 0 (its first 64 bytes)."""
    if kind == 201:
        if not _NUMBER.fullmatch(line):
            raise _refused(f"has no whole number of at most 8 bytes at byte {start}", path)
    elif not line.isdigit() or len(line) > 9:
        raise _refused(f"has a wrong number of a value at byte {start}", path)
    elif kind == 203 and int(line) > 256 + start // _PUT_BYTES:
        _check_index(int(line), start, path)


def _check_index(index: int, start: int, path: str | Path) -> None:
    if index > 256 + start // _PUT_BYTES:
        raise _refused(f"numbers a value {index:,} at byte {start}, where fewer can have been made", path)


def _check_tree(root: Any, most: int, path: str | Path) -> None:
    """Refuse deep nesting, rings, and lists that would be huge if they were written out."""
    level, count = [root] if isinstance(root, (list, dict)) else [], 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for holder in level:
            values = holder.values() if type(holder) is dict else holder
            held = [value for value in values if type(value) is list or type(value) is dict]
            count += len(values)
            below += held
            if count > most:
                raise _refused("holds more values than it has bytes", path)
        if not below:
            return
        level = below
    raise _refused(f"is nested more than {MAX_DEPTH} deep", path)


def _name_of(code: int) -> str:
    return _OPCODES.get(code, f"0x{code:02x}")


def _refused(what: str, path: str | Path) -> AnnotationError:
    return AnnotationError(f"{what}; only lists, dicts, texts and numbers are read", path=path, remedy=_REMEDY)
