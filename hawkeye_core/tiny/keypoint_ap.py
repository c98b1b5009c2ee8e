"""OKS-AP of people found in labelled frames, by COCO's own evaluation (pycocotools)."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from hawkeye_core.errors import BackendUnavailableError
from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.higherhrnet import HigherHRNetBackend
from hawkeye_core.scene import COCO_JOINTS, FrameBatch, FramePose
from hawkeye_core.tiny.pose_samples import PoseFrame, in_picture, who_counts

AREA_OF_BOX = 0.53
"""COCO's area is that of the person's outline; on its training set that is about this part of the box."""

_AT_ONCE = 16
_NAMES = ("ap", "ap50", "ap75")


def keypoint_ap(
    state: Mapping[str, Tensor], frames: Sequence[PoseFrame], *, flip_test: bool = False
) -> dict[str, float]:
    """AP, AP50 and AP75 of the tiny HigherHRNet with given weights on whole frames.

    The backend is the one that extraction uses, grouping and refinement included. People of whom too little is to be
    seen (:func:`~hawkeye_core.tiny.pose_samples.who_counts`) have no joints counted, so COCO ignores whoever is found
    there.

    Raises:
        BackendUnavailableError: pycocotools is not installed.
    """
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="hawkeye-pose-") as folder:
        path = Path(folder) / "pose.safetensors"
        save_file({name: value.contiguous().clone() for name, value in state.items()}, path)
        settings = HigherHRNetSettings(size="tiny", weights=str(path), flip_test=flip_test)
        backend = HigherHRNetBackend(settings)
    found: list[FramePose] = []
    for start in range(0, len(frames), _AT_ONCE):
        found += backend.detect(frames_of([frame.image for frame in frames[start : start + _AT_ONCE]]))
    torch.set_num_threads(threads)
    return coco_ap(frames, found)


def coco_ap(frames: Sequence[PoseFrame], found: Sequence[FramePose]) -> dict[str, float]:
    """AP of people found in frames; see :func:`keypoint_ap`."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise BackendUnavailableError("pycocotools is not installed", remedy="pip install pycocotools") from error
    truth: dict[str, Any] = {
        "info": {}, "images": [{"id": i} for i in range(len(frames))],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_JOINTS), "skeleton": []}],
        "annotations": [row for i, frame in enumerate(frames) for row in _annotations(frame, i)],
    }  # fmt: skip
    for number, row in enumerate(truth["annotations"], start=1):
        row["id"] = number
    results = [
        {"image_id": i, "category_id": 1, "keypoints": joints.ravel().tolist(), "score": float(score)}
        for i, pose in enumerate(found)
        for joints, score in zip(pose.keypoints.astype(np.float64), pose.score, strict=True)
    ]
    if not results:
        return dict.fromkeys(_NAMES, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: float(max(value, 0.0)) for name, value in zip(_NAMES, evaluation.stats[:3], strict=True)}


def _annotations(frame: PoseFrame, image: int) -> list[dict[str, Any]]:
    rows = []
    counts = who_counts(frame)
    for person in np.flatnonzero(in_picture(frame)).tolist():
        x1, y1, x2, y2 = frame.boxes[person].astype(float).tolist()
        joints = frame.keypoints[person].astype(np.float64)
        if not counts[person]:
            joints = np.zeros_like(joints)
        rows.append(
            {"image_id": image, "category_id": 1, "iscrowd": 0, "bbox": [x1, y1, x2 - x1, y2 - y1],
             "area": AREA_OF_BOX * (x2 - x1) * (y2 - y1), "keypoints": joints.ravel().tolist(),
             "num_keypoints": int((joints[:, 2] > 0).sum())}
        )  # fmt: skip
    return rows


def frames_of(images: Sequence[Any]) -> FrameBatch:
    """Pictures of one size [H, W, 3] as a batch for the backend."""
    index = np.arange(len(images))
    return FrameBatch("held-out", index, index / 8.0, index / 8.0, index, np.stack(images))
