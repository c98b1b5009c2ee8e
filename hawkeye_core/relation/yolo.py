"""The relation backend ``yolo``: ultralytics detection (AGPL-3.0, extra `yolo`) and geometric predicates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feature_store.fingerprint import Fingerprint
from hawkeye_core.errors import WeightsError
from hawkeye_core.relation.config import YoloRelationSettings
from hawkeye_core.relation.geometric import relations_of
from hawkeye_core.relation.vocabulary import COCO_CLASSES, OBJECT_INDEX
from hawkeye_core.scene import FrameBatch, FrameRelations
from hawkeye_core.yolo import YoloModel

logger = logging.getLogger(__name__)

VERSION = "1"
"""Raised when the same weights and settings would give other graphs, so also when a geometric rule changes."""


class YoloRelationBackend:
    """Detects objects with a YOLO network and reads the relations off their boxes.

    Object classes keep the detector's names, looked up in the extended vocabulary. Classes whose name it lacks are left
    out, with a warning and an entry in the fingerprint.

    Args:
        settings: Weights, thresholds, input size, limits.
        device: Where the network runs.

    Raises:
        BackendUnavailableError: ultralytics is not installed.
        WeightsError: The weights cannot be used, or none of their classes is in the vocabulary.
    """

    def __init__(self, settings: YoloRelationSettings, *, device: str = "cpu") -> None:
        self.settings = settings
        self._model = YoloModel(settings.weights, task="detect", key="relations.weights", device=device)
        self._classes, self._unknown = _to_vocabulary(self._model.names)
        if not (self._classes >= 0).any():
            raise WeightsError(
                f"none of its classes is in the vocabulary (first: {', '.join(self._unknown[:5])})",
                path=settings.weights,
                remedy="set `relations.weights` to a detector of COCO classes, such as yolo11n.pt",
            )
        if self._unknown:
            logger.warning("%s: classes outside the vocabulary are left out: %s", settings.weights, self._unknown)

    @property
    def fingerprint(self) -> Fingerprint:
        """Backend, weights, every setting that changes a result, the classes left out, the release of ultralytics."""
        settings = self.settings.model_dump(mode="json", exclude={"backend", "weights"})
        return Fingerprint(
            family="relations",
            backend=self.settings.backend,
            version=VERSION,
            weights=self._model.weights,
            settings={**settings, "left_out": self._unknown, "ultralytics": self._model.release},
        )

    def detect(self, batch: FrameBatch) -> list[FrameRelations]:
        """Objects of each frame, best first, in pixels of the frame, and the relations between them."""
        settings = self.settings
        results = self._model.predict(
            batch.images,
            confidence=settings.confidence,
            iou=settings.iou,
            image_size=settings.image_size,
            most=settings.max_objects,
        )
        return [self._to_frame(result) for result in results]

    def _to_frame(self, result: Any) -> FrameRelations:
        label = self._classes[result.boxes.cls.cpu().numpy().astype(np.int64)]
        score = result.boxes.conf.cpu().numpy().astype(np.float32)
        box = result.boxes.xyxy.cpu().numpy().astype(np.float32).reshape(-1, 4)
        order = np.argsort(-score, kind="stable")
        order = order[label[order] >= 0]
        label, score, box = label[order], score[order], box[order]
        found = relations_of(box, label, score, max_relations=self.settings.max_relations)
        return FrameRelations(
            object_class=label,
            object_score=score,
            object_box=box,
            subject=found.subject,
            predicate=found.predicate,
            object=found.object,
            score=found.score,
        )


def _to_vocabulary(names: Mapping[int, str]) -> tuple[NDArray[np.int32], list[str]]:
    """[classes of the network] index into the vocabulary or -1, and the names it lacks.

    A network built from a model file alone has numbers for names; 80 of them are COCO's classes.
    """
    if list(names.values()) == [str(i) for i in range(len(COCO_CLASSES))]:
        names = dict(enumerate(COCO_CLASSES))
    table = np.full(max(names, default=-1) + 1, -1, np.int32)
    for index, name in names.items():
        table[index] = OBJECT_INDEX.get(name.strip().lower().replace("_", " "), -1)
    return table, sorted(name for index, name in names.items() if table[index] < 0)
