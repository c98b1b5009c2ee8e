"""Crops: labels go where the pixels go, mirrored people change sides, hidden people are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hawkeye_core.scene import COCO_JOINTS
from hawkeye_core.tiny.pose_samples import LEAST_SEEN_JOINTS, random_sample, who_counts

from .stick_figures import StickFrame, stick_frame

SETTINGS = {"side": 96, "input_size": 256, "zoom": (0.7, 1.4)}


def dots(rng, joints=17):
    """A black frame with a bright 3 x 3 dot around every joint; joint j is of brightness 100 + 9 j."""
    xy = np.stack([rng.uniform(20, 300, joints), rng.uniform(20, 220, joints)], axis=1).round() + 0.5
    image = np.zeros((240, 320, 3), np.uint8)
    for x, y in xy.astype(int):
        image[y - 1 : y + 2, x - 1 : x + 2] = 200
    keypoints = np.concatenate((xy, np.full((joints, 1), 2)), axis=1)[None].astype(np.float32)
    box = np.concatenate((xy.min(0), xy.max(0)))[None].astype(np.float32)
    return StickFrame(image, keypoints, box, np.ones(1, np.float32))


def test_labels_lie_on_the_pixels_they_name():
    rng = np.random.default_rng(0)
    looked_at = 0
    for _ in range(30):
        sample = random_sample(dots(rng), rng, **SETTINGS)
        grey = sample.image.astype(float).mean(2)
        grey = (grey > grey.max() * 0.4) * grey
        for (x, y), there in zip(sample.xy[0], sample.labelled[0], strict=True):
            near = np.abs(sample.xy[0] - (x, y)).max(1) < 12
            if not there or near.sum() > 1 or not (8 < x < 88 and 8 < y < 88):
                continue
            rows, columns = np.mgrid[int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7]
            weight = grey[rows, columns]
            centre = ((columns + 0.5) * weight).sum() / weight.sum(), ((rows + 0.5) * weight).sum() / weight.sum()
            assert centre == pytest.approx((x, y), abs=0.35)
            looked_at += 1
    assert looked_at > 40


def test_mirrored_people_change_sides():
    left, right = COCO_JOINTS.index("left_shoulder"), COCO_JOINTS.index("right_shoulder")
    rng = np.random.default_rng(1)
    frame = stick_frame(rng, people=1)
    sides = {
        bool(s.xy[0, left, 0] < s.xy[0, right, 0]) for s in (random_sample(frame, rng, **SETTINGS) for _ in range(20))
    }
    # The figure's left shoulder is on the left; in a mirror image it still is, since the names are exchanged.
    assert sides == {True}


def test_joints_outside_the_crop_and_of_visibility_0_are_unlabelled():
    rng = np.random.default_rng(2)
    frame = stick_frame(rng, people=2)
    hidden = frame.keypoints.copy()
    hidden[0, 3] = 0
    frame = replace(frame, keypoints=hidden)
    cut = 0
    for _ in range(20):
        sample = random_sample(frame, rng, **SETTINGS)
        inside = ((sample.xy >= 0) & (sample.xy < 96)).all(-1)
        assert not (sample.labelled & ~inside).any()
        assert sample.labelled[0].sum() < 17
        cut += (~inside).sum()
    assert cut


def test_people_hardly_seen_are_masked_not_taught():
    rng = np.random.default_rng(3)
    frame = stick_frame(rng, people=3)
    keypoints, visible, boxes = frame.keypoints.copy(), frame.visible.copy(), frame.boxes.copy()
    keypoints[0, LEAST_SEEN_JOINTS - 1 :, 2] = 1
    visible[1] = 0.05
    frame = replace(frame, keypoints=keypoints, visible=visible)
    assert who_counts(frame).tolist() == [False, False, True]
    sample = random_sample(frame, rng, **SETTINGS)
    assert (len(sample.xy), len(sample.uncounted)) == (1, 2)
    assert (sample.uncounted[:, :2] < sample.uncounted[:, 2:]).all()
    boxes[0] = np.nan
    assert len(random_sample(replace(frame, boxes=boxes), rng, **SETTINGS).uncounted) == 1


def test_the_same_seed_gives_the_same_sample_and_nobody_is_fine():
    frame = stick_frame(np.random.default_rng(4), people=2)
    one, two = (random_sample(frame, np.random.default_rng(9), **SETTINGS) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.xy, two.xy)
    empty = StickFrame(frame.image, frame.keypoints[:0], frame.boxes[:0], frame.visible[:0])
    sample = random_sample(empty, np.random.default_rng(9), **SETTINGS)
    assert sample.xy.shape == (0, 17, 2)
    assert sample.image.shape == (96, 96, 3)
