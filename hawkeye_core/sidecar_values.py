"""Reading the values of imported files: sizes are checked, nothing is unpickled, every fault names its place."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import SidecarError

MAX_JSON_BYTES = 256 * 2**20
"""Larger JSON files are refused: parsed, they would take some ten times this much memory."""

_DIGITS = re.compile(r"\d+")


def last_number(text: str) -> int | None:
    """The last run of digits: ``frame_000012`` is 12."""
    found = _DIGITS.findall(text)
    return int(found[-1]) if found and len(found[-1]) < 19 else None


def read_json(path: Path) -> Any:
    """A JSON value; NaN and infinities are refused.

    Raises:
        SidecarError: Too large, not JSON, or nested too deep.
    """
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise SidecarError(
            f"has {size / 2**20:.0f} MiB, more than {MAX_JSON_BYTES // 2**20}",
            path=path,
            remedy="write a file for each video, or for each frame",
        )
    try:
        return json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SidecarError(f"is not JSON ({error})", path=path, remedy="write the file again") from error


def read_npy(path: Path) -> NDArray[Any]:
    """A numeric array, mapped, not read: what the header claims is never allocated.

    Raises:
        SidecarError: Not a ``.npy`` file, truncated, or an array of Python objects (which would be unpickled).
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, OverflowError, TypeError, SyntaxError, TokenError) as error:
        if "bject" in str(error):
            raise SidecarError(
                "is an array of Python objects; reading one runs the code in it, so it is refused",
                path=path,
                remedy="if you made the file yourself, save each frame's array on its own: "
                "for k, a in enumerate(np.load(file, allow_pickle=True)): np.save(f'{k:06d}.npy', np.asarray(a, 'f4'))",
            ) from error
        if "empty" in str(error) and "mmap" in str(error):
            return np.load(path, allow_pickle=False)  # a mapping of no bytes is impossible: an array of nobody
        raise SidecarError(f"is not a .npy array ({error})", path=path, remedy="write the file again") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise SidecarError("holds no array of numbers", path=path, remedy="write it with np.save")
    return array


@dataclass(frozen=True, slots=True)
class Row:
    """A place in a file, for messages."""

    path: Path
    place: str

    def fail(self, message: str) -> NoReturn:
        """Raise an error that names the place."""
        raise SidecarError(f"{self.place}: {message}", path=self.path, remedy="see docs/backends.md for the format")

    def field(self, value: Any, *names: str) -> Any:
        """The first of these fields a JSON object has, ``None`` if it has none."""
        if not isinstance(value, dict):
            self.fail(f"a JSON object is needed, not {value!r:.60}")
        return next((value[name] for name in names if value.get(name) is not None), None)

    def numbers(self, value: Any, count: int, what: str) -> NDArray[np.float32]:
        """[count] finite numbers."""
        if not isinstance(value, list) or len(value) != count:
            self.fail(f"{what} must be a list of {count} numbers, not {value!r:.60}")
        if not all(_is_number(one) for one in value):
            self.fail(f"{what} holds something other than finite numbers: {value!r:.60}")
        return np.array(value, np.float32)

    def score(self, value: Any, what: str) -> float:
        """A number in 0..1."""
        if not _is_number(value) or not 0 <= value <= 1:
            self.fail(f"{what} must be in 0..1, not {value!r:.60}")
        return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
