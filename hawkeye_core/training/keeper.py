"""A run's folder: record, metrics and checkpoints, written by the main process; and how far the run has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.digest import sha256_of
from hawkeye_core.model.backbone import backbone_digest
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.training import run_state
from hawkeye_core.training.build import start_weights
from hawkeye_core.training.checkpoint import save_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.data import StageData
from hawkeye_core.training.locate import FINAL
from hawkeye_core.training.record import (
    BACKBONE,
    CONFIG,
    RECORD,
    RunRecord,
    environment,
    fresh_folder,
    git_commit,
    read_record,
    require_same_run,
    write_json,
)
from hawkeye_core.training.sharding import place_of_weights
from hawkeye_core.training.trackers import Metrics, trackers_for

CHECKPOINT = FINAL
START = "start"


@dataclass
class Standing:
    """How far a run has come."""

    done: int = 0  # whole steps
    evaluated: int = -1  # step of the last evaluation
    loss: float | None = None
    test_loss: float | None = None
    best: tuple[float, int] | None = None  # F2 and step

    @classmethod
    def of(cls, position: run_state.Position) -> Standing:
        """Where a checkpoint stands."""
        known = position.best_f2 is not None and position.best_step is not None
        best = (float(position.best_f2 or 0), int(position.best_step or 0)) if known else None
        return cls(position.step, position.evaluated, position.loss, position.test_loss, best)

    def is_best(self, values: Mapping[str, float]) -> bool:
        """Take up what an evaluation after the last step found; whether its F2 is the highest so far."""
        self.evaluated, self.test_loss = self.done, values["test_loss"]
        if "test_f2" not in values or (self.best is not None and values["test_f2"] <= self.best[0]):
            return False
        self.best = values["test_f2"], self.done
        return True

    def result(self) -> dict[str, float]:
        """What the record says at the end."""
        values = {"loss": self.loss, "test_loss": self.test_loss}
        if self.best is not None:
            values |= {"best_f2": self.best[0], "best_step": float(self.best[1])}
        return {name: value for name, value in values.items() if value is not None}


class RunKeeper:
    """Writes what a run leaves behind; other processes than the main one write nothing.

    Args:
        settings: Of the run.
        accelerator: Says which process is the main one.
        data: What the run learns from.
        steps: Of the whole run.
    """

    def __init__(self, settings: TrainSettings, accelerator: Accelerator, data: StageData, *, steps: int) -> None:
        self.settings = settings
        self.main = accelerator.is_main_process
        self.data = data
        self.folder = Path(settings.run)
        self.record = _describe(settings, accelerator, data, steps=steps)

    def saved_state(self) -> run_state.RunState | None:
        """The checkpoint to go on from, checked before any model is built; None if the run has none yet.

        Raises:
            ConfigError, WeightsError: The run cannot be resumed with these settings, or its checkpoint is damaged.
        """
        if not self.settings.resume:
            return None
        recorded = read_record(self.folder)
        if START in recorded.inputs and run_state.checkpoints_of(self.folder):  # the start itself may be gone
            self.record.inputs[START] = recorded.inputs[START]
        elif self.settings.start_of:
            self.record.inputs[START] = sha256_of(start_weights(self.settings.start_of))
        require_same_run(recorded, self.record, path=self.folder)
        self.record = recorded
        return run_state.load_run_state(self.folder, name=self.settings.resume_from, identity=recorded.identity())

    def begin(self, state: run_state.RunState | None, *, parameters: int) -> None:
        """Make the folder of a new run, or cut its metrics back to the checkpoint; say that it is running."""
        if self.main and not self.settings.resume:
            fresh_folder(self.folder)
            (self.folder / CONFIG).write_text(yaml.safe_dump(self.settings.model_dump(mode="json"), sort_keys=False))
        self.record = self.record.model_copy(update={"parameters": parameters})
        self.identity = self.record.identity()
        trackers = trackers_for(
            self.folder, tensorboard=self.settings.tensorboard, wandb=self.settings.wandb,
            first_step=0 if state is None else state.position.step,
        ) if self.main else ()  # fmt: skip
        self.metrics = Metrics(self.folder, trackers)
        if self.main and not self.finished:
            self.metrics.cut(0 if state is None else state.position.metrics_bytes)
            self.write_record(status="running")

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.record.status == "finished"

    def log(self, values: dict[str, Any]) -> None:
        """A line of metrics."""
        if self.main:
            self.metrics.log(values)

    def write_record(self, **changes: Any) -> None:
        """Write ``run.json`` with some values changed."""
        if self.main:
            self.record = self.record.model_copy(update=changes)
            write_json(self.folder / RECORD, self.record.model_dump(mode="json"))

    def save_state(
        self, standing: Standing, *, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase,
        tensors: dict[str, Tensor], optimizer: dict[str, Any], schedule: dict[str, Any], rng: Sequence[dict[str, Any]],
    ) -> None:  # fmt: skip
        """A checkpoint to resume from."""
        if not self.main:
            return
        epoch, used = divmod(standing.done * self.settings.batch_size, len(self.data.train))
        position = run_state.Position(
            step=standing.done, epoch=epoch, windows_done=used, evaluated=standing.evaluated, loss=standing.loss,
            test_loss=standing.test_loss, best_f2=standing.best and standing.best[0],
            best_step=standing.best and standing.best[1], metrics_bytes=self.metrics.flush(), identity=self.identity,
        )  # fmt: skip
        run_state.save_run_state(
            self.folder, model=model, tokenizer=tokenizer, tensors=tensors, optimizer=optimizer, schedule=schedule,
            rng=rng, position=position,
        )  # fmt: skip
        run_state.keep_last(self.folder, self.settings.keep_last)

    def save_best(
        self, step: int, *, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, tensors: dict[str, Tensor]
    ) -> None:  # fmt: skip
        """The best checkpoint so far; the one before goes."""
        if self.main:
            folder = self.folder / run_state.FOLDER / run_state.best_name(step)
            save_checkpoint(model, tokenizer, folder, state=tensors)
            run_state.keep_best(self.folder, step)

    def finish(
        self, standing: Standing, *, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, tensors: dict[str, Tensor]
    ) -> None:  # fmt: skip
        """The final checkpoint, then the record that says the run is finished."""
        if self.main:
            save_checkpoint(model, tokenizer, self.folder / CHECKPOINT, state=tensors)
            self.write_record(status="finished", result=standing.result())


def _describe(settings: TrainSettings, accelerator: Accelerator, data: StageData, *, steps: int) -> RunRecord:
    inputs = dict(data.inputs)
    if settings.start_of and not settings.resume:
        inputs[START] = sha256_of(start_weights(settings.start_of))
    if settings.backbone.base and accelerator.is_main_process:  # gigabytes: one process reads them
        inputs[BACKBONE] = backbone_digest(settings.backbone.base, revision=settings.backbone.revision)
    inputs = broadcast_object_list([inputs])[0]
    return RunRecord(
        status="running",
        settings=settings.model_dump(mode="json"),
        seed=settings.seed,
        fingerprints=data.fingerprints,
        untrained=data.untrained if settings.backbone.base else (*data.untrained, BACKBONE),
        inputs=inputs,
        samples=len(data.train),
        parameters=0,
        steps=steps,
        processes=accelerator.num_processes,
        weights=place_of_weights(accelerator),
        device=accelerator.device.type,
        environment=environment(),
        git_commit=git_commit(Path(__file__).parent),
    )
