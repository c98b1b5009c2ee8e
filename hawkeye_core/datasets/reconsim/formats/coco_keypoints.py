"""COCO's person keypoints, 2017's layout (Lin et al., ECCV 2014; cocodataset.org, "Data format").

::

    annotations/person_keypoints_train2017.json, person_keypoints_val2017.json
    train2017/000000000001.jpg, val2017/...

Keys, their order and types are COCO's. The pictures of the training videos are ``train2017``, those of all others
``val2017``, as COCO's test labels are not public. What COCO does not have or means otherwise:

* ``segmentation`` is the outline of the box, since the world knows no outlines of people; ``area`` is
  :data:`SEGMENT_SHARE` of the box, about what a person's outline takes of it in COCO, so that OKS is as strict.
* Coordinates are hundredths of a pixel; COCO's joints are whole pixels.
* ``coco_url`` says which frame of which video it is: ``reconsim://<video>/<frame>``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo, boxed, spread, write_jpeg, xywh
from hawkeye_core.pose.coco_keypoints import PERSON
from hawkeye_core.scene import COCO_JOINTS, COCO_SKELETON

SEGMENT_SHARE = 0.53
"""Area of a person over that of the box, as evaluation on sets without outlines takes it."""
MIN_VISIBLE = 0.1
"""People of whom less is seen get no annotation: no network could find them."""

INFO: dict[str, Any] = {
    "description": "ReconSim, drawn by Hawkeye",
    "url": "",
    "version": "1.0",
    "year": 2024,
    "contributor": "",
    "date_created": "2024/01/01",
}
LICENSES: list[dict[str, Any]] = [{"url": "https://www.apache.org/licenses/LICENSE-2.0", "id": 1, "name": "Apache-2.0"}]
PERSON_CATEGORY: dict[str, Any] = {
    "supercategory": "person",
    "id": PERSON,
    "name": "person",
    "keypoints": list(COCO_JOINTS),
    "skeleton": [[a + 1, b + 1] for a, b in COCO_SKELETON],
}


def image_row(number: int, file_name: str, video: FormatVideo, frame: int) -> dict[str, Any]:
    """A row of ``images``."""
    return {
        "license": 1,
        "file_name": file_name,
        "coco_url": f"reconsim://{video.truth.video}/{frame}",
        "height": video.truth.height,
        "width": video.truth.width,
        "date_captured": "2024-01-01 00:00:00",
        "flickr_url": "",
        "id": number,
    }


def box_outline(box: NDArray[np.float32]) -> list[list[float]]:
    """COCO's polygon of a box [4], x1, y1, x2, y2."""
    x, y, w, h = xywh(box)
    right, bottom = round(x + w, 2), round(y + h, 2)
    return [[x, y, right, y, right, bottom, x, bottom]]


class CocoKeypointsWriter:
    """Writes pictures and labels.

    Args:
        folder: Gets them.
        pictures: Frames taken of a video, at most; those without a person are passed over.
    """

    def __init__(self, folder: str | Path, *, pictures: int = 4) -> None:
        self.folder = Path(folder)
        self.pictures = pictures
        self._images: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        self._people: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        self._image = self._person = 0

    def add(self, video: FormatVideo) -> None:
        """Take over some frames."""
        split = "train" if video.truth.split == "train" else "val"
        people = _labelled(video)
        for frame in spread(people.any(1), self.pictures):
            self._image += 1
            name = f"{self._image:012d}.jpg"
            write_jpeg(self.folder / f"{split}2017" / name, video.picture(frame))
            self._images[split].append(image_row(self._image, name, video, frame))
            self._people[split] += [self._row(video, frame, int(p)) for p in np.flatnonzero(people[frame])]

    def close(self) -> list[Path]:
        """Write the labels; returns their paths."""
        paths = []
        for split, images in self._images.items():
            content = {
                "info": INFO,
                "licenses": LICENSES,
                "images": images,
                "annotations": self._people[split],
                "categories": [PERSON_CATEGORY],
            }
            path = self.folder / "annotations" / f"person_keypoints_{split}2017.json"
            paths.append(write_text(path, json.dumps(content)))
        return paths

    def _row(self, video: FormatVideo, frame: int, person: int) -> dict[str, Any]:
        self._person += 1
        joints, box = video.truth.keypoints[frame, person], video.truth.boxes[frame, person]
        x, y, w, h = xywh(box)
        numbers = [n for jx, jy, v in joints.tolist() for n in (round(jx, 2), round(jy, 2), int(v))]
        return {
            "segmentation": box_outline(box),
            "num_keypoints": int((joints[:, 2] > 0).sum()),
            "area": round(w * h * SEGMENT_SHARE, 4),
            "iscrowd": 0,
            "keypoints": numbers,
            "image_id": self._image,
            "bbox": [x, y, w, h],
            "category_id": PERSON,
            "id": self._person,
        }


def _labelled(video: FormatVideo) -> NDArray[np.bool_]:
    """[T, P] people who get an annotation."""
    truth = video.truth
    return boxed(truth, MIN_VISIBLE)[:, : truth.n_people] & (truth.keypoints[..., 2] > 0).any(-1)


def write_coco_keypoints(folder: str | Path, videos: Iterable[FormatVideo], *, pictures: int = 4) -> list[Path]:
    """Write COCO keypoints for a stream of videos; returns the paths of the labels."""
    writer = CocoKeypointsWriter(folder, pictures=pictures)
    for video in videos:
        writer.add(video)
    return writer.close()
