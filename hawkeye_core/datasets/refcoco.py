"""RefCOCO's referring expressions (Yu et al., ECCV 2016), where ``refer.py`` finds them below its data folder.

::

    refcoco/refs(unc).p       what was said of which box: a pickle, read as plain data only
    refcoco/instances.json    pictures and boxes, in COCO's format
    images/mscoco/images/train2014/COCO_train2014_000000581857.jpg

The ``file_name`` of an expression has the number of the box in it (``COCO_train2014_000000581857_16.jpg``), and no such
picture exists; the picture's own name stands in ``instances.json``. Boxes there are x, y, width, height.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from hawkeye_core.datasets.plain_text import clean_text
from hawkeye_core.datasets.refcoco_boxes import MAX_ID, BoxTable, RefImage, read_boxes
from hawkeye_core.datasets.restricted_pickle import load_plain_pickle
from hawkeye_core.datasets.source import Remark, Split
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.stage1.text import has_words

REFS, INSTANCES = "refcoco/refs(unc).p", "refcoco/instances.json"
IMAGES = "images/mscoco/images/train2014"
"""Folder of the pictures, below the data folder."""
SPLITS: Mapping[str, Split] = MappingProxyType({"train": "train", "val": "val", "testA": "test", "testB": "test"})
"""Ours of the set's own; ``testA`` has people, ``testB`` things."""
MAX_EXPRESSIONS = 1_000_000
"""RefCOCO has 142 thousand."""
HOW_TO_GET = "unpack refcoco.zip (github.com/lichengunc/refer) so that refcoco/ has refs(unc).p and instances.json"


@dataclass(frozen=True, slots=True)
class RefExpression:
    """A phrase that means one box of a picture.

    Args:
        image: The picture.
        box: x1, y1, x2, y2 in pixels, origin top left, inside the picture.
        expression: The phrase as the set cleaned it (``sent``), spaces single.
        ref_id: Of the box that is meant.
        sent_id: Of the phrase.
        own_split: ``train``, ``val``, ``testA`` or ``testB``.
    """

    image: RefImage
    box: tuple[float, float, float, float]
    expression: str
    ref_id: int
    sent_id: int
    own_split: str

    @property
    def split(self) -> Split:
        """Ours."""
        return SPLITS[self.own_split]


@dataclass(frozen=True)
class RefExpressions:
    """The expressions of some splits, in the order of the file.

    Args:
        expressions: All of them.
        remarks: What was clipped, dropped, or should be known.
        files: SHA-256 of the files, by their names below the data folder.
    """

    expressions: tuple[RefExpression, ...]
    remarks: tuple[Remark, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def read_refcoco(folder: str | Path, *, splits: Collection[str] = tuple(SPLITS)) -> RefExpressions:
    """Read the expressions of some splits.

    Args:
        folder: The data folder of ``refer.py``: it holds ``refcoco/`` and ``images/``.
        splits: Which of the set's own.

    Raises:
        ValueError: No such split.
        AnnotationError: A file is missing, damaged or not in its format; an id leads nowhere or occurs twice.
    """
    if unknown := set(splits) - set(SPLITS):
        raise ValueError(f"no split {min(unknown)!r}; RefCOCO has {', '.join(SPLITS)}")
    path = Path(folder) / REFS
    images, boxes = read_boxes(Path(folder) / INSTANCES, remedy=HOW_TO_GET)
    refs = load_plain_pickle(path)
    reader = _Reader(path, images, boxes)
    if not isinstance(refs, list) or not refs:
        reader.fail("is no list of expressions")
    refs.reverse()
    number = 0
    while refs:  # each is let go once it is read: as Python objects they take 200 MB
        reader.add(number, refs.pop(), frozenset(splits))
        number += 1
    files = {name: sha256_of(Path(folder) / name) for name in (REFS, INSTANCES)}
    return RefExpressions(tuple(reader.found), tuple(reader.remarks), files)


def region_rows(expressions: Iterable[RefExpression]) -> Iterator[dict[str, Any]]:
    """Rows of stage 1's table of regions; those of ``val`` are left out, since the table knows train and test alone."""
    for item in expressions:
        if item.split != "val":
            yield {
                "video": item.image.video, "box": list(item.box), "expression": item.expression, "split": item.split,
            }  # fmt: skip


class _Reader:
    """Takes the entries of the pickle one by one."""

    def __init__(self, path: Path, images: dict[int, RefImage], boxes: BoxTable) -> None:
        self._path, self._images, self._boxes = path, images, boxes
        self.found: list[RefExpression] = []
        self.remarks: list[Remark] = []
        self._refs: set[int] = set()
        self._sentences: set[int] = set()

    def fail(self, what: str) -> NoReturn:
        raise AnnotationError(what, path=self._path, remedy=HOW_TO_GET)

    def add(self, number: int, entry: Any, splits: frozenset[str]) -> None:
        """Take over an entry: one box, and the sentences about it."""
        where = f"entry {number}"
        if not isinstance(entry, dict):
            self.fail(f"{where}: is a {type(entry).__name__}, not a dict")
        split, sentences = entry.get("split"), entry.get("sentences")
        if not isinstance(split, str) or split not in SPLITS:
            self.fail(f"{where}: has no split of {', '.join(SPLITS)}")
        if not isinstance(sentences, list):
            self.fail(f"{where}: has no list of sentences")
        ref, ann, picture = (self._id(entry, key, where) for key in ("ref_id", "ann_id", "image_id"))
        if ref in self._refs:
            self.fail(f"{where}: ref_id {ref} occurs a second time")
        self._refs.add(ref)
        if ann not in self._boxes:
            self.fail(f"{where}: ann_id {ann} is not in {INSTANCES}")
        if picture not in self._images:
            self.fail(f"{where}: image_id {picture} is not in {INSTANCES}")
        of, (x, y, w, h) = self._boxes[ann]
        if of != picture:
            self.fail(f"{where}: box {ann} is of picture {of}, not {picture}")
        if split not in splits:
            return
        image = self._images[picture]
        box = self._inside((x, y, w, h), image, f"ref_id {ref}")
        if box is not None:
            for sentence in sentences:
                self._sentence(sentence, image, box, ref, split, where)

    def _sentence(
        self, row: Any, image: RefImage, box: tuple[float, float, float, float], ref: int, split: str, where: str
    ) -> None:
        if not isinstance(row, dict) or not isinstance(row.get("sent"), str):
            self.fail(f"{where}: a sentence has no text `sent`")
        number, text = self._id(row, "sent_id", where), row["sent"]
        subject = f"sent_id {number}"
        if number in self._sentences:
            self.remarks.append(Remark("note", "a sent_id occurs again", subject))
        self._sentences.add(number)
        at = f"{self._path}: {where}"
        words = clean_text(text, subject=subject, where=at, remedy=HOW_TO_GET, remarks=self.remarks)
        if not has_words(words):
            self.remarks.append(Remark("dropped", "the expression has no word", subject, ascii(text[:60])))
            return
        if len(self.found) == MAX_EXPRESSIONS:
            self.fail(f"has more than {MAX_EXPRESSIONS:,} sentences")
        self.found.append(RefExpression(image, box, words, ref, number, split))

    def _inside(
        self, xywh: tuple[float, float, float, float], image: RefImage, subject: str
    ) -> tuple[float, float, float, float] | None:
        """Corners of a box inside its picture; None where nothing is left of it."""
        x, y, w, h = xywh
        corners = (x, y, x + w, y + h)
        x1, x2 = (min(max(value, 0.0), float(image.width)) for value in corners[::2])
        y1, y2 = (min(max(value, 0.0), float(image.height)) for value in corners[1::2])
        detail = f"{[round(value, 2) for value in corners]} in {image.width} x {image.height}"
        if x2 <= x1 or y2 <= y1:
            self.remarks.append(Remark("dropped", "the box has no area in the picture", subject, detail))
            return None
        if (x1, y1, x2, y2) != corners:
            self.remarks.append(Remark("clipped", "the box leaves the picture", subject, detail))
        return x1, y1, x2, y2

    def _id(self, row: dict[str, Any], key: str, where: str) -> int:
        value = row.get(key)
        if type(value) is not int or not 0 <= value <= MAX_ID:
            self.fail(f"{where}: {key} is no whole number from 0")
        return value
