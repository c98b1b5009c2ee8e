"""Scene modules on drawn graphs: batches, learning, and the way into the package."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hawkeye_core.errors import AnnotationError, ConfigError, WeightsError
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.tiny.checkpoint import BEST
from hawkeye_core.tiny.scene_card import publish_scene
from hawkeye_core.tiny.scene_clips import draw_stretch, join_stretches, stored_videos
from hawkeye_core.tiny.scene_task import SceneTask
from hawkeye_core.tiny.scene_train import SceneRunSettings, scene_task, train_scene
from hawkeye_core.tiny.shipped import LLAVA, shipped_folder, shipped_hawkeye
from hawkeye_core.training.build import begin_with, start_weights

from .drawn_store import write_world


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("scene"), {"a": "train", "b": "train", "c": "test"})


@pytest.fixture(scope="module")
def settings(places, tmp_path_factory) -> SceneRunSettings:
    world, store = map(str, places)
    run = str(tmp_path_factory.mktemp("run") / "scene")
    return SceneRunSettings(
        worlds=(world,), stores=(store,), run=run, steps=2, batch=2, longest=16, warmup_steps=1, held_out=1
    )


@pytest.fixture(scope="module")
def task(settings) -> SceneTask:
    return scene_task(settings)


def test_joined_stretches_are_their_parts(places):
    videos = stored_videos(*places)["train"]
    parts = [videos[0].cut(3, 9), videos[1].cut(10, 20)]
    joined = join_stretches(parts)
    assert len(joined) == 16
    assert joined.account.duration_s == pytest.approx(2.0)
    for name in ("keypoints", "n_people", "box"):
        values = [getattr(part.window.pose, name) for part in parts]
        assert torch.equal(getattr(joined.window.pose, name), torch.cat(values))
    assert torch.equal(
        joined.window.vision.object_tokens, torch.cat([part.window.vision.object_tokens for part in parts])
    )
    people = joined.window.pose.n_people
    first = int(people[:6].sum())
    assert (joined.window.pose.previous[first : first + int(people[6])] == -1).all()


def test_stretches_are_never_too_long(places):
    rng = np.random.default_rng(0)
    videos = stored_videos(*places)["train"]
    lengths = [len(draw_stretch(videos, rng, longest=24)) for _ in range(60)]
    assert 8 <= min(lengths) < max(lengths) <= 24


def test_a_batch_has_two_placeholders_a_frame_and_comes_again(task):
    batch = next(task.batches(0, 7))
    places = (batch.packed.input_ids == task.hawkeye.scene_token_id).sum()
    assert places == 2 * batch.scene.frame_mask.sum()
    assert (batch.packed.labels != IGNORE).sum() > 10
    again = next(task.batches(0, 7))
    assert torch.equal(again.packed.input_ids, batch.packed.input_ids)
    assert torch.equal(again.scene.keypoints, batch.scene.keypoints)


def test_batches_without_scene_modules_leave_them_alone(task):
    seen = {}
    for batch in task.batches(0, 0):
        task.model.zero_grad()
        losses = task.losses(batch)
        sum(losses.values()).backward()
        moved = {part for part in PARTS if any(p.grad is not None for p in part_of(task, part))}
        seen[batch.plain] = moved, set(losses)
        if len(seen) == 2:
            break
    assert seen[True] == ({"hawkeye.backbone"}, {"language"})
    assert seen[False] == (set(PARTS), {"language", "dense", "balance"})


PARTS = ("hawkeye.backbone", "hawkeye.scene", "heads")


def part_of(task, name):
    return task.model.get_submodule(name).parameters()


def test_labels_alone_leave_the_language_model_alone(settings):
    task = scene_task(settings.model_copy(update={"questions": False}))
    batch = next(task.batches(0, 0))
    assert batch.packed is None
    losses = task.losses(batch)
    assert set(losses) == {"dense", "balance"}
    sum(losses.values()).backward()
    assert all(p.grad is None for p in part_of(task, "hawkeye.backbone"))
    assert task.measure == "ap"
    assert set(task.evaluate()) == {"ap", "ap_actions", "ap_relations", "ap_both"}


def test_labels_are_learned(settings):
    task = scene_task(settings.model_copy(update={"questions": False}))
    optimiser = torch.optim.AdamW(task.model.parameters(), lr=2e-3)
    values = []
    for _, batch in zip(range(25), task.batches(0, 0), strict=False):
        loss = task.losses(batch)["dense"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert np.mean(values[-5:]) < 0.7 * np.mean(values[:5])


@pytest.fixture(scope="module")
def trained(settings):
    return train_scene(settings)


def test_training_measures_with_and_without_scene_modules(trained):
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert {"ap", "iou", "plain_iou", "absent", "plain_absent"} <= set(rows[-1]["eval"])


def test_published_weights_begin_a_training(trained, task, tmp_path, monkeypatch):
    import shutil

    package = tmp_path / "weights"
    shutil.copytree(shipped_folder(), package)
    monkeypatch.setattr("hawkeye_core.tiny.shipped.shipped_folder", lambda: package)
    before = json.loads((package / "language.json").read_text())
    metrics = {"iou": 0.5, "plain_iou": 0.25}
    cards = publish_scene(trained, folder=package, metrics=metrics, config=task.hawkeye.config)
    assert [card.name for card in cards] == ["hawkeye", "language"]
    assert [card.metrics for card in cards] == [{"iou": 0.5}, {"iou": 0.25}]
    assert cards[1].steps == before["steps"] + 2
    state = load_file(trained / BEST)
    begin_with(task.hawkeye, start_weights("shipped"))
    for name, value in task.hawkeye.named_parameters():
        torch.testing.assert_close(value.detach(), state[f"hawkeye.{name}"].half().float())
    for name, value in package_backbone(task).items():
        torch.testing.assert_close(value.float(), state[f"hawkeye.backbone.{name}"].half().float())


def test_labels_alone_leave_the_packages_language_model(settings, tmp_path, monkeypatch):
    import shutil

    package = tmp_path / "weights"
    shutil.copytree(shipped_folder(), package)
    monkeypatch.setattr("hawkeye_core.tiny.shipped.shipped_folder", lambda: package)
    before = (package / LLAVA / "model.safetensors").read_bytes()
    values = {"questions": False, "steps": 1}
    for start in ("random", "shipped"):  # the second goes on from the first
        run = train_scene(settings.model_copy(update=values | {"start": start, "run": str(tmp_path / start)}))
        config = scene_task(settings).hawkeye.config
        cards = publish_scene(run, folder=package, metrics={"ap": 0.1}, config=config)
    assert [(card.name, card.steps) for card in cards] == [("hawkeye", 2)]
    assert (package / LLAVA / "model.safetensors").read_bytes() == before


def package_backbone(task):
    """Projector and language model as `backbone.base: shipped` reads them."""
    from hawkeye_core.model.backbone import load_backbone

    return load_backbone(task.hawkeye.config.base).state_dict()


def test_clear_words(places, settings, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="2 worlds and 1 stores"):
        scene_task(settings.model_copy(update={"worlds": ("a", "b")}))
    with pytest.raises(AnnotationError, match="the truth of no video"):
        stored_videos(tmp_path, places[1])
    monkeypatch.setattr("hawkeye_core.tiny.shipped.shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="tiny train scene"):
        shipped_hawkeye()
