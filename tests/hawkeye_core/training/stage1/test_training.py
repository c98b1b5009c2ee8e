"""Stage 1 through the trainer, and its weights as the beginning of stage 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from feature_store.store import FeatureStore
from hawkeye_core.errors import AnnotationError, ConfigError, WeightsError
from hawkeye_core.training.checkpoint import WEIGHTS
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import CHECKPOINT
from hawkeye_core.training.meter import TIMED
from hawkeye_core.training.model_settings import SceneSettings
from hawkeye_core.training.record import read_record
from hawkeye_core.training.stage1.config import Stage1Settings
from hawkeye_core.training.stop import StopSignal
from hawkeye_core.training.trainer import Trainer

from .conftest import MOTIONS, REGIONS, WriteRows


class StopAfter(StopSignal):
    """Asks to stop at the n-th time it is looked at."""

    def __init__(self, run: str, looks: int) -> None:
        super().__init__(run)
        self.looks = looks

    def asked(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def run_with(settings: TrainSettings, stop: StopSignal | None = None) -> Path:
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(settings, stop)
    trainer.setup()
    return trainer.train()


def lines(run: Path) -> list[dict[str, object]]:
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMED} for line in found]


@pytest.fixture
def stage1(settings: TrainSettings, store: FeatureStore, write_rows: WriteRows, tmp_path: Path) -> TrainSettings:
    """Five regions and two motions to train on, two and one to test; two and a half epochs."""
    held_out = [row | {"split": "test"} for row in REGIONS[:2]]
    regions = write_rows("regions.jsonl", [*REGIONS, *held_out])
    motions = write_rows("motions.jsonl", [*MOTIONS, MOTIONS[0] | {"split": "test"}])
    return settings.model_copy(
        update={"store": store.url, "steps": 6, "run": str(tmp_path / "one"), "tensorboard": False,
                "stage1": Stage1Settings(regions=str(regions), motions=str(motions))}
    )  # fmt: skip


def test_stage_1_trains_and_says_what_it_was_made_of(stage1: TrainSettings) -> None:
    run = run_with(stage1.model_copy(update={"steps": 40, "lr": 1e-2, "eval_every": 20}))
    found = lines(run)
    losses = [line["lm_loss"] for line in found if "lm_loss" in line]
    assert losses[-1] < 0.7 * losses[0]
    assert [line["step"] for line in found if "test_loss" in line] == [20, 40]
    assert not any("test_f2" in line for line in found)
    record = read_record(run)
    assert record.samples == 5
    assert record.inputs.keys() == {"regions", "motions"}
    assert record.result.keys() == {"loss", "test_loss"}


@pytest.mark.parametrize("looks", [4, 9])
def test_stage_1_stopped_and_resumed_is_the_same_run(stage1: TrainSettings, looks: int) -> None:
    chosen = stage1.model_copy(update={"accumulate": 2, "workers": 2 if looks == 9 else 0})
    whole = run_with(chosen)
    part = chosen.model_copy(update={"run": stage1.run + "-b"})
    run = run_with(part, StopAfter(part.run, looks))
    assert read_record(run).status == "stopped"
    assert 0 < len(lines(run)) < 6
    run_with(part.model_copy(update={"resume": True}))
    assert lines(run) == lines(whole)
    assert (run / CHECKPOINT / WEIGHTS).read_bytes() == (whole / CHECKPOINT / WEIGHTS).read_bytes()


def test_pairs_change_from_epoch_to_epoch_in_the_trainer(stage1: TrainSettings) -> None:
    trainer = Trainer(stage1)
    trainer.setup()
    batches = trainer.data.batches(stage1, steps=5, first_step=0)
    numbers = [number for batch in batches for number in batch]
    assert sorted(numbers) == list(range(10))  # two epochs of five samples, each number once
    pairs = {trainer.data.train.rows(number) for number in numbers}  # type: ignore[union-attr]
    assert len(pairs) > 5


def test_images_of_another_store_are_recorded_and_compared(stage1: TrainSettings, store: FeatureStore) -> None:
    assert stage1.stage1 is not None
    apart = stage1.model_copy(update={"stage1": stage1.stage1.model_copy(update={"image_store": store.url})})
    record = read_record(run_with(apart))
    assert {f"images/{family}" for family in ("pose", "relations", "vision")} < record.fingerprints.keys()


def test_another_table_is_not_resumed(stage1: TrainSettings) -> None:
    assert stage1.stage1 is not None
    run_with(stage1)
    path = Path(stage1.stage1.motions)
    path.write_text(path.read_text() + json.dumps(MOTIONS[1]) + "\n")
    with pytest.raises(ConfigError, match="cannot be resumed: motions was"):
        run_with(stage1.model_copy(update={"resume": True}))
    empty = stage1.model_copy(update={"stage1": stage1.stage1.model_copy(update={"regions": "none.jsonl"})})
    with pytest.raises(AnnotationError, match=r"none\.jsonl"):
        run_with(empty)


def test_stage_2_begins_with_the_weights_of_stage_1(stage1: TrainSettings, settings: TrainSettings) -> None:
    first = run_with(stage1)
    weights = load_file(first / CHECKPOINT / WEIGHTS)
    trainer = Trainer(settings.model_copy(update={"start": str(first)}))
    trainer.setup()
    own = dict(trainer.bare.named_parameters())
    assert own.keys() == weights.keys()
    assert all(torch.equal(own[name], tensor) for name, tensor in weights.items())
    record = read_record(trainer.train())
    assert len(record.inputs["start"]) == 64


def test_without_pre_tuning_is_as_if_there_had_been_none(stage1: TrainSettings, settings: TrainSettings) -> None:
    first = run_with(stage1)
    plain = run_with(settings)
    off = run_with(settings.model_copy(update={"run": settings.run + "-b", "start": str(first), "pretuned": False}))
    on = run_with(settings.model_copy(update={"run": settings.run + "-c", "start": str(first)}))
    assert lines(plain) == lines(off)
    assert lines(plain) != lines(on)


def test_a_resumed_stage_2_does_not_need_stage_1_any_more(stage1: TrainSettings, settings: TrainSettings) -> None:
    first = run_with(stage1)
    chosen = settings.model_copy(update={"start": str(first)})
    whole = run_with(chosen)
    part = chosen.model_copy(update={"run": settings.run + "-b"})
    run_with(part, StopAfter(part.run, 5))
    (first / CHECKPOINT).rename(first / "gone")
    run = run_with(part.model_copy(update={"resume": True}))
    assert lines(run) == lines(whole)
    assert read_record(run).inputs == read_record(whole).inputs


def test_a_start_that_does_not_fit_is_refused(
    stage1: TrainSettings, settings: TrainSettings, tmp_path: Path
) -> None:  # fmt: skip
    first = run_with(stage1)
    for change, words in (({"velocity": True}, "velocity"), ({"org": False}, "org"), ({"expert_layers": 2}, "expert")):
        model = SceneSettings(**(settings.model.model_dump() | change))
        with pytest.raises(ConfigError, match=rf"cannot be begun with: {words}(?s:.*)pretuned=off"):
            run_with(settings.model_copy(update={"start": str(first), "model": model}))
    free = settings.model.model_copy(update={"lambda_bc": 0.0, "tau": 0.5})
    run_with(settings.model_copy(update={"start": str(first / CHECKPOINT), "model": free, "steps": 1}))
    with pytest.raises(WeightsError, match=r"neither a finished run nor a checkpoint(?s:.*)make train-stage1"):
        run_with(settings.model_copy(update={"start": str(tmp_path / "none")}))
