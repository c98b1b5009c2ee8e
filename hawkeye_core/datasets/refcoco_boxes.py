"""Pictures and boxes of a file in COCO's instances format, without the outlines that make up most of it."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from hawkeye_core.datasets.reading import plain_name, read_bytes
from hawkeye_core.errors import AnnotationError

MAX_SIDE = 1_000_000
"""Pixels of a picture's width and height, and of a box."""
MAX_ID = 2**63 - 1

_KEPT = frozenset({"images", "annotations", "id", "file_name", "width", "height", "image_id", "bbox"})
"""Keys of ``instances.json`` that are used; outlines, most of the file, go while it is parsed."""

Box = tuple[int, tuple[float, float, float, float]]
"""Number of the picture; x, y, width, height."""


@dataclass(frozen=True, slots=True)
class RefImage:
    """A picture: its file below :data:`IMAGES`, and its size in pixels."""

    file_name: str
    width: int
    height: int

    @property
    def video(self) -> str:
        """Its id in the feature store: the stem of its file."""
        return PurePosixPath(self.file_name).stem


class BoxTable:
    """Boxes by their numbers, as columns: 200 thousand of them as tuples would take 60 MB."""

    def __init__(self) -> None:
        self._row: dict[int, int] = {}
        self._picture = array("q")
        self._xywh = array("d")

    def __contains__(self, key: int) -> bool:
        return key in self._row

    def __getitem__(self, key: int) -> Box:
        row = self._row[key]
        x, y, w, h = self._xywh[4 * row : 4 * row + 4]
        return self._picture[row], (x, y, w, h)

    def add(self, key: int, picture: int, xywh: list[float]) -> None:
        """Take over a box of four numbers."""
        self._row[key] = len(self._picture)
        self._picture.append(picture)
        self._xywh.extend(xywh)


def read_boxes(path: Path, *, remedy: str) -> tuple[dict[int, RefImage], BoxTable]:
    """Pictures and boxes by their numbers.

    Args:
        path: Of ``instances.json``.
        remedy: What to do where it is not as it should be.

    Raises:
        AnnotationError: The file is missing, damaged or not in its format; an id occurs twice.
    """

    def fail(what: str) -> NoReturn:
        raise AnnotationError(what, path=path, remedy=remedy)

    def number(row: dict[str, Any], key: str, where: str) -> int:
        value = row.get(key)
        if type(value) is not int or not 0 <= value <= MAX_ID:
            fail(f"{where}: {key} is no whole number from 0")
        return value

    content = _parse(path, remedy)
    rows = content.get("images"), content.get("annotations")
    if not isinstance(rows[0], list) or not isinstance(rows[1], list):
        fail("has no lists `images` and `annotations`")
    images: dict[int, RefImage] = {}
    boxes = BoxTable()
    for place, row in enumerate(rows[0]):
        where = f"images[{place}]"
        key = number(row, "id", where) if isinstance(row, dict) else fail(f"{where}: is no object")
        name = plain_name(row.get("file_name"), where=f"{path}: {where}", remedy=remedy)
        width, height = number(row, "width", where), number(row, "height", where)
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            fail(f"{where}: {width} x {height} is no size of a picture")
        if key in images:
            fail(f"{where}: id {key} occurs a second time")
        images[key] = RefImage(name, width, height)
    for place, row in enumerate(rows[1]):
        where = f"annotations[{place}]"
        key = number(row, "id", where) if isinstance(row, dict) else fail(f"{where}: is no object")
        box = row.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(_is_pixel, box)):
            fail(f"{where}: bbox is not x, y, width, height in pixels")
        if key in boxes:
            fail(f"{where}: id {key} occurs a second time")
        boxes.add(key, number(row, "image_id", where), box)
    return images, boxes


def _is_pixel(value: Any) -> bool:
    return type(value) in (int, float) and -MAX_SIDE <= value <= MAX_SIDE and math.isfinite(value)


def _parse(path: Path, remedy: str) -> dict[str, Any]:
    """The parts of ``instances.json`` that are used: of its 300 MB as Python objects, some 80."""

    def slim(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = [pair for pair in pairs if pair[0] in _KEPT]
        found = dict(kept)
        if len(found) != len(kept):
            raise ValueError("a key occurs twice in one object")
        return found

    def no_number(text: str) -> NoReturn:
        raise ValueError(f"{text} is no number")

    try:
        text = read_bytes(path, remedy=remedy).decode("utf-8")
        content = json.loads(text, object_pairs_hook=slim, parse_constant=no_number)
    except (ValueError, RecursionError) as error:  # ValueError: also of the text's encoding
        reason = str(error)[:200] or type(error).__name__
        raise AnnotationError(f"is no JSON that can be read: {reason}", path=path, remedy=remedy) from error
    if not isinstance(content, dict):
        raise AnnotationError("is no JSON object", path=path, remedy=remedy)
    return content
