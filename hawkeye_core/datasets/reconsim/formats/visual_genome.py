"""Visual Genome as RelTR reads it (Cong et al., TPAMI 2023; github.com/yrcong/RelTR).

::

    train.json, val.json, test.json   COCO's detection format
    rel.json                          {split: {image id: [[subject, object, predicate], ...]}, "rel_categories": [...]}
    images/1.jpg ...

What the public code says: ``datasets/coco.py`` opens ``rel.json`` beside the split's file, picks ``train``, ``val`` or
``test``, and looks up ``str(image id)`` for every image of the split; ``engine.py`` and ``lib/evaluation/sg_eval.py``
take columns 0 and 1 as numbers of boxes and column 2 as predicate, and pass over entry 0 of ``rel_categories``;
``data/process.py`` has the keys of each row, and says that the Visual Genome files were made likewise. So here:

* subject and object count the annotations of their image from 0, in the order of the file;
* ``category_id`` is 1..150, ``predicate`` 1..50, as :mod:`hawkeye_core.relation.vocabulary` numbers them; entry 0 of
  ``rel_categories`` is the background;
* ``segmentation`` is null, ``area`` a whole number.

What their loader cannot bear is left out: boxes without width or height (it drops them without counting the rest
anew) and images without any relation (an empty tensor has no columns). Annotations count from 1 over all splits, where
``data/process.py`` begins with 0: pycocotools takes a match with annotation 0 for none. The file itself is not public
as text, so that these are readings of the code, not of the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo, boxed, picture_split, spread, write_jpeg, xywh
from hawkeye_core.errors import AnnotationError
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, OBJECT_INDEX, PREDICATE_CLASSES, PREDICATE_INDEX

SPLITS = ("train", "val", "test")
MIN_VISIBLE = 0.3
"""Entities of which less is seen get no annotation, and no relation."""

CATEGORIES: list[dict[str, Any]] = [
    {"supercategory": name, "id": number, "name": name} for number, name in enumerate(OBJECT_CLASSES) if number
]

Relation = list[int]
"""Subject, object, predicate."""


class VisualGenomeWriter:
    """Writes pictures, boxes and relations.

    Args:
        folder: Gets them.
        pictures: Frames taken of a video, at most; those without a relation are passed over.

    Raises:
        AnnotationError: From :meth:`add`: an entity or a predicate is not among Visual Genome's names, or there is no
            such split.
    """

    def __init__(self, folder: str | Path, *, pictures: int = 4) -> None:
        self.folder = Path(folder)
        self.pictures = pictures
        self._images: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self._boxes: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self._relations: dict[str, dict[str, list[Relation]]] = {split: {} for split in SPLITS}
        self._image = self._box = self._train = 0

    def add(self, video: FormatVideo) -> None:
        """Take over some frames."""
        truth = video.truth
        split = picture_split(truth.split, self._train)
        self._train += truth.split == "train"
        if split not in SPLITS:
            raise AnnotationError(f"Visual Genome has no split {split!r}", remedy=f"use {', '.join(SPLITS)}")
        labels = [_number(name, OBJECT_INDEX, len(OBJECT_CLASSES), truth.video) for name in truth.entities]
        seen = boxed(truth, MIN_VISIBLE)
        found = {frame: _relations(video, frame, seen[frame]) for frame in range(truth.n_frames)}
        for frame in spread(np.array([bool(found[f]) for f in range(truth.n_frames)], bool), self.pictures):
            self._image += 1
            name = f"{self._image}.jpg"
            write_jpeg(self.folder / "images" / name, video.picture(frame))
            self._images[split].append(
                {"file_name": name, "height": truth.height, "width": truth.width, "id": self._image}
            )
            entities = np.flatnonzero(seen[frame]).tolist()
            self._boxes[split] += [self._row(xywh(truth.boxes[frame, e]), labels[e]) for e in entities]
            self._relations[split][str(self._image)] = found[frame]

    def close(self) -> list[Path]:
        """Write the labels; returns their paths."""
        paths = []
        for split in SPLITS:
            content = {
                "images": self._images[split],
                "annotations": self._boxes[split],
                "categories": CATEGORIES,
            }
            paths.append(write_text(self.folder / f"{split}.json", json.dumps(content)))
        relations = {**self._relations, "rel_categories": list(PREDICATE_CLASSES)}
        return [*paths, write_text(self.folder / "rel.json", json.dumps(relations))]

    def _row(self, box: list[float], label: int) -> dict[str, Any]:
        self._box += 1
        return {
            "segmentation": None,
            "area": int(box[2] * box[3]),
            "bbox": box,
            "iscrowd": 0,
            "image_id": self._image,
            "id": self._box,
            "category_id": label,
        }


def _relations(video: FormatVideo, frame: int, seen: np.ndarray[Any, np.dtype[np.bool_]]) -> list[Relation]:
    """Relations of a frame between the entities that are ``seen`` [E], numbered among these."""
    place = np.cumsum(seen) - 1
    name = video.truth.video
    rows = [
        [int(place[s]), int(place[o]), _number(predicate, PREDICATE_INDEX, len(PREDICATE_CLASSES), name)]
        for s, predicate, o in video.truth.triplets(frame, visible=MIN_VISIBLE)
        if seen[s] and seen[o]
    ]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def _number(name: str, index: Any, count: int, video: str) -> int:
    number = index.get(name, 0)
    if not 0 < number < count:
        raise AnnotationError(
            f"{video}: {name!r} is no name of Visual Genome's 150 objects and 50 predicates",
            remedy="use the names in hawkeye_core/relation/vocabulary.py",
        )
    return int(number)


def write_visual_genome(folder: str | Path, videos: Iterable[FormatVideo], *, pictures: int = 4) -> list[Path]:
    """Write RelTR's Visual Genome files for a stream of videos; returns the paths of the labels."""
    writer = VisualGenomeWriter(folder, pictures=pictures)
    for video in videos:
        writer.add(video)
    return writer.close()
