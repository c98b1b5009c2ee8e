"""OKS matching against a loop written from COCO's definition, a brute-force assignment, and scenes one can picture."""

from __future__ import annotations

from itertools import permutations
from math import exp

import numpy as np
import pytest

from hawkeye_core.pose.tracking import COCO_SIGMAS, keypoint_similarity, match_previous
from hawkeye_core.scene import FramePose


def person(centre: tuple[float, float], *, height: float = 100.0, score: float = 0.9) -> np.ndarray:
    """A figure whose joints fill a box of the given height."""
    rng = np.random.default_rng(5)
    unit = rng.random((17, 2)) - 0.5
    return np.c_[np.array(centre) + unit * [height / 2, height], np.full(17, score)].astype(np.float32)


def frame(*people: np.ndarray) -> FramePose:
    keypoints = np.stack(people) if people else np.zeros((0, 17, 3), np.float32)
    low, high = (f(keypoints[..., :2], axis=1) if people else np.zeros((0, 2)) for f in (np.min, np.max))
    box = np.c_[low, high].astype(np.float32)
    return FramePose(keypoints=keypoints, score=keypoints[..., 2].mean(1), box=box)


def random_frame(rng: np.random.Generator, people: int) -> FramePose:
    figures = [person(tuple(rng.uniform(0, 200, 2)), height=rng.uniform(60, 140)) for _ in range(people)]
    for figure in figures:
        figure[:, 2] = rng.random(17)
    return frame(*figures)


def literal_oks(one: FramePose, i: int, two: FramePose, j: int, joint_score: float, min_joints: int) -> float:
    areas = [float((b[2] - b[0]) * (b[3] - b[1])) for b in (one.box[i].astype(float), two.box[j].astype(float))]
    values = []
    for joint in range(17):
        x1, y1, s1 = map(float, one.keypoints[i, joint])
        x2, y2, s2 = map(float, two.keypoints[j, joint])
        if s1 < np.float32(joint_score) or s2 < np.float32(joint_score):
            continue
        k = 2 * COCO_SIGMAS[joint]
        values.append(exp(-((x1 - x2) ** 2 + (y1 - y2) ** 2) / (2 * sum(areas) / 2 * k * k)))
    return sum(values) / len(values) if len(values) >= min_joints else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_similarity_equals_the_literal_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = random_frame(rng, 4), random_frame(rng, 6)
    ours = keypoint_similarity(one, two, joint_score=0.4, min_joints=9)
    literal = [[literal_oks(one, i, two, j, 0.4, 9) for j in range(6)] for i in range(4)]
    np.testing.assert_allclose(ours, literal, atol=1e-12)
    assert (ours == 0).any()
    assert (ours > 0).any()


def test_similarity_is_symmetric_and_one_for_the_same_person() -> None:
    rng = np.random.default_rng(0)
    one, two = random_frame(rng, 3), random_frame(rng, 5)
    np.testing.assert_array_equal(keypoint_similarity(one, two), keypoint_similarity(two, one).T)
    np.testing.assert_allclose(np.diag(keypoint_similarity(one, one)), 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_assignment_has_the_largest_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    current, previous = random_frame(rng, 4), random_frame(rng, 5)
    similarity = keypoint_similarity(current, previous)
    threshold = 0.1
    similarity[similarity < threshold] = 0
    best = max(sum(similarity[i, j] for i, j in enumerate(order)) for order in permutations(range(5), 4))
    match = match_previous(current, previous, threshold=threshold)
    assert match.dtype == np.int32
    assert sum(similarity[i, j] for i, j in enumerate(match) if j >= 0) == pytest.approx(best)
    used = match[match >= 0]
    assert len(used) == len(set(used))


def test_people_who_swap_places_in_the_list_are_recognised() -> None:
    previous = frame(person((100, 100)), person((300, 100)), person((500, 100)))
    current = frame(person((505, 102)), person((103, 99)), person((296, 100)))
    assert match_previous(current, previous).tolist() == [2, 0, 1]


def test_a_newcomer_and_a_leaver() -> None:
    previous = frame(person((100, 100)), person((300, 100)))
    current = frame(person((800, 100)), person((302, 101)))
    assert match_previous(current, previous).tolist() == [-1, 1]


def test_a_person_who_jumps_too_far_is_new_unless_the_threshold_is_lower() -> None:
    previous, current = frame(person((100, 100))), frame(person((120, 100)))
    similarity = keypoint_similarity(current, previous)[0, 0]
    assert match_previous(current, previous, threshold=similarity + 1e-9).tolist() == [-1]
    assert match_previous(current, previous, threshold=similarity - 1e-9).tolist() == [0]


def test_hidden_joints_do_not_count() -> None:
    seen, far = person((100, 100)), person((100, 100))
    far[5:, :2] += 500
    assert keypoint_similarity(frame(seen), frame(far))[0, 0] < 0.5
    far[5:, 2] = 0.05
    np.testing.assert_allclose(keypoint_similarity(frame(seen), frame(far))[0, 0], 1.0)
    far[2:, 2] = 0.05
    assert keypoint_similarity(frame(seen), frame(far))[0, 0] == 0, "two joints in common are too few"


@pytest.mark.parametrize(("current", "previous"), [(0, 0), (0, 2), (2, 0)])
def test_empty_frames(current: int, previous: int) -> None:
    frames = [frame(*[person((100.0 * i, 50.0)) for i in range(n)]) for n in (current, previous)]
    assert match_previous(*frames).tolist() == [-1] * current


def test_the_first_frame_has_no_predecessor() -> None:
    assert match_previous(frame(person((10, 10))), None).tolist() == [-1]


def test_degenerate_boxes_match_only_in_place() -> None:
    point = FramePose(
        keypoints=np.ones((1, 17, 3), np.float32), score=np.ones(1, np.float32), box=np.ones((1, 4), np.float32)
    )
    moved = FramePose(keypoints=point.keypoints + np.float32([1, 0, 0]), score=point.score, box=point.box)
    assert match_previous(point, point).tolist() == [0]
    assert match_previous(moved, point).tolist() == [-1]
