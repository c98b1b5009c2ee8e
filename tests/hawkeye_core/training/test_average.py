"""The mean of runs: its numbers, what it refuses, and that it is a run like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from hawkeye_core.cli.model import app
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.model.saving import TRAINABLE
from hawkeye_core.training.average import average_runs, mean_state
from hawkeye_core.training.checkpoint import load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import FINAL
from hawkeye_core.training.record import RECORD, read_record

from .test_resume import run_with


@pytest.fixture
def runs(settings: TrainSettings, tmp_path: Path) -> list[Path]:
    """Three runs of two steps that begin with one, with an order of their own each."""
    short = settings.model_copy(update={"steps": 2, "tensorboard": False, "lr": 1e-2})
    begun = run_with(short.model_copy(update={"run": str(tmp_path / "start")}))
    return [
        run_with(short.model_copy(update={"run": str(tmp_path / f"seed{seed}"), "seed": seed, "start": str(begun)}))
        for seed in (1, 2, 3)
    ]


def test_every_number_is_the_mean_and_the_run_can_be_used(runs: list[Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["average", *map(str, runs), "--out", str(tmp_path / "mean")])
    assert done.exit_code == 0, done.output
    states = [load_file(run / FINAL / TRAINABLE) for run in runs]
    found = load_file(tmp_path / "mean" / FINAL / TRAINABLE)
    moved = 0
    for name, value in found.items():
        expected = sum(state[name].double() for state in states) / 3
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-7)
        moved += not torch.equal(value, states[0][name])
    assert moved > 10
    model, tokenizer = load_checkpoint(tmp_path / "mean" / FINAL)
    assert len(tokenizer) > 0
    assert torch.equal(dict(model.named_parameters())[name].cpu(), found[name])
    record = read_record(tmp_path / "mean")
    assert record.status == "finished"
    assert record.steps == 6
    assert [key for key in record.inputs if key.startswith("averaged")] == ["averaged 1", "averaged 2", "averaged 3"]
    assert record.settings["run"] == str(tmp_path / "mean")
    line = json.loads((tmp_path / "mean" / "metrics.jsonl").read_text())
    rows = [row for run in runs for row in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())]
    spent = sum(row.get("seconds", 0) for row in rows)
    assert line == {"step": 6, "averaged": 3, "seconds": pytest.approx(spent, abs=0.2)}


def test_an_average_begins_another_training(runs: list[Path], settings: TrainSettings, tmp_path: Path) -> None:
    mean = average_runs(runs[:2], tmp_path / "mean")
    run = run_with(settings.model_copy(update={"run": str(tmp_path / "on"), "steps": 1, "start": str(mean)}))
    assert read_record(run).status == "finished"


def test_runs_that_cannot_be_averaged_are_refused(runs: list[Path], tmp_path: Path) -> None:
    def changed(**values: object) -> Path:
        record = json.loads((runs[2] / RECORD).read_text())
        (runs[2] / RECORD).write_text(json.dumps(record | values))
        return runs[2]

    with pytest.raises(ConfigError, match="two runs at least"):
        average_runs(runs[:1], tmp_path / "mean")
    record = json.loads((runs[2] / RECORD).read_text())
    with pytest.raises(ConfigError, match="is stopped"):
        average_runs([*runs[:2], changed(status="stopped")], tmp_path / "mean")
    changed(status="finished")
    with pytest.raises(ConfigError, match="differs from the first run in start, features"):
        average_runs([runs[0], changed(inputs={}, fingerprints={})], tmp_path / "mean")
    changed(**record)
    state = load_file(runs[2] / FINAL / TRAINABLE)
    name = sorted(state)[0]
    save_file({k: v for k, v in state.items() if k != name}, runs[2] / FINAL / TRAINABLE)
    with pytest.raises(WeightsError, match=f"1 tensors are not those of .*{name}"):
        average_runs(runs, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_half_precision_is_summed_in_float32(tmp_path: Path) -> None:
    for number, value in enumerate((2048.0, 1.0, 1.0, 1.0)):  # in half precision 2048 + 1 is 2048
        save_file({"a": torch.tensor([value], dtype=torch.float16)}, tmp_path / f"{number}.safetensors")
    found = mean_state(sorted(tmp_path.glob("*.safetensors")))["a"]
    assert found.dtype == torch.float16
    assert found.item() == pytest.approx(512.75, abs=0.5)
