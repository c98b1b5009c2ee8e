"""Motions as clips: every step against a slow literal loop, mirrors, and what is drawn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkeye_core.datasets.humanml3d import CaptionedMotion, MotionCaption
from hawkeye_core.datasets.motion_clips import (
    FACE_SCORE,
    choose_window,
    clip_id,
    first_frames,
    make_clip,
    motion_rows,
    projected,
    random_camera,
    resampled,
    to_z_up,
)
from hawkeye_core.datasets.motion_figures import draw_clip
from hawkeye_core.datasets.reconsim.camera import Camera
from hawkeye_core.datasets.reconsim.formats.humanml3d import clip_of, mirrored_joints, to_y_up
from hawkeye_core.datasets.reconsim.look import LIGHTS
from hawkeye_core.datasets.reconsim.motions import draw_motion
from hawkeye_core.datasets.reconsim.people import person_solids
from hawkeye_core.datasets.reconsim.stage import BODY_JOINTS, Appearance
from hawkeye_core.scene import COCO_JOINTS
from hawkeye_core.training.stage1.rows import Motion

MAN = Appearance("man", 1.7, (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), build=1.2)
NAMES = ("walk", "run", "punch", "fall", "sit", "kick")


def clip(name: str, seconds: float = 4.0) -> np.ndarray:
    return clip_of(draw_motion(name, np.random.default_rng(1), height_m=1.7), seconds)


def captioned(frames: int = 80, *spans: tuple[float, float], motion: str = "000001") -> CaptionedMotion:
    captions = tuple(MotionCaption("a man waves", start, end, whole=False) for start, end in spans)
    return CaptionedMotion(motion, frames, captions, "train")


@given(frames=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_resampling_is_linear_between_the_frames_around(frames: int) -> None:
    joints = np.random.default_rng(frames).normal(size=(frames, 22, 3)).astype(np.float32)
    slow, k = [], 0
    while k / 8 <= (frames - 1) / 20:
        place = k / 8 * 20
        i, part = int(place), place - int(place)
        after = joints[i + 1] if part else joints[i]
        slow.append((1 - part) * joints[i] + part * after)
        k += 1
    found = resampled(joints)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(slow), atol=1e-6)


def test_a_steady_motion_stays_steady() -> None:
    line = np.arange(41, dtype=np.float32)[:, None, None] / 20 * np.ones((1, 22, 3), np.float32)
    np.testing.assert_allclose(resampled(line)[:, 0, 0], np.arange(17) / 8, atol=1e-6)


@given(frames=st.integers(1, 200), start=st.integers(0, 11_000), length=st.integers(10, 11_000))
@settings(max_examples=200, deadline=None)
def test_windows_lie_inside_the_captioned_range(frames: int, start: int, length: int) -> None:
    """Times in milliseconds, where the slow loop is exact."""
    end = min(start + length, frames * 50)
    found = list(first_frames(MotionCaption("x", start / 1000, end / 1000, whole=False), frames))
    slow = [
        k for k in range(200)
        if k * 125 >= start and (k + 8) * 125 <= end and (k + 7) * 125 <= (frames - 1) * 50
    ]  # fmt: skip
    assert found == slow


def test_windows_follow_from_the_seed_and_reach_every_place() -> None:
    motion = captioned(80, (0.5, 2.5))
    found = {seed: choose_window(motion, motion.captions[0], seed=seed) for seed in range(80)}
    assert found == {seed: choose_window(motion, motion.captions[0], seed=seed) for seed in range(80)}
    assert set(found.values()) == set(range(4, 13))
    mirror = captioned(80, (0.5, 2.5), motion="M000001")
    assert [choose_window(mirror, mirror.captions[0], seed=seed) for seed in range(80)] == list(found.values())
    different = captioned(80, (0.5, 2.5), motion="000002")
    assert [choose_window(different, different.captions[0], seed=seed) for seed in range(80)] != list(found.values())


def test_turning_up_is_the_inverse_of_the_writers() -> None:
    body = np.random.default_rng(0).normal(size=(3, 22, 3)).astype(np.float32)
    body[..., 2] -= body[..., 2].min()
    body[..., :2] -= body[0, 0, :2].copy()
    np.testing.assert_allclose(to_z_up(to_y_up(body)), body, atol=1e-6)


def slow_projection(body: np.ndarray, camera: Camera) -> np.ndarray:
    """One joint after the other, by its name; the face from lines between neck, head and shoulders."""
    found = np.zeros((len(body), 17, 3))
    forward = np.array([
        -math.sin(camera.yaw) * math.cos(camera.pitch), math.cos(camera.yaw) * math.cos(camera.pitch),
        -math.sin(camera.pitch),
    ])  # fmt: skip
    right = np.array([math.cos(camera.yaw), math.sin(camera.yaw), 0.0])
    down = np.cross(forward, right)
    for f, joints in enumerate(body.astype(np.float64)):
        at = dict(zip(BODY_JOINTS, joints, strict=True))
        size = np.linalg.norm(at["head"] - at["neck"])
        up = (at["head"] - at["neck"]) / size
        side = at["right_shoulder"] - at["left_shoulder"]
        side = side - (side @ up) * up
        side /= np.linalg.norm(side)
        ahead = np.cross(up, side)
        places = {
            "nose": (0, 1.15, 0.45), "left_eye": (-0.36, 1, 0.8), "right_eye": (0.36, 1, 0.8),
            "left_ear": (-0.82, 0.05, 0.6), "right_ear": (0.82, 0.05, 0.6),
        }  # fmt: skip
        for j, name in enumerate(COCO_JOINTS):
            if name in places:
                x, y, z = places[name]
                point = at["head"] + size * (x * side + y * ahead + z * up)
            else:
                point = at[name]
            ray = point - np.array(camera.position)
            depth = ray @ forward
            found[f, j] = (
                camera.width / 2 + camera.focal_px * (ray @ right) / depth,
                camera.height / 2 + camera.focal_px * (ray @ down) / depth,
                FACE_SCORE if name in places else 1.0,
            )
    return found


@pytest.mark.parametrize("name", NAMES)
def test_projection_equals_the_slow_loop(name: str) -> None:
    made = make_clip("000001", clip(name), 3, seed=5)
    assert made.keypoints.shape == (8, 17, 3)
    assert made.keypoints.dtype == np.float32
    np.testing.assert_allclose(made.keypoints, slow_projection(made.body, made.camera), atol=2e-3)
    np.testing.assert_array_equal(made.body, to_z_up(resampled(clip(name)))[3:11])


def test_the_left_side_is_the_persons_own() -> None:
    """Seen from the front the left hand is to the right in the picture; seen from behind, to the left."""
    body = to_z_up(resampled(clip("walk")))[:1]
    front = Camera((0.0, 4.0, 1.2), np.pi, 0.0, 300.0, 320, 240)
    behind = Camera((0.0, -4.0, 1.2), 0.0, 0.0, 300.0, 320, 240)
    left, right = COCO_JOINTS.index("left_shoulder"), COCO_JOINTS.index("right_shoulder")
    for camera, sign in ((front, 1), (behind, -1)):
        points = projected(body, camera)[0]
        assert sign * (points[left, 0] - points[right, 0]) > 10
        nose, ears = points[0], points[[3, 4]]
        assert ears[:, 0].min() < nose[0] < ears[:, 0].max()
        assert nose[1] < points[[left, right], 1].min()


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_motion_before_a_mirrored_camera_is_the_mirrored_skeleton(name: str) -> None:
    own = make_clip("000001", clip(name), 2, seed=9)
    x, y, z = own.camera.position
    camera = replace(own.camera, position=(-x, y, z), yaw=-own.camera.yaw)
    mirrored = projected(to_z_up(resampled(mirrored_joints(clip(name))))[2:10], camera)
    for j, joint in enumerate(COCO_JOINTS):
        other = joint.replace("left", "?").replace("right", "left").replace("?", "right")
        expected = own.keypoints[:, COCO_JOINTS.index(other)] * [-1, 1, 1] + [own.camera.width, 0, 0]
        np.testing.assert_allclose(mirrored[:, j], expected, atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_person_is_wholly_in_the_picture_and_large(name: str) -> None:
    """Everything that is drawn of it, in every frame, for many cameras and two shapes of picture."""
    body = to_z_up(resampled(clip(name)))[4:12]
    for seed in range(25):
        width, height = ((336, 336), (320, 180))[seed % 2]
        camera = random_camera(body, np.random.default_rng(seed), width=width, height=height)
        outlines = [
            face.outline / 16 for joints in body for solid in person_solids(MAN, joints, camera, LIGHTS["day"], owner=0)
            for face in solid.faces
        ]  # fmt: skip
        points = np.concatenate(outlines)
        assert (points >= 0).all()
        assert (points <= (width - 1, height - 1)).all()
        extent = points.max(0) - points.min(0)
        assert max(extent[0] / width, extent[1] / height) > 0.3
        assert 0.6 <= camera.position[2] <= 3.2


def test_cameras_stand_on_every_side() -> None:
    body = to_z_up(resampled(clip("walk")))[:8]
    places = np.array([random_camera(body, np.random.default_rng(s), width=64, height=64).position for s in range(60)])
    turns = np.arctan2(places[:, 1] - body[..., 1].mean(), places[:, 0] - body[..., 0].mean())
    assert np.histogram(turns, bins=4, range=(-np.pi, np.pi))[0].min() > 5


def test_absurdly_far_joints_are_still_before_the_camera() -> None:
    body = np.zeros((8, 22, 3), np.float32)
    body[:, 0] = (900, -900, 900)
    camera = random_camera(body, np.random.default_rng(0), width=64, height=64)
    assert camera.project(body)[..., 2].min() > 0
    assert 0 < camera.focal_px < 1e4


def test_the_same_seed_gives_the_same_clip() -> None:
    joints = clip("punch")
    one, same = (make_clip("000007", joints, 2, seed=1) for _ in range(2))
    assert one.camera == same.camera
    np.testing.assert_array_equal(one.keypoints, same.keypoints)
    assert one.video == clip_id("000007", 2) == "000007_002"
    for other in (make_clip("000008", joints, 2, seed=1), make_clip("000007", joints, 2, seed=2)):
        assert other.camera != one.camera
    with pytest.raises(ValueError, match="no second from frame"):
        make_clip("000007", joints, 30, seed=1)


def test_rows_are_rows_of_the_table_of_motions() -> None:
    remarks = []
    motions = [captioned(80, (0.0, 4.0), (1.0, 1.5), (0.0, 4.0)), replace(captioned(80, (0.0, 4.0)), split="val")]
    found = list(motion_rows(motions, seed=4, remarks=remarks))
    assert len(found) == 2
    for motion, first, row in found:
        checked = Motion.model_validate(row)
        assert checked.video == clip_id(motion.motion, first)
        assert (checked.start, checked.end, checked.caption) == (0.0, 1.0, "a man waves")
    assert found[0][1] == found[1][1]  # one clip for both captions of the same range
    assert [(r.deed, r.rule, r.subject) for r in remarks] == [
        ("dropped", "the captioned range is shorter than a second", "000001")
    ]


def test_figures_show_the_person_where_its_joints_are() -> None:
    made = make_clip("000001", clip("walk"), 3, seed=5, size=(160, 120))
    images = draw_clip(made.body, made.camera, seed=2)
    assert images.shape == (8, 120, 160, 3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, draw_clip(made.body, made.camera, seed=2))
    assert (draw_clip(made.body, made.camera, seed=3) != images).mean() > 0.5
    moved = (images[0].astype(int) - images[-1]).any(-1)
    assert 0.005 < moved.mean() < 0.5
    for image, points in zip(images, made.keypoints, strict=True):
        for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder"):
            x, y = points[COCO_JOINTS.index(name), :2].astype(int)
            column = np.concatenate([image[y, :4], image[y, -4:]]).astype(int)  # the background in that row
            assert np.abs(column - image[y, x]).sum(-1).min() > 12, name
