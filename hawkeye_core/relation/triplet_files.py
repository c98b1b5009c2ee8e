"""Triplets as files hold them: JSON with names and boxes, or arrays of class probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import SidecarError
from hawkeye_core.relation.postprocess import Triplets
from hawkeye_core.relation.vocabulary import (
    EXTENDED_OBJECT_CLASSES,
    OBJECT_CLASSES,
    OBJECT_INDEX,
    PREDICATE_CLASSES,
    PREDICATE_INDEX,
)
from hawkeye_core.sidecar_values import Row, read_json, read_npy

COLUMNS = len(PREDICATE_CLASSES) + 2 * len(OBJECT_CLASSES)
"""353 = 51 predicate, 151 subject and 151 object scores."""


@dataclass(frozen=True, slots=True)
class _Mention:
    label: int
    score: float
    box: NDArray[np.float32]  # [4]


def parse_json_video(path: Path) -> dict[int, Triplets]:
    """``{"frames": [{"frame": 0, "relations": [...]}, ...]}``, that list alone, or ``{"0": [...], ...}``."""
    content = read_json(path)
    if isinstance(content, dict) and "frames" not in content:
        pairs = [(Row(path, f"frame {key!r:.60}"), key, value) for key, value in content.items()]
    else:
        frames = content["frames"] if isinstance(content, dict) else content
        if not isinstance(frames, list):
            Row(path, "frames").fail("a list is needed")
        rows = [(Row(path, f"frames[{i}]"), frame) for i, frame in enumerate(frames)]
        pairs = [(row, row.field(frame, "frame"), row.field(frame, "relations")) for row, frame in rows]
    found: dict[int, Triplets] = {}
    for row, key, relations in pairs:
        number = int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 19 else key
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            row.fail(f"{key!r:.60} is no frame number")
        if number in found:
            row.fail(f"frame {number} a second time")
        found[number] = _from_json(path, relations, f"{row.place}, ")
    return found


def parse_json_frame(path: Path) -> Triplets:
    """``[triplet, ...]`` or ``{"relations": [...]}``; the file's name gives the number."""
    content = read_json(path)
    return _from_json(path, content.get("relations") if isinstance(content, dict) else content, "")


def parse_npy_video(path: Path) -> list[Triplets]:
    """(frames, n, 353) scores of one video, a frame after the other."""
    stack = read_npy(path)
    if stack.ndim != 3 or stack.shape[-1] != COLUMNS:
        _wrong_shape(path, stack, f"(frames, n, {COLUMNS}) for a whole video")
    return [_from_scores(path, rows, f"frame {i}, ") for i, rows in enumerate(stack)]


def parse_npy_frame(path: Path) -> Triplets:
    """(n, 353) scores of one frame."""
    array = read_npy(path)
    if array.size == 0:
        return collect([])
    if array.ndim != 2 or array.shape[-1] != COLUMNS:
        _wrong_shape(path, array, f"(n, {COLUMNS}) for a frame")
    return _from_scores(path, array, "")


def _from_json(path: Path, relations: Any, place: str) -> Triplets:
    if not isinstance(relations, list):
        Row(path, f"{place}relations").fail(f"a list of triplets is needed, not {relations!r:.60}")
    rows = [_triplet(Row(path, f"{place}relations[{i}]"), value) for i, value in enumerate(relations)]
    return collect([row for row in rows if row is not None])


_Row = tuple[_Mention, int, float, _Mention, float]


def _triplet(row: Row, value: Any) -> _Row | None:
    """Subject, predicate, its score, object, the triplet's score; ``None`` if any of them is class 0 (none)."""
    subject, object_ = (_mention(row, row.field(value, role), role) for role in ("subject", "object"))
    predicate = row.field(value, "predicate", "relation")
    named = predicate if isinstance(predicate, dict) else {"class": predicate}
    label = _label(row, row.field(named, "class", "label"), PREDICATE_INDEX, len(PREDICATE_CLASSES), "predicate")
    given = row.field(named, "score")
    predicate_score = 1.0 if given is None else row.score(given, "the predicate's score")
    total = row.field(value, "score")
    score = subject.score * predicate_score * object_.score if total is None else row.score(total, "score")
    return (subject, label, predicate_score, object_, score) if subject.label and label and object_.label else None


def _mention(row: Row, value: Any, role: str) -> _Mention:
    label = _label(row, row.field(value, "class", "label"), OBJECT_INDEX, len(EXTENDED_OBJECT_CLASSES), role)
    box = row.numbers(row.field(value, "box"), 4, f"the {role}'s box")
    if (box[2:] < box[:2]).any():
        row.fail(f"the {role}'s box is not x1, y1, x2, y2: {box.tolist()}")
    score = row.field(value, "score")
    return _Mention(label, 1.0 if score is None else row.score(score, f"the {role}'s score"), box)


def _label(row: Row, value: Any, index: Mapping[str, int], count: int, role: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count:
        return value
    found = index.get(value.strip().lower(), index.get(value)) if isinstance(value, str) else None
    if found is None:
        row.fail(f"{role} {value!r:.60} is neither a name of the vocabulary nor an index below {count}")
    return found


def _from_scores(path: Path, array: NDArray[Any], place: str) -> Triplets:
    """[n, 353] probabilities -> triplets, the likeliest class but 0 of each part; rows of zeros or NaN are padding."""
    rows = np.asarray(array, np.float32)
    padding = (np.isnan(rows) | (rows == 0)).all(1)
    outside = ~((rows >= 0) & (rows <= 1 + 1e-4)).all(1) & ~padding
    if outside.any():
        Row(path, f"{place}row {int(outside.argmax())}").fail(
            "holds values outside 0..1; probabilities are needed, so apply softmax to logits first"
        )
    rows = rows[~padding]
    predicates, objects = len(PREDICATE_CLASSES), len(OBJECT_CLASSES)
    parts = np.split(rows, [predicates, predicates + objects], axis=1)
    label = [part[:, 1:].argmax(1).astype(np.int32) + 1 for part in parts]
    score = [part[:, 1:].max(1).clip(0, 1) for part in parts]
    boxes = np.zeros((len(rows), 4), np.float32)
    return Triplets(
        query=np.arange(len(rows), dtype=np.int32),
        subject_class=label[1],
        predicate=label[0],
        object_class=label[2],
        subject_score=score[1],
        predicate_score=score[0],
        object_score=score[2],
        score=score[0] * score[1] * score[2],
        subject_box=boxes,
        object_box=boxes,
    )


def collect(rows: Sequence[_Row]) -> Triplets:
    """Triplets from rows of (subject, predicate, its score, object, score)."""

    def column(values: list[Any], dtype: type) -> NDArray[Any]:
        return np.array(values, dtype)

    return Triplets(
        query=np.arange(len(rows), dtype=np.int32),
        subject_class=column([row[0].label for row in rows], np.int32),
        predicate=column([row[1] for row in rows], np.int32),
        object_class=column([row[3].label for row in rows], np.int32),
        subject_score=column([row[0].score for row in rows], np.float32),
        predicate_score=column([row[2] for row in rows], np.float32),
        object_score=column([row[3].score for row in rows], np.float32),
        score=column([row[4] for row in rows], np.float32),
        subject_box=column([row[0].box for row in rows], np.float32).reshape(-1, 4),
        object_box=column([row[3].box for row in rows], np.float32).reshape(-1, 4),
    )


def _wrong_shape(path: Path, array: NDArray[Any], needed: str) -> NoReturn:
    raise SidecarError(
        f"has shape {array.shape}, not {needed}", path=path, remedy="see docs/backends.md for the format"
    )
