"""One motion of HumanML3D as an array: ``new_joints/<id>.npy``."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reading import read_bytes
from hawkeye_core.errors import AnnotationError

FPS = 20
JOINTS = 22
MAX_FRAMES = 100_000
MAX_BYTES = 64 * 2**20
MAX_M = 1000.0
"""No joint is farther than this from the origin, metres."""
HOW_TO_GET = (
    "make the data set as github.com/EricGuo5513/HumanML3D says; the folder holds train.txt, texts/ and new_joints/"
)

_HEAD_BYTES = 4096
"""More than the head of any array of ours."""


def read_joints(path: str | Path) -> NDArray[np.float32]:
    """A motion [T, 22, 3], metres, y up, 20 frames a second.

    Raises:
        AnnotationError: The file is missing, damaged, not such an array, or a joint is not finite or a kilometre away.
    """
    frames = frames_of(path)
    content = read_bytes(path, remedy=HOW_TO_GET, max_bytes=MAX_BYTES)
    try:
        joints = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError, TypeError, MemoryError) as error:
        _no_array(path, f"cannot be read: {error}", error)
    if joints.shape != (frames, JOINTS, 3):
        _no_array(path, "changed while it was read")
    if not (np.abs(joints) <= MAX_M).all():  # also where it is not a number
        _no_array(path, f"a joint is not finite or farther than {MAX_M:.0f} m away")
    return np.ascontiguousarray(joints, np.float32)


def frames_of(path: str | Path) -> int:
    """T of a motion's file [T, 22, 3], from its head and its size.

    Raises:
        AnnotationError: As :func:`read_joints`, which also looks at the content.
    """
    path = Path(path)
    try:
        if not path.is_file():
            _no_array(path, "no such file" if not path.exists() else "is no file")
        size = path.stat().st_size
        with path.open("rb") as file:
            stream = io.BytesIO(file.read(_HEAD_BYTES))
    except (OSError, ValueError) as error:
        _no_array(path, f"cannot be read: {error}", error)
    try:
        version = np.lib.format.read_magic(stream)
        head = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in head:
            _no_array(path, f"has version {version} of the format; known are 1.0 and 2.0")
        shape, _, kind = head[version](stream, max_header_size=_HEAD_BYTES)
    except (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError, TypeError, LookupError, AttributeError,
            RecursionError, MemoryError, OverflowError) as error:  # fmt: skip
        _no_array(path, f"is no array of numpy: {str(error)[:200]}", error)
    if kind.kind != "f" or kind.itemsize not in (4, 8) or len(shape) != 3 or tuple(shape[1:]) != (JOINTS, 3):
        _no_array(path, f"is {str(shape)[:60]} of {str(kind)[:60]}, not [T, {JOINTS}, 3] of float32")
    frames = shape[0]
    if type(frames) is not int or not 0 < frames <= MAX_FRAMES:
        _no_array(path, f"has {str(frames)[:30]} frames, not 1 to {MAX_FRAMES:,}")
    if size != stream.tell() + frames * JOINTS * 3 * kind.itemsize:
        _no_array(path, f"has {size:,} bytes, not those of {frames} frames")
    return frames


def _no_array(path: str | Path, what: str, cause: BaseException | None = None) -> NoReturn:
    raise AnnotationError(what, path=path, remedy=HOW_TO_GET) from cause
