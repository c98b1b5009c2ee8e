"""A finished run into the package, with a card that says how it was evaluated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hawkeye_core.errors import WeightsError
from hawkeye_core.model.saving import TRAINABLE
from hawkeye_core.tiny.answers_card import publish_answers
from hawkeye_core.tiny.card import read_card
from hawkeye_core.tiny.shipped import ANSWERS, PLAIN
from hawkeye_core.training.record import RECORD

from ..ground.conftest import GroundRun, ground_run  # noqa: F401 - a fixture


@pytest.fixture
def run(ground_run: GroundRun, tmp_path: Path) -> Path:  # noqa: F811
    """As if it had been trained on the package's Video-LLaVA."""
    copy = tmp_path / "run"
    shutil.copytree(ground_run.run, copy)
    config = copy / "checkpoint" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base": "shipped"}))
    return copy


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    rows = [
        {"name": name, "fnr": f2 / 2, "f2": f2, "precision": None, "recall": 0.5, "mean_ap": {"mean": f2 / 4}}
        for name, f2 in (("Hawkeye", 0.5), ("random 1 s clips", 0.1), ("all positive", 0.4))
    ]
    folder = tmp_path / "eval"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"rows": rows}))
    return folder


def test_weights_tokenizer_and_card(run: Path, evaluation: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    card = publish_answers(run, evaluation, folder=package)
    stored = load_file(package / ANSWERS / TRAINABLE)
    for name, value in load_file(run / "checkpoint" / TRAINABLE).items():
        torch.testing.assert_close(stored[name].float(), value, atol=2e-3, rtol=2e-3)
    assert {"config.json", "tokenizer.json", TRAINABLE} <= {path.name for path in (package / ANSWERS).iterdir()}
    assert (card.steps, card.samples) == (60, 60)
    assert card.metrics == {
        "fnr": 0.25, "f2": 0.5, "recall": 0.5, "map": 0.125,
        "all_positive_fnr": 0.2, "all_positive_f2": 0.4, "all_positive_recall": 0.5, "all_positive_map": 0.1,
    }  # fmt: skip
    assert read_card(package / f"{ANSWERS}.json") == card


def test_one_without_scene_modules_stands_beside_it(run: Path, evaluation: Path, tmp_path: Path) -> None:
    config = run / "checkpoint" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"scene": False}))
    card = publish_answers(run, evaluation, folder=tmp_path / "package")
    assert card.name == PLAIN
    assert "without scene modules" in card.data
    assert (tmp_path / "package" / PLAIN / TRAINABLE).is_file()
    assert not (tmp_path / "package" / ANSWERS).exists()


def test_the_steps_of_stage_1_before_it_count_as_well(run: Path, evaluation: Path, tmp_path: Path) -> None:
    first = tmp_path / "stage1"
    shutil.copytree(run, first)
    record = json.loads((run / RECORD).read_text())
    record["settings"]["start"] = str(first)
    (run / RECORD).write_text(json.dumps(record))
    card = publish_answers(run, evaluation, folder=tmp_path / "package")
    assert (card.steps, card.samples) == (120, 120)


def test_so_do_those_of_a_run_of_scene_modules(run: Path, evaluation: Path, tmp_path: Path) -> None:
    scene = tmp_path / "scene"
    scene.mkdir()
    counted = {"steps": 7, "samples": 56, "minutes": 1.5, "hardware": "one thread"}
    (scene / RECORD).write_text(json.dumps(counted | {"task": "hawkeye", "settings": {"start": "random"}}))
    record = json.loads((run / RECORD).read_text())
    record["settings"]["start"] = str(scene)
    (run / RECORD).write_text(json.dumps(record))
    card = publish_answers(run, evaluation, folder=tmp_path / "package")
    assert (card.steps, card.samples) == (67, 116)


def test_what_cannot_answer_on_the_packages_video_llava_is_refused(
    ground_run: GroundRun, run: Path, evaluation: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    with pytest.raises(WeightsError, match=r"backbone\.base=shipped"):
        publish_answers(ground_run.run, evaluation, folder=tmp_path / "package")
    with pytest.raises(WeightsError, match="was not evaluated"):
        publish_answers(run, tmp_path, folder=tmp_path / "package")
    assert not (tmp_path / "package").exists()
