"""Weights (FSDP2) or optimiser (ZeRO-2) shared among two processes over gloo, against a whole model in one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from hawkeye_core.errors import BackendUnavailableError, ConfigError
from hawkeye_core.training import run_state, sharding
from hawkeye_core.training.checkpoint import WEIGHTS, load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import CHECKPOINT
from hawkeye_core.training.meter import TIMED
from hawkeye_core.training.model_settings import LoraSettings
from hawkeye_core.training.record import read_record
from hawkeye_core.training.stop import TRIGGER
from hawkeye_core.training.trainer import Trainer

from .processes import FSDP2, ROOT, ZERO2, Started, launch, launched, start, wait_for_lines

FIRST_STEP = str(ROOT / "tests/hawkeye_core/training/first_step.py")
with_deepspeed = pytest.mark.skipif(importlib.util.find_spec("deepspeed") is None, reason="DeepSpeed is not installed")


def ended(process: Started | subprocess.Popen[str]) -> None:
    """Well."""
    if isinstance(process, Started):
        process.ended()
    else:
        output = launched(process)
        assert output.endswith("exit code 0"), output


def whole_model(settings: TrainSettings) -> Trainer:
    """Of this process alone."""
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(settings)
    trainer.setup()
    return trainer


def lines(run: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMED} for line in found]


@pytest.fixture
def shared(settings: TrainSettings) -> TrainSettings:
    """Two layers, batches of eight in two pieces, evaluated at the beginning of an epoch and at the end, on a video of
    three windows in one process and one of two in the other."""
    return settings.model_copy(
        update={"steps": 6, "batch_size": 8, "accumulate": 2, "lr": 1e-3, "checkpoint_every": 3, "eval_every": 3,
                "eval_new_tokens": 8, "window_frames": 20, "hop_frames": 8, "tensorboard": False,
                "backbone": settings.backbone.model_copy(update={"layers": 2})}
    )  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(settings: TrainSettings, name: str = "config.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
        return path

    return to_file


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """This process stands where a launcher's only process would."""
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()
    AcceleratorState._reset_state(reset_partial_state=True)


ON_BF16 = {"lora": LoraSettings(rank=4, dropout=0.0), "gradient_checkpointing": True, "precision": "bf16"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "change", "tolerance"),
    [
        (FSDP2, {}, 1e-6),
        pytest.param(FSDP2, ON_BF16, 5e-3, marks=pytest.mark.long),
        pytest.param(ZERO2, {}, 1e-6, marks=with_deepspeed),
        pytest.param(ZERO2, ON_BF16, 5e-3, marks=with_deepspeed),
    ],
    ids=["fsdp2-all-in-float32", "fsdp2-adapters-on-bf16", "zero2-all-in-float32", "zero2-adapters-on-bf16"],
)
def test_losses_and_gradients_are_those_of_a_whole_model(
    shared: TrainSettings,
    write: Callable[..., Path],
    tmp_path: Path,
    way: Path,
    change: dict[str, Any],
    tolerance: float,
) -> None:
    quiet = tmp_path / "one-test-video.jsonl"  # the second process has nothing to evaluate
    quiet.write_text("".join(Path(shared.annotations).read_text().splitlines(keepends=True)[:2]))
    settings = shared.model_copy(update={**change, "annotations": str(quiet), "max_grad_norm": 1e9})
    out = tmp_path / "found.pt"
    step = (str(write(settings)), str(out))
    if way == FSDP2:
        start(*step, module=FIRST_STEP, way=way).ended()
    else:
        output = launched(launch(way, *step, module=FIRST_STEP))
        assert out.exists(), output
    found = torch.load(out, weights_only=False)
    trainer = whole_model(settings.model_copy(update={"run": settings.run + "-one"}))
    before = trainer.evaluate()
    gradients: dict[str, torch.Tensor] = {}

    def keep(optimizer: object, args: object, kwargs: object) -> None:
        gradients.update({n: p.grad.clone() for n, p in trainer.bare.named_parameters() if p.grad is not None})

    trainer.optimizer.optimizer.register_step_pre_hook(keep)
    values = trainer.step(*trainer._next(iter(trainer._loader())))
    for name in ("loss", "lm_loss", "balance_loss", "grad_norm"):
        assert found["values"][name] == pytest.approx(values[name], rel=tolerance), name
    assert found["before"] == pytest.approx(before, rel=tolerance)
    assert found["after"] == pytest.approx(trainer.evaluate(), rel=tolerance)
    assert not found["gradients"] or found["gradients"].keys() == gradients.keys()
    assert found["gradients"] or way == ZERO2  # they lie in its buffers; their norm and what they changed is above
    for name, gradient in gradients.items() if way == FSDP2 else ():
        assert found["gradients"][name].dtype == torch.float32
        difference = (found["gradients"][name] - gradient).norm() / (gradient.norm() + 1e-9 * values["grad_norm"])
        assert difference <= 10 * tolerance or gradient.norm() <= 1e-6 * values["grad_norm"], name
    mine, every = found["held"]
    assert every / 2 <= mine < 0.6 * every


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "name"),
    [pytest.param(FSDP2, "fsdp2", marks=pytest.mark.long), pytest.param(ZERO2, "zero2", marks=with_deepspeed)],
    ids=["fsdp2", "zero2"],
)
def test_shared_models_train_stop_and_resume_as_one(
    shared: TrainSettings, write: Callable[..., Path], tmp_path: Path, way: Path, name: str
) -> None:
    config = write(shared)
    one, two, part = whole_model(shared).train(), tmp_path / "two", tmp_path / "part"
    train = ("train", "--config", str(config), "--run")
    ended(launch(way, *train, str(two)))
    assert len(lines(two)) == 8
    for first, second in zip(lines(one), lines(two), strict=True):
        for key in {"loss", "lm_loss", "balance_loss", "test_loss", "grad_norm"} & first.keys():
            assert second[key] == pytest.approx(first[key], rel=1e-5), (first["step"], key)
    record = read_record(two)
    assert (record.processes, record.weights) == (2, name)

    begin = launch if way == ZERO2 else lambda way, *arguments: start(*arguments, way=way)
    process = begin(way, *train, str(part))
    wait_for_lines(process, part, 1)
    (part / TRIGGER).touch()
    ended(process)
    assert read_record(part).status == "stopped"
    assert 1 <= int(run_state.checkpoints_of(part)[-1].name[-6:]) < 6
    with pytest.raises(ConfigError, match=rf"start it with 2 processes \(`accelerate launch.*`\) and {way.name}"):
        whole_model(shared.model_copy(update={"run": str(part), "resume": True}))
    ended(begin(way, "train", "--run", str(part), "--resume"))
    assert lines(part) == lines(two)
    assert (part / CHECKPOINT / WEIGHTS).read_bytes() == (two / CHECKPOINT / WEIGHTS).read_bytes()
    last, same = (
        torch.load(run_state.checkpoints_of(run)[-1] / run_state.OPTIMIZER, weights_only=True) for run in (two, part)
    )
    assert repr(last["rng"]) == repr(same["rng"])
    for key, values in last["optimizer"]["state"].items():
        assert all(torch.equal(value, same["optimizer"]["state"][key][name]) for name, value in values.items())

    model, _ = load_checkpoint(two / CHECKPOINT)  # in this one process
    single = load_file(one / CHECKPOINT / WEIGHTS)
    sharded = dict(model.named_parameters())
    assert sharded.keys() == single.keys()
    # Sums of gradients round otherwise in two processes, which Adam's first steps enlarge.
    assert max((sharded[name] - value).abs().max().item() for name, value in single.items()) <= 4e-4


@pytest.mark.parametrize(
    ("values", "place"),
    [({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}, sharding.FSDP2), ({}, sharding.WHOLE)],
    ids=["fsdp2", "whole"],
)
def test_a_model_stays_shared_whoever_asks_accelerate_for_its_state(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, placed: None, values: dict[str, str], place: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    trainer = Trainer(settings)
    AcceleratorState()  # libraries do so; it begins with what the partial state holds
    assert sharding.place_of_weights(trainer.accelerator) == place


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}, "zero_stage is 3",
                     marks=with_deepspeed),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "1"}, "fsdp_version is not 2"),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
          "FSDP_ACTIVATION_CHECKPOINTING": "true"}, "fsdp_cpu_ram_efficient_loading is on.*; fsdp_activation_check"),
    ],
)  # fmt: skip
def test_other_ways_to_share_a_model_are_refused(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, placed: None, values: dict[str, str], message: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"(?s){message}.*remedy: start it with .*fsdp2.yaml"):
        Trainer(settings)
    assert not Path(settings.run).exists()


def test_without_deepspeed_the_remedy_is_named(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setattr("hawkeye_core.training.zero.find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"(?s)DeepSpeed is not installed.*pip install.*fsdp2.yaml"):
        Trainer(settings)
