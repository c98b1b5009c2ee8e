"""Which person of the previous frame is which of this one: object keypoint similarity and an optimal assignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hawkeye_core.scene import FramePose

COCO_SIGMAS: NDArray[np.float64] = (
    np.array([0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89])
    / 10
)
"""[J] spread of human annotations per joint, relative to the person's size (COCO keypoint evaluation)."""

JOINT_SCORE = 0.1
"""Joints that score lower in either frame are not compared (HigherHRNet's own detection threshold)."""

MIN_JOINTS = 3
"""Pairs with fewer joints in common are no match: one joint alone is near some other person's too easily."""


def keypoint_similarity(
    first: FramePose, second: FramePose, *, joint_score: float = JOINT_SCORE, min_joints: int = MIN_JOINTS
) -> NDArray[np.float64]:
    """OKS of every pair of people of two frames.

    ``OKS = mean_j exp(-d_j^2 / (2 s^2 k_j^2))`` with ``k_j = 2 sigma_j`` and ``s^2`` the mean area of the two boxes,
    over the joints that score at least ``joint_score`` in both frames (COCO takes the joints labelled visible and the
    segment's area; a detector has neither). Symmetric in its two arguments.

    Args:
        first: P people.
        second: Q people.
        joint_score: Score a joint needs in both frames.
        min_joints: Pairs with fewer joints in common get 0.

    Returns:
        [P, Q] in 0..1.
    """
    xy_first, xy_second = (pose.keypoints[..., :2].astype(np.float64) for pose in (first, second))
    squared = np.square(xy_first[:, None] - xy_second[None]).sum(-1)  # [P, Q, J]
    area = (_areas(first.box)[:, None] + _areas(second.box)[None]) / 2  # [P, Q]
    spread = 2 * area[..., None] * np.square(2 * COCO_SIGMAS) + np.spacing(1.0)
    seen_first, seen_second = (pose.keypoints[..., 2] >= joint_score for pose in (first, second))
    seen = seen_first[:, None] & seen_second[None]  # [P, Q, J]
    count = seen.sum(-1)
    total = np.where(seen, np.exp(-squared / spread), 0.0).sum(-1)
    return np.where(count >= max(min_joints, 1), total / np.maximum(count, 1), 0.0)


def match_previous(
    current: FramePose,
    previous: FramePose | None,
    *,
    threshold: float = 0.5,
    joint_score: float = JOINT_SCORE,
    min_joints: int = MIN_JOINTS,
) -> NDArray[np.int32]:
    """For each person, the index of the same person in the previous frame.

    The assignment with the largest sum of similarities, each person used at most once, pairs under the threshold left
    out beforehand (so that a bad pair never costs a good one its partner).

    Args:
        current: P people.
        previous: Q people, or None where there is no previous frame.
        threshold: OKS a pair needs.
        joint_score: See :func:`keypoint_similarity`.
        min_joints: See :func:`keypoint_similarity`.

    Returns:
        [P] int32, -1 for a person who was not there.
    """
    result = np.full(len(current.score), -1, np.int32)
    if previous is None or not len(current.score) or not len(previous.score):
        return result
    similarity = keypoint_similarity(current, previous, joint_score=joint_score, min_joints=min_joints)
    similarity[similarity < threshold] = 0.0
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    matched = similarity[rows, columns] > 0
    result[rows[matched]] = columns[matched]
    return result


def _areas(box: NDArray[np.float32]) -> NDArray[np.float64]:
    sides = np.maximum(box[:, 2:].astype(np.float64) - box[:, :2], 0.0)
    return sides.prod(-1)
