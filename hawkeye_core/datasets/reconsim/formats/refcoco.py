"""RefCOCO (Yu et al., ECCV 2016; github.com/lichengunc/refer), in the tree that its ``refer.py`` opens.

::

    refcoco/refs(unc).p       pickle, protocol 2, of a list of dicts
    refcoco/instances.json    COCO's instances: info, images, licenses, annotations, categories
    images/mscoco/images/train2014/COCO_train2014_000000000001.jpg

An entry of the list has ``sent_ids``, ``file_name`` (that of the picture with a suffix; meant to be ignored),
``ann_id``, ``ref_id``, ``image_id``, ``split``, ``sentences`` and ``category_id``; a sentence has ``tokens``, ``raw``
(as typed), ``sent_id`` and ``sent`` (cleaned, in small letters). Boxes stand in ``instances.json`` alone. The pickle
holds nothing but lists, dicts, strings and integers, so that an unpickler that refuses every global can read it.

Splits are by picture: ``train``, ``val``, ``testA`` (people) and ``testB`` (things), as in the UNC split. Categories
are COCO's where it has the object; the others of Visual Genome's are numbered from :data:`OTHER_CATEGORIES` on, which
COCO's do not reach. Outlines are those of the boxes. The expressions are made by rule
(:mod:`hawkeye_core.datasets.reconsim.formats.expressions`), at night without colours.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hawkeye_core.atomic import replacing, write_text
from hawkeye_core.datasets.reconsim.formats.coco_keypoints import INFO, LICENSES, box_outline, image_row
from hawkeye_core.datasets.reconsim.formats.expressions import Sight, expressions
from hawkeye_core.datasets.reconsim.formats.video import (
    EntityLook,
    FormatVideo,
    boxed,
    picture_split,
    spread,
    write_jpeg,
    xywh,
)
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.relation.vocabulary import COCO_CLASSES, OBJECT_CLASSES

IMAGES = "images/mscoco/images/train2014"
MIN_VISIBLE = 0.5
"""Entities of which less is seen are not referred to."""
MIN_SIDE = 8.0
"""Nor are those whose box is smaller, px."""
PRESENT = 0.02
"""What is seen so far or farther may be meant by a phrase, and so must not fit it."""
DARK = frozenset({"night"})
"""Lights in which nothing is said of colours."""
OTHER_CATEGORIES = 1000
"""Category of an object that COCO lacks: this plus its number in Visual Genome."""
SENTENCES = 3
"""Expressions of an entity, at most; RefCOCO has 2.8."""

_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
"""Numbers below 91 that COCO's categories skip."""
_SUPER = (
    (1, "person"), (9, "vehicle"), (15, "outdoor"), (25, "animal"), (33, "accessory"), (43, "sports"), (51, "kitchen"),
    (61, "food"), (70, "furniture"), (77, "electronic"), (82, "appliance"), (90, "indoor"),
)  # fmt: skip
"""Last category of each of COCO's supercategories."""
_COCO_NAMES = {
    **dict.fromkeys(("man", "woman", "child", "boy", "girl", "guy", "lady", "kid"), "person"),
    "bike": "bicycle", "phone": "cell phone", "table": "dining table", "bag": "handbag", "plant": "potted plant",
    "plane": "airplane",
}  # fmt: skip
"""Visual Genome's name of an object to COCO's, where they differ."""

_NUMBERS = [number for number in range(1, 91) if number not in _GAPS]
CATEGORIES: list[dict[str, Any]] = [
    {"supercategory": next(name for last, name in _SUPER if number <= last), "id": number, "name": name}
    for number, name in zip(_NUMBERS, COCO_CLASSES, strict=True)
] + [
    {"supercategory": "visual genome", "id": OTHER_CATEGORIES + number, "name": name}
    for number, name in enumerate(OBJECT_CLASSES)
    if number and _COCO_NAMES.get(name, name) not in COCO_CLASSES
]
_CATEGORY = {row["name"]: int(row["id"]) for row in CATEGORIES}


def category_of(kind: str) -> int:
    """Number of the category of an object class of Visual Genome."""
    return _CATEGORY[_COCO_NAMES.get(kind, kind)]


def sight_of(truth: VideoTruth, looks: tuple[EntityLook | None, ...], frame: int) -> Sight:
    """What can be said of a frame."""
    time = (frame + 0.5) / truth.fps
    absent = ~boxed(truth, PRESENT)[frame]
    boxes = truth.boxes[frame].copy()
    boxes[absent] = np.nan
    return Sight(
        kinds=truth.entities,
        n_people=truth.n_people,
        boxes=boxes,
        looks=(None,) * len(truth.entities) if truth.light in DARK else looks,
        relations=tuple((r.subject, r.predicate, r.object) for r in truth.relations if r.start_s <= time < r.end_s),
        width=truth.width,
        height=truth.height,
        view=truth.view,
    )


class RefCocoWriter:
    """Writes pictures, boxes and expressions.

    Args:
        folder: Gets them.
        pictures: Frames taken of a video, at most; those in which nothing can be referred to are passed over.
        seed: Of the choice of expressions.
    """

    def __init__(self, folder: str | Path, *, seed: int, pictures: int = 4) -> None:
        self.folder = Path(folder)
        self.pictures = pictures
        self._rng = np.random.default_rng(seed)
        self._images: list[dict[str, Any]] = []
        self._boxes: list[dict[str, Any]] = []
        self._refs: list[dict[str, Any]] = []
        self._sentences = self._train = self._test = 0

    def add(self, video: FormatVideo) -> None:
        """Take over some frames."""
        truth = video.truth
        split = picture_split(truth.split, self._train)
        self._train += truth.split == "train"
        side = truth.boxes[..., 2:] - truth.boxes[..., :2]
        clear = boxed(truth, MIN_VISIBLE) & (side >= MIN_SIDE).all(-1)
        for frame in spread(clear.any(1), self.pictures):
            sight = sight_of(truth, video.looks, frame)
            phrases = {int(e): expressions(sight, int(e)) for e in np.flatnonzero(clear[frame])}
            self._picture(video, frame, split, {e: texts for e, texts in phrases.items() if texts})

    def close(self) -> list[Path]:
        """Write the labels; returns their paths."""
        content = {
            "info": INFO,
            "images": self._images,
            "licenses": LICENSES,
            "annotations": self._boxes,
            "categories": CATEGORIES,
        }
        instances = write_text(self.folder / "refcoco" / "instances.json", json.dumps(content))
        with replacing(self.folder / "refcoco" / "refs(unc).p") as temporary:
            temporary.write_bytes(pickle.dumps(self._refs, protocol=2))
        return [instances, self.folder / "refcoco" / "refs(unc).p"]

    def _picture(self, video: FormatVideo, frame: int, split: str, phrases: dict[int, list[str]]) -> None:
        n_people = video.truth.n_people
        if split == "test":
            sides = {"testA": [e for e in phrases if e < n_people], "testB": [e for e in phrases if e >= n_people]}
            self._test += 1
            turn, other = ("testA", "testB") if self._test % 2 else ("testB", "testA")
            split = turn if sides[turn] else other
            phrases = {e: phrases[e] for e in sides[split]}
        if not phrases:
            return
        number = len(self._images) + 1
        name = f"COCO_train2014_{number:012d}.jpg"
        write_jpeg(self.folder / IMAGES / name, video.picture(frame))
        self._images.append(image_row(number, name, video, frame))
        for entity in np.flatnonzero(boxed(video.truth, PRESENT)[frame]).tolist():
            self._box(video, frame, entity)
            if entity in phrases:
                self._ref(phrases[entity], split)

    def _box(self, video: FormatVideo, frame: int, entity: int) -> None:
        box = video.truth.boxes[frame, entity]
        x, y, w, h = xywh(box)
        self._boxes.append(
            {
                "segmentation": box_outline(box),
                "area": round(w * h, 4),
                "iscrowd": 0,
                "image_id": len(self._images),
                "bbox": [x, y, w, h],
                "category_id": category_of(video.truth.entities[entity]),
                "id": len(self._boxes) + 1,
            }
        )

    def _ref(self, phrases: list[str], split: str) -> None:
        """Refer to the last box."""
        chosen = self._rng.choice(len(phrases), size=min(SENTENCES, len(phrases)), replace=False)
        sentences = []
        for text in (phrases[i] for i in sorted(chosen.tolist())):
            raw = (text, text, text.capitalize(), f"{text}.", text.upper())[int(self._rng.integers(5))]
            sentences.append({"tokens": text.split(), "raw": raw, "sent_id": self._sentences, "sent": text})
            self._sentences += 1
        image, box, number = self._images[-1], self._boxes[-1], len(self._refs)
        self._refs.append(
            {
                "sent_ids": [sentence["sent_id"] for sentence in sentences],
                "file_name": f"{Path(image['file_name']).stem}_{box['id']}.jpg",
                "ann_id": box["id"],
                "ref_id": number,
                "image_id": image["id"],
                "split": split,
                "sentences": sentences,
                "category_id": box["category_id"],
            }
        )


def write_refcoco(folder: str | Path, videos: Iterable[FormatVideo], *, seed: int, pictures: int = 4) -> list[Path]:
    """Write RefCOCO for a stream of videos; returns the paths of the labels."""
    writer = RefCocoWriter(folder, seed=seed, pictures=pictures)
    for video in videos:
        writer.add(video)
    return writer.close()
