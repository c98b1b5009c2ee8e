"""COCO keypoints as JSON, results or annotations, to people by frame number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import SidecarError
from hawkeye_core.scene import COCO_JOINTS
from hawkeye_core.sidecar_values import Row, last_number, read_json

PERSON = 1
"""COCO's category of persons."""

J = len(COCO_JOINTS)

_Person = tuple[NDArray[np.float32], float, NDArray[np.float32]]
"""Keypoints [J, 3], score, box [4]."""


@dataclass(frozen=True, slots=True)
class People:
    """People of a frame as the files give them."""

    keypoints: NDArray[np.float32]  # [P, J, 3]
    score: NDArray[np.float32]  # [P] may exceed 1
    box: NDArray[np.float32]  # [P, 4] x1, y1, x2, y2; NaN where the files give none


def nobody() -> People:
    """A frame without people."""
    return People(np.zeros((0, J, 3), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32))


def parse_coco_video(path: Path) -> dict[int, People]:
    """COCO results (a list) or annotations (an object with ``annotations`` and maybe ``images``) of one video.

    The frame number is that of the image's ``file_name`` where ``images`` are given, else ``image_id`` (or the last
    number in it).
    """
    content = read_json(path)
    numbers = _image_numbers(path, content)
    frames: dict[int, list[_Person]] = defaultdict(list)
    for i, value in enumerate(_annotations(path, content)):
        row = Row(path, f"annotation {i}")
        if (person := _person(row, value)) is not None:
            frames[_frame_number(row, value, numbers)].append(person)
    return {number: _stack(people) for number, people in frames.items()}


def parse_coco_frame(path: Path) -> People:
    """The same for a file of one frame, whose name gives the number; ``image_id`` is not looked at."""
    rows = enumerate(_annotations(path, read_json(path)))
    people = (_person(Row(path, f"annotation {i}"), value) for i, value in rows)
    return _stack([person for person in people if person is not None])


def _annotations(path: Path, content: Any) -> list[Any]:
    found = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(found, list):
        raise SidecarError(
            "is neither a list of COCO results nor an object with `annotations`",
            path=path,
            remedy="see docs/backends.md for the format",
        )
    return found


def _image_numbers(path: Path, content: Any) -> dict[Any, int] | None:
    images = content.get("images") if isinstance(content, dict) else None
    if images is None:
        return None
    numbers: dict[Any, int] = {}
    taken: set[int] = set()
    for i, image in enumerate(images if isinstance(images, list) else [images]):
        row = Row(path, f"image {i}")
        name, key = row.field(image, "file_name"), row.field(image, "id")
        number = _number(row, key if name is None else Path(str(name)).stem)
        if number in taken:
            row.fail(f"is frame {number} a second time (a file may hold one video only)")
        taken.add(number)
        numbers[str(key)] = number
    return numbers


def _frame_number(row: Row, value: Any, numbers: dict[Any, int] | None) -> int:
    image = row.field(value, "image_id")
    if numbers is None:
        return _number(row, image)
    if str(image) not in numbers:
        row.fail(f"image_id {image!r:.60} is not among `images`")
    return numbers[str(image)]


def _number(row: Row, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    number = last_number(Path(value).stem) if isinstance(value, str) else None
    if number is None:
        row.fail(f"no frame number in {value!r:.60}")
    return number


def _person(row: Row, value: Any) -> _Person | None:
    """Keypoints [J, 3], score, box [4]; ``None`` for another category and for a person without any joint."""
    if row.field(value, "category_id") not in (None, PERSON):
        return None
    keypoints = row.numbers(row.field(value, "keypoints"), 3 * J, "keypoints").reshape(J, 3)
    keypoints[:, 2] = keypoints[:, 2].clip(0, 1)  # visibility 2 of annotations counts as 1
    if not keypoints[:, 2].any():
        return None
    score, bbox = row.field(value, "score"), row.field(value, "bbox")
    score = keypoints[:, 2].mean() if score is None else row.numbers([score], 1, "score")[0]
    if bbox is None:
        return keypoints, float(score), np.full(4, np.nan, np.float32)
    box = row.numbers(bbox, 4, "bbox")
    if (box[2:] < 0).any():
        row.fail(f"bbox (x, y, width, height) has a negative side: {bbox!r:.60}")
    return keypoints, float(score), np.concatenate((box[:2], box[:2] + box[2:]))


def _stack(people: list[_Person]) -> People:
    if not people:
        return nobody()
    keypoints, score, box = zip(*people, strict=True)
    return People(np.stack(keypoints), np.array(score, np.float32), np.stack(box))
