"""Labelled frames to training samples: a random crop, its scale, side and brightness, and what of the labels is in it.

Legend: P people, J joints, S side of the crop in pixels of the network's input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.pose.aggregate import COCO_MIRROR
from hawkeye_core.pose.geometry import fit_input

F32 = NDArray[np.float32]

LEAST_SEEN_JOINTS = 4
LEAST_VISIBLE = 0.15
"""People with fewer visible joints, or of whose drawn extent less is visible, are neither taught nor counted."""


class PoseFrame(Protocol):
    """What pose training needs of a labelled frame (:class:`hawkeye_core.datasets.reconsim.frames.LabelledFrame`)."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """[H, W, 3] RGB."""
        ...

    @property
    def keypoints(self) -> F32:
        """[P, J, 3] x px, y px, visibility 0..2."""
        ...

    @property
    def boxes(self) -> F32:
        """[E, 4] of all entities, people first; NaN: absent."""
        ...

    @property
    def visible(self) -> F32:
        """[E] part of the drawn extent that nothing hides."""
        ...


@dataclass(frozen=True, slots=True)
class PoseSample:
    """One crop. Positions in its pixels; pixel i covers [i, i + 1)."""

    image: NDArray[np.uint8] = field(repr=False)  # [S, S, 3] RGB
    xy: F32  # [P, J, 2]
    labelled: NDArray[np.bool_]  # [P, J]
    longer_side: F32  # [P] of the box, also where the crop cuts it
    uncounted: F32  # [N, 4] boxes of people who are neither taught nor counted


def who_counts(frame: PoseFrame) -> NDArray[np.bool_]:
    """[P] people of whom enough is to be seen."""
    seen = (frame.keypoints[..., 2] == 2).sum(1)
    visible = frame.visible[: len(frame.keypoints)]
    return (seen >= LEAST_SEEN_JOINTS) & (visible >= LEAST_VISIBLE) & in_picture(frame)


def in_picture(frame: PoseFrame) -> NDArray[np.bool_]:
    """[P] people with a box."""
    return np.asarray(np.isfinite(frame.boxes[: len(frame.keypoints)]).all(axis=1), np.bool_)


def random_sample(
    frame: PoseFrame, rng: np.random.Generator, *, side: int, input_size: int, zoom: tuple[float, float]
) -> PoseSample:
    """A random crop of a frame as the network sees it.

    The frame is scaled to the network's input (see :mod:`hawkeye_core.pose.geometry`) times a random zoom. Four crops
    of five are laid around a person; half of them are mirrored, with left and right joints exchanged.

    Args:
        frame: With its labels.
        rng: Of the choices.
        side: S.
        input_size: Shorter side of the network's input for a whole frame.
        zoom: Least and largest further factor; drawn evenly in its logarithm.
    """
    height, width = frame.image.shape[:2]
    geometry = fit_input(width, height, size=input_size)
    scale = geometry.affine()[0, 0] * np.exp(rng.uniform(*np.log(zoom)))
    middle = _middle(frame, rng, half=side / (2 * scale))
    mirrored = rng.random() < 0.5
    # Positions: u = a x + b with pixel i covering [i, i + 1); OpenCV counts from pixel centres, half a pixel off.
    a = np.array([-scale if mirrored else scale, scale])
    b = side / 2 - a * middle
    matrix = np.array([[a[0], 0, b[0] + 0.5 * (a[0] - 1)], [0, a[1], b[1] + 0.5 * (a[1] - 1)]])
    image = cv2.warpAffine(frame.image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    keypoints = frame.keypoints[:, list(COCO_MIRROR)] if mirrored else frame.keypoints
    counts, present = who_counts(frame), in_picture(frame)
    boxes = frame.boxes[: len(keypoints)]
    xy = (keypoints[..., :2] * a + b).astype(np.float32)
    inside = ((xy >= 0) & (xy < side)).all(-1)
    corners = np.sort((boxes.reshape(-1, 2, 2) * a + b), axis=1).reshape(-1, 4).astype(np.float32)
    return PoseSample(
        image=_brightness(np.asarray(image, np.uint8), rng),
        xy=xy[counts],
        labelled=((keypoints[..., 2] > 0) & inside)[counts],
        longer_side=(scale * (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0.0))[counts].astype(np.float32),
        uncounted=corners[present & ~counts],
    )


def _middle(frame: PoseFrame, rng: np.random.Generator, *, half: float) -> NDArray[np.float64]:
    """Middle of the crop in the frame's pixels; ``half`` its half side there."""
    height, width = frame.image.shape[:2]
    present = np.flatnonzero(in_picture(frame))
    if len(present) and rng.random() < 0.8:
        box = frame.boxes[rng.choice(present)].astype(np.float64)
        wanted = (box[:2] + box[2:]) / 2 + rng.uniform(-0.6, 0.6, 2) * half
    else:
        wanted = rng.uniform(0, 1, 2) * (width, height)
    slack = 0.25 * half  # how much black border may show, as beside frames that do not fill the network's grid
    low = np.minimum(half - slack, np.array([width, height]) / 2)
    return np.clip(wanted, low, np.array([width, height]) - low)


def _brightness(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Other contrast, brightness and tint."""
    gain = rng.uniform(0.7, 1.3) * rng.uniform(0.92, 1.08, 3)
    levels = np.arange(256)[:, None] * gain + rng.uniform(-20, 20)
    table = np.clip(levels, 0, 255).astype(np.uint8)  # [256, 3]
    return np.asarray(cv2.LUT(image, table[:, None, :].reshape(1, 256, 3)), np.uint8)
