"""Presets: the paper's hyper-parameters to the digit, and accelerate's configuration files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file

from hawkeye_core.settings import load_settings
from hawkeye_core.training.config import TrainSettings

PACKAGE = "hawkeye_core.training"
FOLDER = Path(__file__).parents[3] / "hawkeye_core" / "training" / "accelerate"


@pytest.mark.parametrize("preset", ["paper-7b-stage1", "paper-7b-stage2"])
def test_the_papers_hyper_parameters_of_both_stages(preset: str) -> None:
    s = load_settings(TrainSettings, config=preset, package=PACKAGE)
    assert (s.epochs, s.steps, s.batch_size, s.lr, s.warmup_ratio) == (1, None, 8, 2e-5, 0.03)
    assert (s.precision, s.model.lambda_bc, s.model.tau) == ("bf16", 0.2, 0.07)
    assert s.lora is not None
    assert (s.lora.rank, s.lora.alpha, s.lora.dropout) == (16, 64, 0.05)
    assert (s.backbone.base, s.backbone.dtype) == ("LanguageBind/Video-LLaVA-7B-hf", "auto")
    assert not s.backbone.four_bit
    assert (s.model.experts, s.model.expert_layers, s.model.graph_layers) == (2, 8, 2)
    assert (s.model.importance, s.model.cv, s.model.edges) == ("softmax", "printed", "undirected")
    assert (s.model.velocity, s.model.video_residual) == (False, False)
    assert (s.model.asg, s.model.org, s.model.moe, s.model.scene) == (True, True, True, True)
    assert s.total_steps(1001) == 126


def test_what_differs_between_the_stages_of_the_paper() -> None:
    first, second = (load_settings(TrainSettings, config=f"paper-7b-stage{n}", package=PACKAGE) for n in (1, 2))
    assert first.stage1 is not None
    assert first.stage1.pairing == "joint"
    assert first.start_of == ""
    assert second.stage1 is None
    assert (second.window_frames, second.hop_frames) == (512, 384)
    assert second.start_of == "work/runs/stage1"  # where `make train-stage1` writes
    assert second.model_copy(update={"pretuned": False}).start_of == ""
    assert (first.backbone, first.lora, first.model) == (second.backbone, second.lora, second.model)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_every_configuration(path: Path) -> None:
    config = load_config_from_file(str(path))
    assert config.num_processes == 2
    assert yaml.safe_load(path.read_text())["mixed_precision"] == "no"
