"""``hawkeye tiny train scene``, ``eval scene`` and ``card scene`` as they are typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from hawkeye_core.cli.tiny import app
from hawkeye_core.errors import ConfigError
from hawkeye_core.model.saving import load_trainable
from hawkeye_core.tiny import shipped
from hawkeye_core.tiny.card import read_card
from hawkeye_core.tiny.scene_labels import LabelBook
from hawkeye_core.tiny.scene_train import SceneRunSettings, scene_task
from hawkeye_core.training.locate import FINAL

from ..tiny.drawn_store import write_world


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typed")
    world, store = write_world(folder, {"a": "train", "b": "train", "c": "test"})
    result = typed(
        "train", "scene", f"run={folder / 'run'}", f"worlds=[{world}]", f"stores=[{store}]", "questions=false",
        "steps=2", "batch=2", "longest=16", "warmup_steps=1", "held_out=1",
    )  # fmt: skip
    assert f"run: {folder / 'run'}" in result.output
    return folder / "run"


def test_a_run_is_measured_by_its_own_settings(run: Path) -> None:
    values = dict(line.split() for line in typed("eval", "scene", "--run", str(run)).output.splitlines())
    assert set(values) == {"ap", "ap_actions", "ap_relations", "ap_both"}
    assert all(0 <= float(value) <= 1 for value in values.values())


def test_a_run_keeps_its_labels_and_is_measured_on_other_videos_with_them(run: Path, tmp_path: Path) -> None:
    world, store = write_world(tmp_path, {"d": "test"} | dict.fromkeys("efghi", "train"))
    own, other = (
        scene_task(SceneRunSettings(worlds=(w,), stores=(s,), questions=False, held_out=1)).book
        for w, s in ((str(run.parent / "world"), str(run.parent / "store")), (str(world), str(store)))
    )
    assert LabelBook.read(run) == own != other  # else this would show nothing
    values = typed("eval", "scene", "--run", str(run), f"worlds=[{world}]", f"stores=[{store}]").output
    assert {line.split()[0] for line in values.splitlines()} == {"ap", "ap_actions", "ap_relations", "ap_both"}


def test_a_run_begins_with_another_one_whatever_its_labels(run: Path, tmp_path: Path) -> None:
    world, store = write_world(tmp_path, {"d": "test"} | dict.fromkeys("efghi", "train"))
    settings = SceneRunSettings(worlds=(str(world),), stores=(str(store),), questions=False, held_out=1, start=str(run))
    task = scene_task(settings)
    assert task.book != LabelBook.read(run)
    begun = load_trainable(run / FINAL)
    own, theirs = task.hawkeye.state_dict(), begun.state_dict()
    assert all(torch.equal(own[name], theirs[name]) for name in own if "scene" in name)
    assert sum("scene" in name for name in own) > 20
    new = scene_task(settings.model_copy(update={"start": "random"})).hawkeye.state_dict()
    assert any(not torch.equal(new[name], theirs[name]) for name in new if "scene" in name)


@pytest.mark.parametrize("content", ["{", "[]", '{"actions": []}'])
def test_damaged_labels_are_named(tmp_path: Path, content: str) -> None:
    assert LabelBook.read(tmp_path) is None
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(ConfigError, match=r"labels.json.*these are no labels"):
        LabelBook.read(tmp_path)


def test_a_card_says_what_was_measured_and_the_weights_lie_beside_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "weights"
    shutil.copytree(shipped.shipped_folder() / shipped.LLAVA, package / shipped.LLAVA)
    monkeypatch.setattr(shipped, "shipped_folder", lambda: package)
    output = typed("card", "scene", "--run", str(run)).output
    card = read_card(package / f"{shipped.HAWKEYE}.json")
    assert card.steps == 2
    assert set(card.metrics) == {"ap", "ap_actions", "ap_relations", "ap_both"}
    assert "the language model as it was" in output
    assert (package / shipped.HAWKEYE / "config.json").is_file()


def test_a_card_counts_the_runs_that_a_run_began_with(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "weights"
    shutil.copytree(shipped.shipped_folder() / shipped.LLAVA, package / shipped.LLAVA)
    monkeypatch.setattr(shipped, "shipped_folder", lambda: package)
    world, store = run.parent / "world", run.parent / "store"
    typed(
        "train", "scene", f"run={tmp_path / 'on'}", f"worlds=[{world}]", f"stores=[{store}]", "questions=false",
        f"start={run}", "steps=3", "batch=2", "longest=16", "warmup_steps=1", "held_out=1",
    )  # fmt: skip
    typed("card", "scene", "--run", str(tmp_path / "on"))
    card = read_card(package / f"{shipped.HAWKEYE}.json")
    assert (card.steps, card.samples) == (5, 10)
