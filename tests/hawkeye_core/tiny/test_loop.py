"""The loop: it learns, stops and resumes exactly, keeps averages, starts from given weights."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.tiny.average import RunningAverage
from hawkeye_core.tiny.card import best_metrics
from hawkeye_core.tiny.checkpoint import BEST, LAST, METRICS, load_checkpoint
from hawkeye_core.tiny.config import LoopSettings
from hawkeye_core.tiny.loop import train


class SumTask:
    """Learn the sum of four numbers, with dropout and batch norm so that generators and statistics matter."""

    name = "pose"
    measure = "minus_error"

    def __init__(self, stop_at: int | None = None, stop_file=None) -> None:
        torch.manual_seed(5)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Linear(8, 1))
        self.steps, self.stop_at, self.stop_file = 0, stop_at, stop_file

    def batches(self, seed, start):
        number = start
        while True:
            x = torch.randn(16, 4, generator=torch.Generator().manual_seed(1000 * seed + number))
            yield {"x": x, "y": x.sum(1, keepdim=True)}
            number += 1

    def losses(self, batch):
        self.steps += 1
        if self.steps == self.stop_at:
            self.stop_file.touch()
        return {"squared": (self.model(batch["x"]) - batch["y"]).square().mean()}

    def evaluate(self):
        assert not self.model.training
        batch = next(self.batches(99, 0))
        return {"minus_error": -float((self.model(batch["x"]) - batch["y"]).square().mean())}


def settings(run, **values):
    return LoopSettings(
        **({"run": str(run), "steps": 60, "lr": 0.02, "warmup_steps": 5, "eval_every": 20, "log_every": 5} | values)
    )


def rows(run):
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def test_it_learns_and_leaves_weights_metrics_and_a_record(tmp_path):
    task = SumTask()
    run = train(task, settings(tmp_path / "run"))
    evaluations = [row["eval"]["minus_error"] for row in rows(run) if "eval" in row]
    assert len(evaluations) == 3
    assert evaluations[-1] > evaluations[0]
    losses = [row["loss"] for row in rows(run) if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["steps"], record["samples"]) == ("finished", 60, 960)
    last, state = load_file(run / LAST), task.model.state_dict()
    assert all(torch.equal(last[name], value) for name, value in state.items())
    assert (run / BEST).is_file()
    assert best_metrics(run) == {"minus_error": max(evaluations)}


def test_a_stopped_and_resumed_run_equals_an_undisturbed_one(tmp_path):
    whole = train(SumTask(), settings(tmp_path / "whole"))
    broken = tmp_path / "broken"
    train(SumTask(stop_at=33, stop_file=broken / "STOP"), settings(broken))
    assert json.loads((broken / "run.json").read_text())["status"] == "stopped"
    assert load_checkpoint(broken)["step"] == 33
    train(SumTask(), settings(broken, resume=True))
    for name, value in load_file(whole / LAST).items():
        assert torch.equal(value, load_file(broken / LAST)[name]), name
    assert [r["step"] for r in rows(whole) if "eval" in r] == [r["step"] for r in rows(broken) if "eval" in r]


def test_a_run_starts_from_given_weights(tmp_path):
    first = train(SumTask(), settings(tmp_path / "a"))
    second = train(SumTask(), settings(tmp_path / "b", start=str(first / LAST), steps=5, lr=1e-3, warmup_steps=0))
    assert rows(second)[0]["loss"] < 0.5 * rows(first)[0]["loss"]


def test_minutes_end_a_run_at_a_rate_of_nearly_nothing(tmp_path):
    run = train(SumTask(), settings(tmp_path / "run", steps=10**9, minutes=0.01, log_every=1))
    rates = [row["lr"] for row in rows(run) if "lr" in row]
    assert rates[-1] < 0.2 * max(rates)


def test_nothing_to_resume_and_a_loss_that_is_no_number(tmp_path):
    with pytest.raises(WeightsError, match="no checkpoint to go on from"):
        train(SumTask(), settings(tmp_path / "none", resume=True))
    task = SumTask()
    task.losses = lambda batch: {"bad": task.model(batch["x"]).mean() * torch.nan}
    with pytest.raises(ConfigError, match="the loss is nan at step 0"):
        train(task, settings(tmp_path / "run"))


def test_running_average_equals_a_literal_loop():
    torch.manual_seed(0)
    model = nn.BatchNorm1d(3)
    average = RunningAverage(model, decay=0.5)
    wanted = model.weight.detach().clone()
    for n in range(6):
        with torch.no_grad():
            model.weight.add_(torch.randn(3))
            model.num_batches_tracked.add_(1)
        decay = min(0.5, (1 + n) / (10 + n))
        wanted = decay * wanted + (1 - decay) * model.weight.detach()
        average.update()
    torch.testing.assert_close(average.state["weight"], wanted)
    assert average.state["num_batches_tracked"] == 6
    own = model.weight.detach().clone()
    with average.in_place():
        torch.testing.assert_close(model.weight.detach(), wanted)
        assert not model.training
    assert torch.equal(model.weight, own)
    assert model.training
