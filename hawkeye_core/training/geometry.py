"""A window's graphs as another camera would have them: mirrored, nearer or further, moved; alike in all frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from feature_store.window import PoseTensors, RelationTensors, Window
from hawkeye_core.pose.aggregate import COCO_MIRROR

NEARER = (0.75, 1.3)
"""Least and largest factor of all sizes."""
MOVED = 0.15
"""Largest shift, as a share of the frame."""


def otherwise(window: Window, rng: np.random.Generator) -> Window:
    """Joints and boxes mirrored or not, enlarged and moved alike in all frames; the picture's tokens stay."""
    if window.pose is None or window.relations is None:
        raise ValueError("needs pose and relations")
    size = np.array([float(window.frames.width[0]), float(window.frames.height[0])])
    scale = float(np.exp(rng.uniform(*np.log(NEARER))))
    middle = size / 2
    shift = rng.uniform(-MOVED, MOVED, 2) * size
    mirrored = bool(rng.random() < 0.5)
    a = torch.tensor([-scale if mirrored else scale, scale], dtype=torch.float32)
    b = torch.from_numpy(middle + shift - a.numpy() * middle).float()
    return replace(
        window, pose=_pose(window.pose, a, b, mirrored=mirrored), relations=_relations(window.relations, a, b)
    )


def _pose(pose: PoseTensors, a: Tensor, b: Tensor, *, mirrored: bool) -> PoseTensors:
    keypoints = pose.keypoints[:, list(COCO_MIRROR)] if mirrored else pose.keypoints
    xy = keypoints[..., :2] * a + b
    return replace(pose, keypoints=torch.cat([xy, keypoints[..., 2:]], -1), box=_boxes(pose.box, a, b))


def _relations(relations: RelationTensors, a: Tensor, b: Tensor) -> RelationTensors:
    return replace(relations, object_box=_boxes(relations.object_box, a, b))


def _boxes(boxes: Tensor, a: Tensor, b: Tensor) -> Tensor:
    corners = boxes.reshape(-1, 2, 2) * a + b
    return torch.cat([corners.amin(1), corners.amax(1)], 1)
