from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hawkeye_core.backend import PoseBackend
from hawkeye_core.pose.boxes import boxes_of
from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.higher_hrnet import ARCHITECTURES, HigherHRNet
from hawkeye_core.pose.higherhrnet import HigherHRNetBackend


def backend(**settings) -> HigherHRNetBackend:
    return HigherHRNetBackend(HigherHRNetSettings(**({"size": "tiny", "weights": "untrained"} | settings)))


@pytest.fixture(scope="module")
def tiny():
    return backend()


def assert_equal(a, b, *, atol: float = 1e-5) -> None:
    for name in ("keypoints", "score", "box"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=atol, err_msg=name)


def test_backend_is_a_pose_backend_and_marks_untrained_weights(tiny):
    assert isinstance(tiny, PoseBackend)
    assert (tiny.fingerprint.family, tiny.fingerprint.backend) == ("pose", "higherhrnet")
    assert not tiny.fingerprint.trained


def test_every_setting_that_changes_results_changes_the_fingerprint(tiny, tmp_path):
    changes = {
        "flip_test": False, "max_people": 5, "detection_threshold": 0.2, "tag_threshold": 0.5, "min_person_score": 0.1,
        "scale_factors": (0.5, 1.0), "reach": 0.7, "precision": "bfloat16", "project_to_image": False,
    }  # fmt: skip
    assert set(changes) == set(HigherHRNetSettings.model_fields) - {"backend", "size", "weights"}
    digests = {backend(**{name: value}).fingerprint.digest for name, value in changes.items()}
    assert len(digests | {tiny.fingerprint.digest}) == len(changes) + 1
    half = HigherHRNetBackend(tiny.settings, dtype=torch.bfloat16)
    assert half.fingerprint.digest == backend(precision="bfloat16").fingerprint.digest
    assert tiny.fingerprint.settings["dtype"] == "float32"  # as before there was `precision`
    assert not {"precision", "project_to_image"} & set(tiny.fingerprint.settings)


def test_fingerprint_names_the_content_of_the_weights_not_their_path(tiny, tmp_path):
    torch.manual_seed(0)
    state = HigherHRNet(ARCHITECTURES["tiny"]).state_dict()
    torch.save(state, tmp_path / "a.pth")
    shutil.copy(tmp_path / "a.pth", tmp_path / "b.pth")
    a, b = (backend(weights=str(tmp_path / name)).fingerprint for name in ("a.pth", "b.pth"))
    assert a.trained
    assert a.weights.startswith("sha256:")
    assert str(tmp_path) not in a.to_json()
    assert a.digest == b.digest
    torch.save({**state, "conv1.weight": state["conv1.weight"] + 1}, tmp_path / "b.pth")
    assert backend(weights=str(tmp_path / "b.pth")).fingerprint.digest != a.digest


@pytest.mark.parametrize("name", ["landscape_640x480", "portrait_427x640"])
def test_detect_equals_the_original_from_picture_to_picture(name, planted, reference, frames, monkeypatch):
    expected = reference("decoding.json")["end_to_end"][name]
    detector = backend(reach=None)  # as the original
    monkeypatch.setattr(detector, "_input_size", 512)
    coarse, fine = planted.outputs(*expected["base_size_wh"])
    seen = []
    monkeypatch.setattr(detector, "_network", lambda x: (seen.append(x), (coarse, fine))[1])
    width, height = expected["image_wh"]
    (pose,) = detector.detect(frames(np.zeros((1, height, width, 3), np.uint8)))
    assert seen[0].shape == (2, 3, *expected["base_size_wh"][::-1])
    wanted = np.array(expected["image_keypoints"])
    np.testing.assert_allclose(pose.keypoints[..., :2], wanted[..., :2], atol=0.01)
    np.testing.assert_allclose(pose.keypoints[..., 2], wanted[..., 2].clip(0, 1), atol=1e-5)
    np.testing.assert_allclose(pose.score, expected["scores"], atol=1e-6)


def test_network_sees_normalised_rgb_and_its_mirror_image(frames, monkeypatch):
    detector = backend()
    seen = []
    run = detector._network
    monkeypatch.setattr(detector, "_network", lambda x: (seen.append(x.clone()), run(x))[1])
    picture = np.zeros((1, 256, 256, 3), np.uint8)
    picture[..., 0] = 255
    picture[:, :, 128:, 2] = 51
    detector.detect(frames(picture))
    image, mirrored = seen[0]
    torch.testing.assert_close(mirrored, image.flip(2))
    left, right = image[:, 100, 10], image[:, 100, 200]
    torch.testing.assert_close(left, torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225]))
    torch.testing.assert_close(right[2], torch.tensor((0.2 - 0.406) / 0.225))


def test_a_batch_equals_its_frames_one_by_one(tiny, frames, pictures):
    shown = pictures(4, 320, 240)
    together = tiny.detect(frames(shown))
    assert len(together) == 4
    assert any(len(pose.score) for pose in together), "the pictures must show the network somebody"
    for pose, picture in zip(together, shown, strict=True):
        assert_equal(pose, tiny.detect(frames(picture[None]))[0])


def test_the_same_frames_twice_give_the_same_bytes(tiny, frames, pictures):
    shown = frames(pictures(2, 160, 120))
    for a, b in zip(tiny.detect(shown), backend().detect(shown), strict=True):
        assert a.keypoints.tobytes() == b.keypoints.tobytes()
        assert a.box.tobytes() == b.box.tobytes()


@pytest.mark.parametrize("scales", [(1.0,), (0.5, 1.0)])
def test_people_of_maps_that_are_not_projected_stand_within_a_cell_of_those_that_are(
    scales, planted, frames, monkeypatch
):
    shown = frames(np.zeros((1, 512, 512, 3), np.uint8))
    found = []
    for project in (True, False):
        detector = backend(reach=None, flip_test=False, project_to_image=project, scale_factors=scales)
        monkeypatch.setattr(detector, "_input_size", 512)
        monkeypatch.setattr(
            detector, "_network", lambda x: tuple(m[:1] for m in planted.outputs(x.shape[3], x.shape[2]))
        )
        found.append(detector.detect(shown)[0])
    assert len(found[0].score) == len(found[1].score) > 1
    seen = (found[0].keypoints[..., 2] > 0.2) & (found[1].keypoints[..., 2] > 0.2)
    distance = np.linalg.norm(found[0].keypoints[..., :2] - found[1].keypoints[..., :2], axis=-1)[seen]
    assert len(distance) > 10
    assert np.median(distance) < 1.0
    assert (distance < 3.0).mean() > 0.9


@pytest.mark.parametrize(("width", "height"), [(320, 240), (120, 320), (1, 1), (5, 300), (300, 5)])
@pytest.mark.parametrize("flip", [True, False])
def test_results_of_any_frame_size_are_well_formed(width, height, flip, frames, pictures):
    for pose in backend(flip_test=flip).detect(frames(pictures(2, width, height))):
        people = len(pose.score)
        assert (pose.keypoints.shape, pose.box.shape) == ((people, 17, 3), (people, 4))
        assert {a.dtype for a in (pose.keypoints, pose.score, pose.box)} == {np.dtype(np.float32)}
        assert np.isfinite(pose.keypoints).all()
        assert ((pose.keypoints[..., 2] >= 0) & (pose.keypoints[..., 2] <= 1)).all()
        assert (np.diff(pose.score) <= 0).all()
        assert (pose.box[:, :2] >= 0).all()
        assert (pose.box[:, :2] <= pose.box[:, 2:]).all()
        assert (pose.box[:, 2:] <= [width, height]).all()


def test_no_frames_and_nobody_in_the_frame(tiny, frames):
    assert tiny.detect(frames(np.zeros((0, 48, 64, 3), np.uint8))) == []
    (pose,) = backend(detection_threshold=1.0).detect(frames(np.zeros((1, 48, 64, 3), np.uint8)))
    assert pose.keypoints.shape == (0, 17, 3)
    assert pose.box.shape == (0, 4)
    assert pose.score.shape == (0,)


def test_limits_keep_the_best_people(frames, pictures):
    shown = frames(pictures(1, 320, 240, seed=1))
    (everyone,) = backend(detection_threshold=0.05).detect(shown)
    assert len(everyone.score) > 3
    (few,) = backend(detection_threshold=0.05, max_people=3).detect(shown)
    for name in ("keypoints", "score", "box"):
        np.testing.assert_array_equal(getattr(few, name), getattr(everyone, name)[:3])
    least = float(everyone.score[2])
    (good,) = backend(detection_threshold=0.05, min_person_score=least).detect(shown)
    assert len(good.score) == (everyone.score >= least).sum()


def test_several_scales_average_their_heatmaps(frames, pictures, monkeypatch):
    detector = backend(scale_factors=(0.5, 1.0, 1.5))
    sizes = []
    run = detector._network
    monkeypatch.setattr(detector, "_network", lambda x: (sizes.append(tuple(x.shape[2:])), run(x))[1])
    (pose,) = detector.detect(frames(pictures(1, 320, 240)))
    assert sizes == [(384, 576), (256, 384), (128, 192)]
    assert pose.keypoints.shape[1:] == (17, 3)


def test_scales_must_contain_one_and_differ():
    for scales in ((0.5, 2.0), (), (1.0, 1.0), (1.0, -1.0)):
        with pytest.raises(ValidationError, match="scale_factors"):
            HigherHRNetSettings(scale_factors=scales)


def test_half_precision_network_stays_near(frames, pictures):
    shown = frames(pictures(1, 160, 120))
    single = backend(detection_threshold=0.05)
    half = backend(detection_threshold=0.05, precision="bfloat16")
    with torch.inference_mode():
        a, b = (d._score_maps(shown.images)[0].heat for d in (single, half))
    assert b.dtype == torch.float32
    assert (a - b).abs().max() < 0.02
    half.detect(shown)


def test_box_is_tight_over_sure_joints_with_a_margin():
    keypoints = np.zeros((4, 17, 3), np.float32)
    keypoints[0, :3] = [(10, 20, 0.9), (50, 40, 0.5), (500, 500, 0.01)]  # the third is not sure and must not count
    keypoints[1, 4] = (5, 5, 0.3)
    keypoints[2, 5:7] = [(30, 30, 0.05), (40, 30, 0.02)]  # nothing sure: all that have a score count
    box = boxes_of(keypoints, threshold=0.1, width=52, height=100)
    np.testing.assert_allclose(box[0], [6, 16, 52, 44])  # a tenth of 40 on each side, cut off at the frame
    np.testing.assert_allclose(box[1], [4, 4, 6, 6])
    np.testing.assert_allclose(box[2], [29, 29, 41, 31])
    np.testing.assert_allclose(box[3], 0)
    assert boxes_of(keypoints[:0], threshold=0.1, width=9, height=9).shape == (0, 4)
