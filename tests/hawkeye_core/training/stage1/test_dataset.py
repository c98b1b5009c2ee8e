"""Samples: which frames, which words, which errors before training begins."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from feature_store.errors import StoreError
from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.errors import AnnotationError, ConfigError, HawkeyeError
from hawkeye_core.training.scene_tensors import collate_scenes
from hawkeye_core.training.stage1.build import open_stage1
from hawkeye_core.training.stage1.config import Stage1Settings
from hawkeye_core.training.stage1.dataset import Stage1Dataset
from hawkeye_core.training.stage1.join import append_image
from hawkeye_core.training.stage1.order import EpochBatches

MakeData = Callable[..., Stage1Dataset]


def tensors(value: Any) -> list[tuple[str, Tensor]]:
    """All tensors of a window, by name."""
    if isinstance(value, Tensor):
        return [("", value)]
    if not hasattr(value, "__dataclass_fields__"):
        return []
    return [(f"{f.name}.{name}", t) for f in fields(value) for name, t in tensors(getattr(value, f.name))]


def same(first: Window, second: Window) -> bool:
    return all(
        name == other and torch.equal(a, b)
        for (name, a), (other, b) in zip(tensors(first), tensors(second), strict=True)
    )


def test_a_joint_sample_is_the_motions_frames_and_then_the_image(make_data: MakeData, store: FeatureStore) -> None:
    data = make_data()
    assert len(data) == 5
    for number, sample in enumerate(data):
        region, motion = data.rows(number)
        start, stop = [(0, 8), (8, 16)][motion]
        video, image = ("wave", "walk")[motion], ("photo", "photo", "snap", "snap", "photo")[region]
        clip, picture, joined = store.window(video, start, stop), store.window(image, 0, 1), sample.window
        assert (sample.spec.video, sample.spec.start, sample.spec.stop) == (f"{video}+{image}", 0, 9)
        assert joined.frames.frame.tolist() == list(range(start, start + 9))
        assert joined.frames.time.tolist() == [(start + k) / 8 for k in range(9)]
        scene, alone, still = (collate_scenes([window]) for window in (joined, clip, picture))
        for name in ("keypoints", "person_box", "person_mask", "velocity", "previous", "frame_tokens", "masked_token"):
            whole = getattr(scene, name)
            assert torch.equal(whole[:, :8], getattr(alone, name)), name
            assert torch.equal(whole[:, 8:], getattr(still, name)), name
        objects = len(alone.object_class)
        assert scene.object_frame[objects:].tolist() == [8] * len(still.object_class)
        assert torch.equal(scene.object_tokens, torch.cat([alone.object_tokens, still.object_tokens]))
        assert torch.equal(scene.subject, torch.cat([alone.subject, still.subject + objects]))
        assert torch.equal(scene.object, torch.cat([alone.object, still.object + objects]))
        assert torch.equal(scene.predicate, torch.cat([alone.predicate, still.predicate]))
    assert sample.segments == ()


def test_questions_and_answers_belong_to_the_rows(make_data: MakeData) -> None:
    data = make_data()
    sample = data[0]
    said = ("A person raises right hand, waves.", "A person walks.")[data.rows(0)[1]]
    assert sample.answer == f"Man in suit wearing sunglasses. & {said}"
    assert sample.spec.question == (
        "Describe the image region [0.10, 0.10, 0.60, 0.90] and judge the action of the characters in the video."
    )
    assert data[1].spec.question.startswith("Describe the image region [0.00, 0.00, 1.00, 1.00] and")
    assert data[2].answer.startswith("Salt and pepper. & ")
    assert [data.spec(number) for number in range(5)] == [sample.spec for sample in data] == list(data.specs)
    assert len(data.specs) == 5
    assert data.specs[1:3] == [data.spec(1), data.spec(2)]


def test_separate_samples_have_one_type(make_data: MakeData, store: FeatureStore) -> None:
    data = make_data(pairing="separate")
    samples = list(data)
    assert [(s.spec.motion, s.spec.stop) for s in samples] == [(0, 1)] * 5 + [(8, 8)] * 2
    assert samples[0].answer == "Man in suit wearing sunglasses."
    assert samples[0].spec.question == "Describe the image region [0.10, 0.10, 0.60, 0.90]."
    assert same(samples[2].window, store.window("snap", 0, 1))
    assert samples[6].answer == "A person walks."
    assert samples[6].spec.question == "Judge the action of the characters in the video."
    assert same(samples[6].window, store.window("walk", 8, 16))


def test_more_motions_than_regions_repeat_the_regions(make_data: MakeData) -> None:
    motions = [{"video": "walk", "start": k / 8, "end": (k + 1) / 8, "caption": f"step {k}"} for k in range(7)]
    data = make_data(motions=motions)
    assert [data.rows(number)[1] for number in range(len(data))] == list(range(7))
    assert {sample.spec.motion for sample in data} == {1}


def test_a_number_says_epoch_and_place(make_data: MakeData) -> None:
    data = make_data()
    epochs = [[data.rows(epoch * 5 + i) for i in range(5)] for epoch in range(6)]
    assert all([region for region, _ in pairs] == list(range(5)) for pairs in epochs)
    assert len({str(pairs) for pairs in epochs}) > 1
    again = pickle.loads(pickle.dumps(data))
    for number in (29, 3, 14, 0):  # in any order, in another process
        assert again.rows(number) == epochs[number // 5][number % 5]
        assert same(again[number].window, data[number].window)
    assert [make_data(seed=1).rows(n) for n in range(30)] != list(itertools.chain(*epochs))
    with pytest.raises(IndexError):
        data[-1]


def test_batches_carry_the_epoch_whatever_step_one_begins_at() -> None:
    whole = list(EpochBatches(5, batch_size=2, steps=9, seed=1))
    flat = [number for batch in whole for number in batch]
    assert [sorted(flat[i : i + 5]) for i in (0, 5, 10)] == [list(range(i, i + 5)) for i in (0, 5, 10)]
    for first in range(9):
        assert list(EpochBatches(5, batch_size=2, steps=9, seed=1, first_step=first)) == whole[first:]


def test_missing_features_are_named_with_their_line_and_a_remedy(make_data: MakeData) -> None:
    row = {"box": [1, 2, 3, 4], "expression": "x"}
    regions = [{"video": video, **row} for video in ("photo", "lost", "lost", "gone", "photo")]
    with pytest.raises(AnnotationError, match=r"(?s)r\.jsonl:2: no features of 2 of 3 images \(first: lost, gone\)"
                       r".*remedy: extract them first \(`hawkeye extract`\)"):  # fmt: skip
        make_data(regions)
    with pytest.raises(AnnotationError, match=r"m\.jsonl:1: no features of 1 of 1 motions \(first: lost\)"):
        make_data(motions=[{"video": "lost", "start": 0, "end": 1, "caption": "x"}])


@pytest.mark.parametrize("box", [[0, 0, 101.5, 50], [0, 0, 10, 51.5], [-1.5, 0, 10, 10], [200, 200, 300, 300]])
def test_a_box_outside_its_image_is_refused(make_data: MakeData, box: list[float]) -> None:
    good = {"video": "snap", "box": [1, 2, 3, 4], "expression": "x"}
    with pytest.raises(AnnotationError, match=r"r\.jsonl:2: box .* leaves the image 'photo', which has 100 x 50 px"):
        make_data([good, {"video": "photo", "box": box, "expression": "x"}])


@pytest.mark.parametrize(
    ("video", "times", "frames"),
    [("walk", (0, 2.5), 20), ("walk", (0, 2.6), 20), ("walk", (2.4, 2.5), 1), ("walk", (1, 1.01), 1),
     ("short", (0, 0.6), 5), ("short", (0, 0.74), 5), ("walk", (0.05, 1.05), 8)],
)  # fmt: skip
def test_motions_are_the_nearest_frames(
    make_data: MakeData, video: str, times: tuple[float, float], frames: int
) -> None:
    data = make_data(motions=[{"video": video, "start": times[0], "end": times[1], "caption": "x"}])
    assert data[0].spec.motion == frames
    assert data[0].window.stop - data[0].window.start == frames + 1


@pytest.mark.parametrize("times", [(0, 1.0), (0, 0.8), (0.63, 0.7), (5, 6)])
def test_a_motion_behind_the_end_of_its_clip_is_refused(make_data: MakeData, times: tuple[float, float]) -> None:
    motion = {"video": "short", "start": times[0], "end": times[1], "caption": "x"}
    with pytest.raises(AnnotationError, match=r"m\.jsonl:1: motion from .* but 'short' lasts 0\.62 s"):
        make_data(motions=[motion])


def test_images_and_motions_may_lie_in_two_stores_of_one_tower(
    make_data: MakeData, make_store: Callable[..., Path], store: FeatureStore, tmp_path: Path
) -> None:
    images = FeatureStore.open(make_store(tmp_path / "images", {"photo": 1, "snap": 1}))
    data = make_data(images=images, clips=store)
    assert same(data[0].window, make_data()[0].window)
    other = FeatureStore.open(make_store(tmp_path / "other", {"photo": 1, "snap": 1}, weights="sha256:00"))
    with pytest.raises(ConfigError, match=r"(?s)made-up \(sha256:00\).*made-up \(untrained\).*same `vision` settings"):
        make_data(images=other, clips=store)
    with pytest.raises(AnnotationError, match="no features of 2 of 2 motions"):
        make_data(images=images)


def test_vision_tokens_of_two_shapes_are_refused(store: FeatureStore) -> None:
    motion, image = store.window("wave", 0, 8), store.window("photo", 0, 1)
    image.vision.frame_tokens.resize_(1, 2, 16)  # type: ignore[union-attr]
    with pytest.raises(HawkeyeError, match=r"\[4, 16\] of 'wave' and \[2, 16\] of 'photo' differ"):
        append_image(motion, image, fps=8.0)
    with pytest.raises(HawkeyeError, match="photo: lacks a family"):
        append_image(motion, store.window("photo", 0, 1, families=("pose", "vision")), fps=8.0)


def test_people_of_the_image_are_new(store: FeatureStore) -> None:
    """A frame from within a video says who of the frame before is who; here that frame is the motion's last."""
    frame = store.window("walk", 7, 8)
    assert (frame.pose.previous >= 0).any()  # type: ignore[union-attr]
    joined = append_image(store.window("wave", 0, 8), frame, fps=8.0)
    people = len(frame.pose.previous)  # type: ignore[union-attr]
    assert joined.pose.previous[-people:].tolist() == [-1] * people  # type: ignore[union-attr]
    assert not collate_scenes([joined]).velocity[0, 8].any()


def test_settings_open_both_splits(write_rows: Any, store: FeatureStore) -> None:
    region = {"video": "photo", "box": [1, 2, 3, 4], "expression": "x"}
    motion = {"video": "wave", "start": 0, "end": 1, "caption": "y"}
    settings = Stage1Settings(
        regions=str(write_rows("r.jsonl", [region] * 3 + [region | {"split": "test"}])),
        motions=str(write_rows("m.jsonl", [motion] * 2)),
    )
    assert len(open_stage1(settings, store, split="train", seed=0)) == 3
    assert list(open_stage1(settings, store, split="test", seed=0)) == []
    with pytest.raises(IndexError):
        open_stage1(settings, store, split="test", seed=0)[0]
    with pytest.raises(StoreError, match="nowhere"):
        open_stage1(settings.model_copy(update={"image_store": "nowhere"}), store, split="train", seed=0)
    tests = str(write_rows("m.jsonl", [motion | {"split": "test"}]))
    with pytest.raises(AnnotationError, match=r"m\.jsonl: has no row of split `train`"):
        open_stage1(settings.model_copy(update={"motions": tests}), store, split="train", seed=0)
