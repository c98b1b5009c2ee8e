"""OKS-AP: the truth itself scores 1, shifted people less, people hardly seen do not count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from hawkeye_core.pose.higher_hrnet import ARCHITECTURES, HigherHRNet
from hawkeye_core.scene import FramePose
from hawkeye_core.tiny.keypoint_ap import coco_ap, keypoint_ap

from .stick_figures import stick_frame


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return [stick_frame(rng, people=2) for _ in range(3)]


def told(frame, *, shift=0.0, people=None):
    keypoints = frame.keypoints[:people].copy()
    keypoints[..., 0] += shift
    return FramePose(keypoints, np.ones(len(keypoints), np.float32), frame.boxes[: len(keypoints)])


def test_the_truth_scores_one_and_a_shift_costs(frames):
    assert coco_ap(frames, [told(f) for f in frames])["ap"] == pytest.approx(1.0)
    shifted = coco_ap(frames, [told(f, shift=4.0) for f in frames])
    assert 0.0 <= shifted["ap75"] < 1.0
    assert shifted["ap"] < shifted["ap50"] <= 1.0


def test_missing_people_cost_and_nobody_found_is_zero(frames):
    assert coco_ap(frames, [told(f, people=1) for f in frames])["ap"] == pytest.approx(0.5, abs=0.06)
    assert coco_ap(frames, [told(f, people=0) for f in frames]) == {"ap": 0.0, "ap50": 0.0, "ap75": 0.0}


def test_people_hardly_seen_are_neither_missed_nor_wrong(frames):
    hidden = [replace(f, visible=np.array([1.0, 0.05], np.float32)) for f in frames]
    assert coco_ap(hidden, [told(f, people=1) for f in frames])["ap"] == pytest.approx(1.0)
    assert coco_ap(hidden, [told(f) for f in frames])["ap"] == pytest.approx(1.0)


def test_the_real_backend_is_asked(frames):
    state = HigherHRNet(ARCHITECTURES["tiny"]).state_dict()
    assert set(keypoint_ap(state, frames[:1])) == {"ap", "ap50", "ap75"}
