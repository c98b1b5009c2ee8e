"""The pose backend ``yolo``: ultralytics YOLO-pose (AGPL-3.0, extra `yolo`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from feature_store.fingerprint import Fingerprint
from hawkeye_core.errors import WeightsError
from hawkeye_core.pose.config import YoloPoseSettings
from hawkeye_core.scene import COCO_JOINTS, FrameBatch, FramePose
from hawkeye_core.yolo import YoloModel

VERSION = "1"
"""Raised when the same weights and settings would give other people."""


class YoloPoseBackend:
    """Finds people and their joints, top-down, with a YOLO-pose network.

    Args:
        settings: Weights, thresholds, input size.
        device: Where the network runs.

    Raises:
        BackendUnavailableError: ultralytics is not installed.
        WeightsError: The weights cannot be used, or know other joints than COCO's 17.
    """

    def __init__(self, settings: YoloPoseSettings, *, device: str = "cpu") -> None:
        self.settings = settings
        self._model = YoloModel(settings.weights, task="pose", key="pose.weights", device=device)
        if self._model.joints != len(COCO_JOINTS):
            raise WeightsError(
                f"knows {self._model.joints} joints, not COCO's {len(COCO_JOINTS)}",
                path=settings.weights,
                remedy="set `pose.weights` to a network trained on COCO keypoints, such as yolo11n-pose.pt",
            )

    @property
    def fingerprint(self) -> Fingerprint:
        """Backend, weights, every setting that changes a result, and the release of ultralytics."""
        settings = self.settings.model_dump(mode="json", exclude={"backend", "weights"})
        return Fingerprint(
            family="pose",
            backend=self.settings.backend,
            version=VERSION,
            weights=self._model.weights,
            settings={**settings, "ultralytics": self._model.release},
        )

    def detect(self, batch: FrameBatch) -> list[FramePose]:
        """People of each frame, best first, in pixels of the frame.

        The person's score is the detection's; a network whose joints carry no score gives that of the person to each.
        """
        settings = self.settings
        results = self._model.predict(
            batch.images,
            confidence=settings.confidence,
            iou=settings.iou,
            image_size=settings.image_size,
            most=settings.max_people,
        )
        return [_to_frame(result) for result in results]


def _to_frame(result: Any) -> FramePose:
    score = result.boxes.conf.cpu().numpy().astype(np.float32)  # [P]
    joints, shown = result.keypoints.xy.cpu().numpy(), result.keypoints.conf
    joint_score = score[:, None].repeat(len(COCO_JOINTS), 1) if shown is None else shown.cpu().numpy()
    keypoints = np.concatenate((joints, joint_score[..., None]), axis=-1)  # [P, J, 3]
    order = np.argsort(-score, kind="stable")
    return FramePose(
        keypoints=keypoints.astype(np.float32).reshape(-1, len(COCO_JOINTS), 3)[order],
        score=score[order],
        box=result.boxes.xyxy.cpu().numpy().astype(np.float32).reshape(-1, 4)[order],
    )
