"""A person's box from their joints. Legend: P people, J joints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.1
"""Added on each side, as a part of the longer side: joints lie inside the body, and the head ends above the eyes."""
LEAST_MARGIN = 1.0
"""Pixels added at least, so that a person of one joint still has an area."""


def boxes_of(keypoints: NDArray[np.float32], *, threshold: float, width: int, height: int) -> NDArray[np.float32]:
    """The tight box over each person's joints, widened by a margin and clipped to the frame.

    Args:
        keypoints: [P, J, 3] x px, y px, score.
        threshold: Joints count if their score exceeds this; if none does, all with a positive score count. Joints
            filled in with a score near zero can lie anywhere in the frame and must not stretch the box.
        width: Of the frame, pixels.
        height: Of the frame, pixels.

    Returns:
        [P, 4] x1, y1, x2, y2 px; zeros for a person without any joint.
    """
    score = keypoints[..., 2]
    sure = score > threshold
    used = np.expand_dims(sure | (~sure.any(axis=1, keepdims=True) & (score > 0)), axis=2)
    xy = keypoints[..., :2]
    low = np.where(used, xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(used, xy, -np.inf).max(axis=1, initial=-np.inf)
    anyone = used.any(axis=1)  # [P, 1]
    low, high = np.where(anyone, low, 0.0), np.where(anyone, high, 0.0)
    margin = np.maximum(MARGIN * (high - low).max(axis=1, keepdims=True), LEAST_MARGIN) * anyone
    corners = np.concatenate((low - margin, high + margin), axis=1)
    return np.clip(corners, 0, [width, height, width, height]).astype(np.float32)
