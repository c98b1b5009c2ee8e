"""What passes between decoder, backends and store: batches of frames, and the scene found in each frame.

Legend: B frames in a batch, H x W pixels, P people, J = 17 COCO joints, K objects, R relations, G frame tokens, D
vision width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COCO_JOINTS: tuple[str, ...] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""The 17 joints of COCO keypoints, in COCO's order."""

COCO_SKELETON: tuple[tuple[int, int], ...] = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10), (1, 2),
    (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
"""Edges of the COCO skeleton as pairs of joint indices (0-based)."""


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Consecutive sampled frames of one video.

    Args:
        video: The video's id in the store (its file stem unless two videos share it).
        index: [B] int64, number k of the sampled frame.
        time: [B] float64 seconds, k / fps.
        pts: [B] float64 seconds, presentation time of the source frame used.
        source_index: [B] int64, number of that frame in the source; equal numbers are the same picture repeated.
        images: [B, H, W, 3] uint8 RGB, upright.
    """

    video: str
    index: NDArray[np.int64]
    time: NDArray[np.float64]
    pts: NDArray[np.float64]
    source_index: NDArray[np.int64]
    images: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class FramePose:
    """People of one frame, best first."""

    keypoints: NDArray[np.float32]  # [P, J, 3] x px, y px, score 0..1
    score: NDArray[np.float32]  # [P]
    box: NDArray[np.float32]  # [P, 4] x1, y1, x2, y2 px


@dataclass(frozen=True, slots=True)
class FrameRelations:
    """Scene graph of one frame: objects, and triplets that point at them. Relations best first."""

    object_class: NDArray[np.int32]  # [K] index into hawkeye_core.relation.vocabulary.EXTENDED_OBJECT_CLASSES
    object_score: NDArray[np.float32]  # [K]
    object_box: NDArray[np.float32]  # [K, 4] x1, y1, x2, y2 px
    subject: NDArray[np.int32]  # [R] index into the K objects
    predicate: NDArray[np.int32]  # [R] index into hawkeye_core.relation.vocabulary.PREDICATE_CLASSES
    object: NDArray[np.int32]  # [R] index into the K objects
    score: NDArray[np.float32]  # [R]


@dataclass(frozen=True, slots=True)
class FrameVision:
    """Pooled tokens of one frame."""

    frame_tokens: NDArray[np.float16]  # [G, D]
    masked_token: NDArray[np.float16]  # [D]
    object_tokens: NDArray[np.float16]  # [K, D]
