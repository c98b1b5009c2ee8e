"""Labelled frames to padded targets of a batch.

Legend: B images, G entities and R triplets of the fullest image of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, OBJECT_INDEX, PREDICATE_INDEX

ALIKE = {"man": "person", "woman": "person"}
"""Classes that are one to the small network: at 70 pixels and without a face, men and women are hardly told apart, and
nothing that is anomalous depends on which it is. All of them are in Visual Genome's vocabulary."""
_ALIKE = np.arange(len(EXTENDED_OBJECT_CLASSES), dtype=np.int64)
for _name, _as in ALIKE.items():
    _ALIKE[OBJECT_INDEX[_name]] = OBJECT_INDEX[_as]

MIN_VISIBLE = 0.3
"""An entity of which less is seen is no annotation."""


class Labelled(Protocol):
    """What of a labelled frame is needed here (``hawkeye_core.datasets.reconsim.frames.LabelledFrame`` has it)."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """[H, W, 3] RGB."""
        ...

    @property
    def entities(self) -> tuple[str, ...]:
        """[E] object classes."""
        ...

    @property
    def boxes(self) -> NDArray[np.float32]:
        """[E, 4] x1, y1, x2, y2 px; NaN: absent."""
        ...

    @property
    def visible(self) -> NDArray[np.float32]:
        """[E] part that nothing hides."""
        ...

    @property
    def triplets(self) -> list[tuple[int, str, int]]:
        """Subject, predicate, object."""
        ...


@dataclass(frozen=True, slots=True)
class Annotation:
    """Entities and triplets of one frame that count."""

    labels: NDArray[np.int64]  # [G] object classes
    boxes: NDArray[np.float32]  # [G, 4] x1, y1, x2, y2 px
    triplets: NDArray[np.int64]  # [R, 3] subject, predicate, object; subject and object index the entities here


@dataclass(frozen=True, slots=True)
class RelationTargets:
    """Annotations of a batch; boxes cx, cy, w, h as fractions of the image. Padding is 0, boxes of padding too."""

    labels: Tensor  # [B, G] int64
    boxes: Tensor  # [B, G, 4]
    entities: Tensor  # [B] int64 how many entities an image has
    subject: Tensor  # [B, R] int64 which entity
    predicate: Tensor  # [B, R] int64
    object: Tensor  # [B, R] int64
    triplets: Tensor  # [B] int64 how many triplets an image has

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Labels and boxes of the entities ``which`` [B, M] of each image, [B, M] and [B, M, 4]."""
        return self.labels.gather(1, which), self.boxes.gather(1, which[..., None].expand(-1, -1, 4))


def alike(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Object classes as the small network knows them, see :data:`ALIKE`."""
    return _ALIKE[labels]


def annotation(frame: Labelled, *, min_visible: float = MIN_VISIBLE) -> Annotation:
    """The entities that are seen, in the classes of :func:`alike`, and the triplets between them.

    Raises:
        KeyError: A name is not in the vocabulary.
    """
    boxes = np.asarray(frame.boxes, dtype=np.float32).reshape(-1, 4)
    area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # False on NaN
    kept = area & (np.asarray(frame.visible).reshape(-1) >= min_visible)
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    labels = alike(np.array([OBJECT_INDEX[name] for name in frame.entities], dtype=np.int64))
    triplets = sorted(
        {
            (int(number[s]), PREDICATE_INDEX[predicate], int(number[o]))
            for s, predicate, o in frame.triplets
            if kept[s] and kept[o] and s != o
        }
    )
    return Annotation(labels[kept], boxes[kept], np.array(triplets, dtype=np.int64).reshape(-1, 3))


def stack_targets(annotations: Sequence[Annotation], *, width: float, height: float) -> RelationTargets:
    """Pad the annotations of a batch of frames of ``width`` x ``height`` pixels."""
    batch = len(annotations)
    most = max(1, max(len(one.labels) for one in annotations))
    most_triplets = max(1, max(len(one.triplets) for one in annotations))
    labels = np.zeros((batch, most), dtype=np.int64)
    boxes = np.zeros((batch, most, 4), dtype=np.float32)
    triplets = np.zeros((batch, most_triplets, 3), dtype=np.int64)
    size = np.array([width, height, width, height], dtype=np.float32)
    for i, one in enumerate(annotations):
        n = len(one.labels)
        low, high = np.split(one.boxes / size, 2, axis=1)
        labels[i, :n] = one.labels
        boxes[i, :n] = np.concatenate(((low + high) / 2, high - low), axis=1)
        triplets[i, : len(one.triplets)] = one.triplets
    subject, predicate, object_ = torch.from_numpy(triplets).unbind(dim=-1)
    return RelationTargets(
        labels=torch.from_numpy(labels),
        boxes=torch.from_numpy(boxes),
        entities=torch.tensor([len(one.labels) for one in annotations]),
        subject=subject.contiguous(),
        predicate=predicate.contiguous(),
        object=object_.contiguous(),
        triplets=torch.tensor([len(one.triplets) for one in annotations]),
    )
