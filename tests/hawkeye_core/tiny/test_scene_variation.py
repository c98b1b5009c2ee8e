"""Windows seen otherwise: what graphs say stays, where things are changes alike for all."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.pose.aggregate import COCO_MIRROR
from hawkeye_core.tiny.scene_variation import varied, with_tokens_of
from hawkeye_core.training.geometry import MOVED, NEARER, otherwise

from .drawn_store import write_world


@pytest.fixture(scope="module")
def windows(tmp_path_factory) -> list[Window]:
    _, store = write_world(tmp_path_factory.mktemp("variation"), {"v": "train", "w": "train"})
    opened = FeatureStore.open(store)
    return [opened.window("v", 0, 24), opened.window("w", 4, 20)]


@pytest.mark.parametrize("seed", range(6))
def test_all_that_has_a_place_is_moved_alike(windows, seed):
    window = windows[0]
    new = otherwise(window, np.random.default_rng(seed))
    was, now = window.relations.object_box.double(), new.relations.object_box.double()
    width = (now[:, 2] - now[:, 0]) / (was[:, 2] - was[:, 0])
    scale = float(width[0])
    assert NEARER[0] <= scale <= NEARER[1]
    torch.testing.assert_close(width, torch.full_like(width, scale), rtol=1e-3, atol=1e-3)
    order = was[:, 0].argsort()
    mirrored = bool(now[order, 0][0] > now[order, 0][-1])
    joints = window.pose.keypoints[:, list(COCO_MIRROR)] if mirrored else window.pose.keypoints
    sign = -scale if mirrored else scale
    offset = (new.pose.keypoints - joints * torch.tensor([sign, scale, 1.0])).double()
    spread = (offset[..., :2] - offset[0, 0, :2]).abs().max()
    assert float(spread) < 1e-3  # one shift for all joints of all frames
    middle = torch.tensor([160.0, 120.0]).double()
    shift = offset[0, 0, :2] - (middle - torch.tensor([sign, scale]) * middle)
    assert (shift.abs() <= MOVED * torch.tensor([320.0, 240.0]) + 1e-3).all()
    assert torch.equal(new.pose.keypoints[..., 2], joints[..., 2])
    assert new.vision is window.vision


def test_tokens_of_another_window_have_its_frames_and_ones_own_objects(windows):
    own, other = windows[0].vision, windows[1].vision
    found = with_tokens_of(own, other, np.random.default_rng(0))
    assert torch.equal(found.frame_tokens[:16], other.frame_tokens)
    assert torch.equal(found.frame_tokens[16:], other.frame_tokens[:8])
    assert torch.equal(found.n_objects, own.n_objects)
    rows = {tuple(row) for row in other.object_tokens.tolist()}
    assert all(tuple(row) in rows for row in found.object_tokens.tolist())


def test_a_share_of_windows_is_exchanged(windows):
    many = [windows[k % 2] for k in range(400)]
    found = varied(many, np.random.default_rng(1), exchanged=0.6)
    same = np.mean(
        [torch.equal(a.vision.masked_token, b.vision.masked_token) for a, b in zip(many, found, strict=True)]
    )
    assert same == pytest.approx(1 - 0.6 / 2, abs=0.06)  # half of the others are the same video
    kept = varied(many[:8], np.random.default_rng(2), exchanged=0.0)
    assert all(a.vision is b.vision for a, b in zip(many, kept, strict=False))


def test_windows_without_pose_are_refused(windows):
    with pytest.raises(ValueError, match="pose"):
        otherwise(replace(windows[0], pose=None), np.random.default_rng(0))
