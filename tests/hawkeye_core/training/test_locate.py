"""Which checkpoint of a run is meant, and that the evaluation takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hawkeye_core.errors import WeightsError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.run import evaluate
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.run import train


@pytest.fixture
def run(settings: TrainSettings) -> Path:
    """Four steps, evaluated at 2 and 4, checkpoints of 3 and 4 kept."""
    return train(settings.model_copy(
        update={"eval_every": 2, "eval_new_tokens": 4, "checkpoint_every": 1, "keep_last": 2, "tensorboard": False}
    ))  # fmt: skip


def test_last_best_and_names(run: Path) -> None:
    assert locate_checkpoint(run) == run / "checkpoint"
    assert locate_checkpoint(run / "checkpoint") == run / "checkpoint"
    assert locate_checkpoint(run, "best").name.startswith("best-0000")
    assert locate_checkpoint(run, "step-000003") == run / "checkpoints" / "step-000003"


@pytest.mark.parametrize("which", ["step-000009", "../checkpoint", "/etc", "..", ""])
def test_a_checkpoint_that_is_not_there_names_those_that_are(run: Path, which: str) -> None:
    with pytest.raises(WeightsError, match=r"has no checkpoint(?s:.*)there are: last, best-00000\d, step-000003"):
        locate_checkpoint(run, which)


def test_a_run_without_a_best_one_says_how_to_get_it(settings: TrainSettings, tmp_path: Path) -> None:
    run = train(settings.model_copy(update={"steps": 1, "tensorboard": False}))
    with pytest.raises(WeightsError, match=r"there are: last; `eval_every` in training keeps the best"):
        locate_checkpoint(run, "best")
    with pytest.raises(WeightsError, match=r"holds no checkpoint(?s:.*)train first"):
        locate_checkpoint(tmp_path / "none")


def test_the_evaluation_takes_the_one_that_is_asked_for(run: Path, settings: TrainSettings, tmp_path: Path) -> None:
    def result(**changes: str) -> str:
        chosen = EvalSettings(store=settings.store, annotations=settings.annotations, run=str(run),
                              out=str(tmp_path / "eval"), max_new_tokens=4, device="cpu", **changes)  # fmt: skip
        return evaluate(chosen).protocol

    assert result().endswith("; last checkpoint")
    assert result(checkpoint="best").endswith("; best checkpoint")
    (run / "checkpoints" / "step-000003" / "trainable.safetensors").write_bytes(b"broken")
    with pytest.raises(WeightsError, match="step-000003"):
        result(checkpoint="step-000003")
