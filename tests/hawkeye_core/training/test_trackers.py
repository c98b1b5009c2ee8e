"""Where metrics go: lines that can be cut, TensorBoard (a stand-in and for real), Weights & Biases on request."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from accelerate.state import AcceleratorState

from hawkeye_core.errors import BackendUnavailableError
from hawkeye_core.training import trackers
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.meter import TIMED
from hawkeye_core.training.run import train
from hawkeye_core.training.trackers import METRICS, Metrics, trackers_for


class FakeWriter:
    """Takes what TensorBoard's SummaryWriter would write."""

    made: list[FakeWriter]

    def __init__(self, folder: str, *, purge_step: int) -> None:
        self.folder, self.purge_step = folder, purge_step
        self.scalars: list[tuple[str, float, int]] = []
        self.closed = False
        FakeWriter.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def tensorboard(monkeypatch: pytest.MonkeyPatch) -> type[FakeWriter]:
    found = importlib.util.find_spec
    FakeWriter.made = []
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = FakeWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(
        trackers.importlib.util, "find_spec", lambda name: SimpleNamespace() if name == "tensorboard" else found(name)
    )
    return FakeWriter


def test_tensorboard_gets_the_numbers_of_every_line(settings: TrainSettings, tensorboard: type[FakeWriter]) -> None:
    run = train(settings.model_copy(update={"peak_tflops": 1.0}))
    (writer,) = tensorboard.made
    assert (writer.folder, writer.purge_step, writer.closed) == (str(run / "tensorboard"), 0, True)
    lines = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    assert lines[0].keys() >= TIMED
    wanted = {(name, line["step"]): value for line in lines for name, value in line.items()
              if name != "step" and not isinstance(value, list)}  # fmt: skip
    got = {(name, step): value for name, value, step in writer.scalars}
    assert wanted.items() <= got.items()
    assert got["expert_load/0", 3] == lines[3]["expert_load"][0]
    for line in lines[:-1]:
        for name in ("router_action", "router_object", "expert_load"):
            assert sum(line[name]) == pytest.approx(1.0)


def test_tensorboard_can_be_switched_off_or_be_missing(
    settings: TrainSettings, tensorboard: type[FakeWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(settings.model_copy(update={"tensorboard": False}))
    assert tensorboard.made == []
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    assert trackers_for(Path(), tensorboard=True, wandb="", first_step=0) == ()


def test_events_read_back_by_tensorboard_are_the_metrics_also_after_a_resume(settings: TrainSettings) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    chosen = settings.model_copy(update={"steps": 6, "checkpoint_every": 2})
    train(chosen.model_copy(update={"steps": 6}))
    run = Path(chosen.run)
    for name in ("checkpoint", "checkpoints/step-000006"):
        shutil.rmtree(run / name)  # as killed behind step 4
    (run / "run.json").write_text((run / "run.json").read_text().replace('"finished"', '"running"'))
    AcceleratorState._reset_state(reset_partial_state=True)
    train(chosen.model_copy(update={"resume": True}))
    events = accumulator.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    lines = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    read = {(event.step): event.value for event in events.Scalars("loss")}
    assert [event.step for event in events.Scalars("loss")] == list(range(6))  # no step twice
    assert read == pytest.approx({line["step"]: line["loss"] for line in lines if "loss" in line}, rel=1e-6)
    assert events.Scalars("expert_load/1")[5].value == pytest.approx(lines[5]["expert_load"][1], rel=1e-6)
    assert [event.step for event in events.Scalars("test_loss")] == [6]


def test_weights_and_biases_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"(?s)not installed.*pip install wandb"):
        trackers_for(tmp_path, tensorboard=False, wandb="hawkeye", first_step=0)
    calls: list[Any] = []
    run = SimpleNamespace(log=lambda values, step: calls.append((values, step)), finish=lambda: calls.append("end"))
    module = ModuleType("wandb")
    module.init = lambda **kwargs: calls.append(kwargs) or run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: SimpleNamespace())
    metrics = Metrics(tmp_path, trackers_for(tmp_path, tensorboard=False, wandb="hawkeye", first_step=0))
    metrics.log({"step": 4, "loss": 1.5, "expert_load": [0.25, 0.75]})
    metrics.close()
    assert calls == [
        {"project": "hawkeye", "id": tmp_path.name, "dir": str(tmp_path), "resume": "allow"},
        ({"loss": 1.5, "expert_load/0": 0.25, "expert_load/1": 0.75}, 4),
        "end",
    ]


def test_lines_behind_a_checkpoint_are_cut_off(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.log({"step": 0, "loss": 1.0})
    size = metrics.flush()
    metrics.log({"step": 1, "loss": 2.0})
    metrics.cut(size)
    metrics.log({"step": 1, "loss": 3.0})
    assert [json.loads(line)["loss"] for line in metrics.path.read_text().splitlines()] == [1.0, 3.0]
