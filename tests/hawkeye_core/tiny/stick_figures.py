"""Frames of random stick figures with the fields of a labelled frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from hawkeye_core.scene import COCO_SKELETON

STANDING = np.array(
    [(0, -0.9), (-0.04, -0.93), (0.04, -0.93), (-0.08, -0.9), (0.08, -0.9), (-0.15, -0.7), (0.15, -0.7), (-0.2, -0.5),
     (0.2, -0.5), (-0.22, -0.3), (0.22, -0.3), (-0.1, -0.35), (0.1, -0.35), (-0.12, -0.1), (0.12, -0.1), (-0.12, 0.1),
     (0.12, 0.1)]
)  # fmt: skip
"""Joints in heights of the figure."""


@dataclass(frozen=True)
class StickFrame:
    image: np.ndarray
    keypoints: np.ndarray
    boxes: np.ndarray
    visible: np.ndarray


def stick_frame(rng: np.random.Generator, *, people: int = 2, width: int = 320, height: int = 240) -> StickFrame:
    image = np.full((height, width, 3), rng.integers(60, 200), np.uint8)
    keypoints = np.zeros((people, 17, 3), np.float32)
    for p in range(people):
        tall = rng.uniform(70, 120)
        at = (rng.uniform(40, width - 40), rng.uniform(0.55, 0.9) * height)
        xy = (STANDING + rng.normal(0, 0.02, (17, 2))) * tall + at
        keypoints[p] = np.concatenate((xy, np.full((17, 1), 2)), axis=1)
        colour = tuple(int(c) for c in rng.integers(0, 255, 3))
        for a, b in COCO_SKELETON:
            ends = [tuple(round(v * 16 - 8) for v in xy[j]) for j in (a, b)]
            cv2.line(image, *ends, colour, 4, cv2.LINE_AA, 4)
    inside = (keypoints[..., :2] >= 0).all(-1) & (keypoints[..., :2] < (width, height)).all(-1)
    keypoints *= inside[..., None]
    low = np.where(inside[..., None], keypoints[..., :2], np.inf).min(1)
    high = np.where(inside[..., None], keypoints[..., :2], -np.inf).max(1)
    return StickFrame(
        image, keypoints, np.concatenate((low, high), axis=1).astype(np.float32), np.ones(people, np.float32)
    )


def stick_frames(seed: int) -> Iterator[StickFrame]:
    rng = np.random.default_rng(seed)
    while True:
        yield stick_frame(rng, people=int(rng.integers(1, 4)))
