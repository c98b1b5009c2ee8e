"""FSDP2 over two processes: the run of one process, resumed bit for bit, and a checkpoint that one process reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType
from safetensors.torch import load_file

from hawkeye_core.errors import ConfigError
from hawkeye_core.training import run_state
from hawkeye_core.training.checkpoint import WEIGHTS, load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import CHECKPOINT
from hawkeye_core.training.meter import TIMED
from hawkeye_core.training.model_settings import LoraSettings
from hawkeye_core.training.record import read_record
from hawkeye_core.training.sharding import check_launch, load_optimizer, whole_optimizer, whole_weights
from hawkeye_core.training.stop import TRIGGER
from hawkeye_core.training.trainer import Trainer

ROOT = Path(__file__).parents[3]
SHARDED = Path(__file__).with_name("sharded.py")
FSDP2 = ROOT / "hawkeye_core" / "training" / "accelerate" / "fsdp2.yaml"


def environment() -> dict[str, str]:
    """What `accelerate launch --config_file fsdp2.yaml` sets, but for the GPUs."""
    chosen = yaml.safe_load(FSDP2.read_text())["fsdp_config"]
    chosen["fsdp_transformer_cls_to_wrap"] = chosen.pop("fsdp_transformer_layer_cls_to_wrap")
    named = {name.upper(): str(value).lower() if isinstance(value, bool) else str(value)
             for name, value in chosen.items()}  # fmt: skip
    return os.environ | named | {"ACCELERATE_USE_FSDP": "true", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def launch(config: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(SHARDED),
         f"--config={config}", *arguments],
        cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def done(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=150)
    assert process.returncode == 0, output


def lines(run: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMED} for line in found]


@pytest.mark.slow
@pytest.mark.parametrize("lora", [None, LoraSettings(rank=2, alpha=8, dropout=0.0)], ids=["all", "lora"])
def test_two_processes_that_share_the_weights_train_and_resume_as_one(
    settings: TrainSettings, tmp_path: Path, lora: LoraSettings | None
) -> None:
    chosen = settings.model_copy(
        update={"steps": 8, "batch_size": 8, "accumulate": 2, "lr": 1e-3, "checkpoint_every": 2, "eval_every": 4,
                "eval_new_tokens": 8, "window_frames": 20, "hop_frames": 8, "tensorboard": False, "lora": lora,
                "device": "auto", "gradient_checkpointing": lora is not None}
    )  # fmt: skip
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(chosen.model_dump(mode="json")))
    one, two, killed = (tmp_path / name for name in ("one", "two", "killed"))
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(chosen.model_copy(update={"run": str(one), "device": "cpu"}))
    trainer.setup()
    trainer.train()
    done(launch(config, f"run={two}"))

    for first, second in zip(lines(one), lines(two), strict=True):  # the test videos have unequally many windows
        assert first.keys() == second.keys()
        for key in {"loss", "lm_loss", "balance_loss", "test_loss", "grad_norm"} & first.keys():
            assert second[key] == pytest.approx(first[key], rel=2e-5), (first["step"], key)
    assert read_record(two).processes == 2
    a, b = (load_file(run / CHECKPOINT / WEIGHTS) for run in (one, two))
    assert {name: tensor.shape for name, tensor in a.items()} == {name: tensor.shape for name, tensor in b.items()}
    model, _ = load_checkpoint(two / CHECKPOINT)
    assert all(torch.equal(b[name], p) for name, p in model.named_parameters() if name in b)

    if lora is None:
        return  # a resume takes half a minute; the one with adapters has all that this one has
    process = launch(config, f"run={killed}")
    metrics = killed / "metrics.jsonl"
    while process.poll() is None and (not metrics.exists() or metrics.read_bytes().count(b"\n") < 3):
        time.sleep(0.005)
    (killed / TRIGGER).touch()
    done(process)
    assert read_record(killed).status == "stopped"
    assert 2 < int(run_state.checkpoints_of(killed)[-1].name[-6:]) < 8
    done(launch(config, f"run={killed}", "resume=true"))
    assert lines(killed) == lines(two)
    assert (killed / CHECKPOINT / WEIGHTS).read_bytes() == (two / CHECKPOINT / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("kind", "plugin", "words"),
    [
        (DistributedType.FSDP, SimpleNamespace(fsdp_version=1), r"not run under FSDP(?s:.*)fsdp2\.yaml"),
        (DistributedType.DEEPSPEED, None, r"not run under DEEPSPEED(?s:.*)fsdp2\.yaml"),
        (DistributedType.FSDP, SimpleNamespace(fsdp_version=2, cpu_ram_efficient_loading=True), "unread"),
    ],
)
def test_what_has_not_been_run_is_refused(kind: DistributedType, plugin: Any, words: str) -> None:
    accelerator = SimpleNamespace(distributed_type=kind, state=SimpleNamespace(fsdp_plugin=plugin))
    with pytest.raises(ConfigError, match=words):
        check_launch(accelerator)  # type: ignore[arg-type]


def test_without_sharding_nothing_is_gathered() -> None:
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(2)).sum().backward()
    optimizer.step()
    state = whole_optimizer(optimizer)
    assert state["state"][0]["exp_avg"] is optimizer.state_dict()["state"][0]["exp_avg"]
    other = torch.optim.AdamW(layer.parameters())
    load_optimizer(other, state)
    assert torch.equal(other.state_dict()["state"][1]["exp_avg_sq"], state["state"][1]["exp_avg_sq"])
    with whole_weights(layer):
        assert type(layer.weight) is torch.nn.Parameter
