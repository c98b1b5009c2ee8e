"""Bodies: proportions, bones that keep their length, hands and feet at their targets, faces."""

from __future__ import annotations

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.body import BODY_PARENT, JOINT, coco_joints, skeleton
from hawkeye_core.datasets.reconsim.posing import CHANNELS, REST_VALUES, mirror, pose_joints
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS
from hawkeye_core.errors import ConfigError
from hawkeye_core.scene import COCO_JOINTS

COCO = {name: i for i, name in enumerate(COCO_JOINTS)}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def pose(**channels: float) -> np.ndarray:
    values = REST_VALUES.copy()
    for name, value in channels.items():
        values[CHANNELS[name]] = value
    return values[None]


def test_parents_follow_the_names() -> None:
    assert BODY_PARENT[JOINT["pelvis"]] == -1
    known = {"left_wrist": "left_elbow", "right_foot": "right_ankle", "head": "neck", "left_collar": "spine3",
             "right_shoulder": "right_collar", "neck": "spine3"}  # fmt: skip
    for child, parent in known.items():
        assert BODY_JOINTS[BODY_PARENT[JOINT[child]]] == parent


@pytest.mark.parametrize("height", [1.0, 1.4, 1.75, 1.95])
def test_a_standing_person_is_as_tall_as_asked_with_feet_on_the_ground(height: float) -> None:
    body = pose_joints(skeleton(height), REST_VALUES[None])[0]
    face = coco_joints(body)
    crown = face[COCO["left_eye"], 2] + 0.06 * height
    assert crown == pytest.approx(height, rel=0.05)
    assert 0.0 <= body[:, 2].min() < 0.03
    assert body[JOINT["left_ankle"], 2] == pytest.approx(body[JOINT["right_ankle"], 2])


def test_children_have_larger_heads_and_shorter_legs() -> None:
    child, adult = skeleton(1.1), skeleton(1.8)
    assert child.leg / child.height < adult.leg / adult.height
    assert child.bone(JOINT["head"]) / child.height > adult.bone(JOINT["head"]) / adult.height


def test_a_height_no_person_has_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"3\.0 m"):
        skeleton(3.0)


def test_bones_keep_their_lengths_in_any_pose(rng: np.random.Generator) -> None:
    bones = skeleton(1.7)
    channels = REST_VALUES + rng.normal(0, 0.8, (200, len(REST_VALUES)))
    body = pose_joints(bones, channels)
    for joint, parent in enumerate(BODY_PARENT):
        if parent >= 0:
            length = np.linalg.norm(body[:, joint] - body[:, parent], axis=-1)
            np.testing.assert_allclose(length, bones.bone(joint), rtol=1e-4)
    assert body[..., 2].min() >= -1e-6


def test_the_left_side_is_at_negative_x() -> None:
    body = pose_joints(skeleton(1.7), REST_VALUES[None])[0]
    for name in BODY_JOINTS:
        if name.startswith("left_"):
            assert body[JOINT[name], 0] < 0 < body[JOINT[name.replace("left", "right")], 0]


def test_hands_and_feet_reach_their_targets() -> None:
    bones = skeleton(1.7)
    body = pose_joints(bones, pose(rx=0.1, ry=0.7, rz=0.2, rfy=0.3, rfz=0.2))[0]
    arm = body[JOINT["right_wrist"]] - body[JOINT["right_shoulder"]]
    np.testing.assert_allclose(arm, np.array([0.1, 0.7, 0.2]) * bones.arm, atol=1e-5)
    assert body[JOINT["right_ankle"], 1] == pytest.approx(0.3 * bones.leg, abs=1e-5)
    assert body[JOINT["right_ankle"], 2] == pytest.approx(bones.ankle + 0.2 * bones.leg, abs=1e-5)


def test_a_target_too_far_is_pointed_at() -> None:
    bones = skeleton(1.7)
    body = pose_joints(bones, pose(rx=0.0, ry=5.0, rz=0.0))[0]
    arm = body[JOINT["right_wrist"]] - body[JOINT["right_shoulder"]]
    np.testing.assert_allclose(arm, [0.0, bones.arm, 0.0], atol=2e-3)


def test_angles_turn_the_way_they_say() -> None:
    bones = skeleton(1.7)
    head = JOINT["head"]
    upright = pose_joints(bones, pose())[0, head]
    assert pose_joints(bones, pose(bend=0.6))[0, head, 1] > upright[1] + 0.1
    assert pose_joints(bones, pose(pitch=0.6))[0, head, 1] > upright[1] + 0.1
    assert pose_joints(bones, pose(side=0.4))[0, head, 0] > 0.05
    assert pose_joints(bones, pose(roll=0.4))[0, head, 0] > 0.05
    assert pose_joints(bones, pose(twist=0.4))[0, JOINT["right_shoulder"], 1] > 0.03
    knee = pose_joints(bones, pose(pz=0.7))[0, JOINT["left_knee"]]
    assert knee[1] > 0.1
    elbow = pose_joints(bones, pose(rz=-0.5, ry=0.0, rx=0.0))[0]
    assert elbow[JOINT["right_elbow"], 1] < elbow[JOINT["right_shoulder"], 1]


def test_the_pelvis_sinks_for_planted_feet_only() -> None:
    bones = skeleton(1.7)
    wide, hanging = (pose_joints(bones, pose(rfy=0.5, lfy=-0.5, sink=sink))[0] for sink in (1.0, 0.0))
    assert wide[JOINT["right_ankle"], 2] == pytest.approx(bones.ankle, abs=2e-3)
    assert wide[JOINT["pelvis"], 2] < hanging[JOINT["pelvis"], 2] - 0.05


def test_mirroring_is_reflection_and_its_own_inverse(rng: np.random.Generator) -> None:
    channels = REST_VALUES + rng.normal(0, 0.3, (5, len(REST_VALUES)))
    np.testing.assert_array_equal(mirror(mirror(channels)), channels)
    body, other = pose_joints(skeleton(1.7), channels), pose_joints(skeleton(1.7), mirror(channels))
    swap = [
        JOINT[n.replace("left", "right") if n.startswith("left") else n.replace("right", "left")] for n in BODY_JOINTS
    ]
    np.testing.assert_allclose(other, body[:, swap] * [-1, 1, 1], atol=1e-5)


@pytest.mark.parametrize("yaw", [0.0, 1.3, -2.5])
def test_faces_look_ahead_with_left_on_the_left(yaw: float) -> None:
    body = pose_joints(skeleton(1.7), pose(yaw=yaw))[0]
    coco = coco_joints(body)
    assert coco.shape == (17, 3)
    ahead, left = np.array([-np.sin(yaw), np.cos(yaw), 0.0]), np.array([-np.cos(yaw), -np.sin(yaw), 0.0])
    head = body[JOINT["head"]]
    assert (coco[COCO["nose"]] - head) @ ahead > 0.06
    for part in ("eye", "ear", "shoulder", "hip"):
        assert (coco[COCO[f"left_{part}"]] - coco[COCO[f"right_{part}"]]) @ left > 0.03
    assert coco[COCO["left_eye"], 2] > coco[COCO["nose"], 2] > body[JOINT["head"], 2]
    for name in COCO_JOINTS[5:]:
        np.testing.assert_array_equal(coco[COCO[name]], body[JOINT[name]])


def test_faces_of_many_bodies_are_those_of_each_and_absent_people_stay_absent(rng: np.random.Generator) -> None:
    bodies = pose_joints(skeleton(1.6), REST_VALUES + rng.normal(0, 0.3, (6, len(REST_VALUES)))).reshape(2, 3, 22, 3)
    bodies[1, 2] = np.nan
    together = coco_joints(bodies)
    assert together.shape == (2, 3, 17, 3)
    assert np.isnan(together[1, 2]).all()
    np.testing.assert_array_equal(together[0, 1], coco_joints(bodies[0, 1]))


def test_no_moments_give_no_bodies() -> None:
    assert pose_joints(skeleton(1.7), np.zeros((0, len(REST_VALUES)))).shape == (0, 22, 3)
