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


def test_the_papers_hyper_parameters_of_stage_2() -> None:
    s = load_settings(TrainSettings, config="paper-7b-stage2", package=PACKAGE)
    assert (s.epochs, s.steps, s.batch_size, s.lr, s.warmup_ratio) == (1, None, 8, 2e-5, 0.03)
    assert (s.precision, s.model.lambda_bc, s.model.tau) == ("bf16", 0.2, 0.07)
    assert (s.model.experts, s.model.expert_layers, s.model.graph_layers) == (2, 8, 2)
    assert (s.model.importance, s.model.cv, s.model.edges) == ("softmax", "printed", "undirected")
    assert (s.model.velocity, s.model.video_residual) == (False, False)
    assert (s.backbone.hidden_size, s.backbone.layers, s.backbone.heads) == (4096, 32, 32)
    assert (s.window_frames, s.hop_frames) == (512, 384)
    assert s.total_steps(1001) == 126


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_every_configuration(path: Path) -> None:
    config = load_config_from_file(str(path))
    assert config.num_processes == 2
    assert yaml.safe_load(path.read_text())["mixed_precision"] == "no"
