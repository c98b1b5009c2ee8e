"""``hawkeye tiny``: what it lists, cards it prints, what it measures, and what it says where there is nothing."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from hawkeye_core.cli.tiny import app
from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny import relation_task
from hawkeye_core.tiny import shipped as shipped_module
from hawkeye_core.tiny.card import publish
from hawkeye_core.tiny.checkpoint import BEST
from hawkeye_core.tiny.held_out import held_out_frames


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package without weights."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(shipped_module, "shipped_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("verb", ["train", "eval", "card"])
def test_each_verb_lists_both_detectors(verb):
    text = CliRunner().invoke(app, [verb, "--help"]).output
    assert "pose" in text
    assert "relations" in text


def test_cards_are_printed_all_or_by_name(package, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / BEST)
    record = {"steps": 1, "samples": 8, "minutes": 0.5, "parameters": 1, "settings": {"start": "random", "seed": 0}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    publish("pose", tmp_path, folder=package, metrics={"ap": 0.25}, data="[drawn] people")
    publish("relations", tmp_path, folder=package, metrics={"r20": 0.125}, data="drawn things")
    both = CliRunner().invoke(app, ["cards"]).output
    assert "# pose" in both
    assert "# relations" in both
    one = CliRunner().invoke(app, ["cards", "pose"]).output
    assert "[drawn] people" in one
    assert "# relations" not in one


def test_untrained_relations_are_measured_on_held_out_frames():
    result = CliRunner().invoke(app, ["eval", "relations", "--weights", "untrained", "--frames", "2"])
    assert result.exit_code == 0, result.output
    values = {name: float(value) for name, value in (line.split() for line in result.output.splitlines())}
    assert set(values) == {"r20", "r50", "ap50", "frames"}
    assert values["frames"] == 2
    assert all(0 <= values[name] <= 1 for name in ("r20", "r50", "ap50"))


def test_without_shipped_weights_the_error_says_how_to_train_them(package):
    result = CliRunner().invoke(app, ["eval", "relations"])
    assert isinstance(result.exception, WeightsError)
    assert "hawkeye tiny train relations" in str(result.exception)


def test_relations_are_trained_measured_and_published_from_the_command_line(package, tmp_path, monkeypatch):
    few = held_out_frames(2)
    monkeypatch.setattr(relation_task, "held_out_frames", lambda count: few)
    run = tmp_path / "run"
    trained = CliRunner().invoke(app, ["train", "relations", "steps=1", "batch=2", f"run={run}"])
    assert trained.exit_code == 0, trained.output
    assert (run / BEST).is_file()
    published = CliRunner().invoke(app, ["card", "relations", "--run", str(run), "--frames", "2"])
    assert published.exit_code == 0, published.output
    card = json.loads((package / "relations.json").read_text())
    assert card["steps"] == 1
    assert set(card["metrics"]) == {"r20", "r50", "ap50", "frames"}
    measured = CliRunner().invoke(app, ["eval", "relations", "--frames", "2"])  # the published weights load again
    assert measured.exit_code == 0, measured.output
