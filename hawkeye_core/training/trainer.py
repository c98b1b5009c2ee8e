"""The trainer: one class to read from top to bottom."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device, set_seed
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from feature_store.store import FeatureStore
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.training.annotations import of_split, read_annotations
from hawkeye_core.training.build import build_model, max_length
from hawkeye_core.training.checkpoint import save_checkpoint
from hawkeye_core.training.collate import Collator, TrainBatch
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.order import StepBatches
from hawkeye_core.training.record import (
    RECORD,
    RunRecord,
    environment,
    fresh_folder,
    git_commit,
    store_fingerprints,
    write_json,
)
from hawkeye_core.training.schedule import rate_factor
from hawkeye_core.training.windows import WindowDataset, require_features
from hawkeye_core.weights import sha256_of

METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint"
BACKBONE = "backbone"


class Trainer:
    """Stage 2 on cached graphs; no video is opened.

    * AdamW (``lr``, ``weight_decay``), linear warm-up and cosine (``warmup_ratio``), clipping (``max_grad_norm``)
    * loss parts, learning rate, gradient norm and time of each step in ``metrics.jsonl``
    * loss on the windows of the test split at the end
    * a checkpoint of the trained tensors, ``run.json`` with all that the run was made of
    * the same settings give the same losses on the same machine
    """

    def __init__(self, settings: TrainSettings) -> None:
        self.settings = settings
        self.accelerator = Accelerator(cpu=settings.device == "cpu")
        if self.accelerator.num_processes > 1:
            raise ConfigError(
                f"this trainer runs in one process, not {self.accelerator.num_processes}",
                remedy="start it with `hawkeye train`, not with `accelerate launch --num_processes`",
            )

    def setup(self) -> None:
        """Check all inputs, then build data, model and optimiser, and write ``run.json``."""
        settings = self.settings
        self.store = FeatureStore.open(settings.store)
        annotations = read_annotations(settings.annotations)
        require_features(self.store, annotations, path=settings.annotations)
        training = of_split(annotations, "train")
        if not training:
            raise AnnotationError("has no video of split `train`", path=settings.annotations)
        self.data, self.held_out = (
            WindowDataset(self.store, part, length=settings.window_frames, hop=settings.hop_frames)
            for part in (training, of_split(annotations, "test"))
        )
        set_seed(settings.seed)
        vision_width = self.data[0].window.vision.masked_token.shape[-1]  # type: ignore[union-attr]
        model, self.tokenizer = build_model(settings, vision_width=vision_width)
        self.collate = Collator(
            self.tokenizer, scene_token_id=model.scene_token_id, max_length=max_length(model.config)
        )
        optimizer = AdamW(model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.schedule = LambdaLR(
            optimizer, lambda step: rate_factor(step, steps=settings.steps, warmup_ratio=settings.warmup_ratio)
        )
        self.folder = fresh_folder(settings.run)
        self.metrics = self.folder / METRICS
        self.record = self._describe()
        self._write_record()

    def train(self) -> Path:
        """All steps, the loss on the test split, the checkpoint. Returns the run's folder."""
        settings = self.settings
        order = StepBatches(len(self.data), batch_size=settings.batch_size, steps=settings.steps, seed=settings.seed)
        loader = DataLoader(self.data, batch_sampler=order, collate_fn=self.collate)
        values: dict[str, float] = {}
        with _progress() as bar:
            task = bar.add_task("train", total=settings.steps, loss="")
            for step, batch in enumerate(loader):
                values = self.step(batch, step=step)
                bar.update(task, advance=1, loss=f"loss {values['loss']:.4f}")
        result = {"loss": values["loss"]}
        if len(self.held_out):
            result["test_loss"] = self.evaluate()
        self.save(result)
        return self.folder

    def step(self, batch: TrainBatch, *, step: int) -> dict[str, float]:
        """One optimiser step; returns what it wrote to the metrics."""
        begun = time.monotonic()
        self.model.train()
        output = self.model(**send_to_device(batch, self.accelerator.device))
        loss = output.loss.item()
        if not math.isfinite(loss):
            raise ConfigError(f"the loss of step {step} is {loss}", remedy="lower `lr`")
        self.accelerator.backward(output.loss)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        rate = self.schedule.get_last_lr()[0]
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        values = {
            "step": step,
            "loss": loss,
            "lm_loss": output.lm_loss.item(),
            "balance_loss": output.balance_loss.item(),
            "lr": rate,
            "grad_norm": norm.item(),
            "answer_tokens": output.answer_tokens,
            "seconds": round(time.monotonic() - begun, 4),
        }
        self._log(values)
        return values

    @torch.no_grad()
    def evaluate(self) -> float:
        """Next-token loss on the windows of the test split, every answer token counted alike."""
        self.model.eval()
        loader = DataLoader(self.held_out, batch_size=self.settings.batch_size, collate_fn=self.collate)
        total = tokens = 0.0
        for batch in loader:
            output = self.model(**send_to_device(batch, self.accelerator.device))
            total += output.lm_loss.item() * output.answer_tokens
            tokens += output.answer_tokens
        self._log({"step": self.settings.steps, "test_loss": total / tokens})
        return total / tokens

    def save(self, result: dict[str, float]) -> None:
        """The checkpoint, then the record that says the run is finished."""
        model = self.accelerator.unwrap_model(self.model)
        save_checkpoint(model, self.tokenizer, self.folder / CHECKPOINT)
        self.record = self.record.model_copy(update={"status": "finished", "result": result})
        self._write_record()

    def _describe(self) -> RunRecord:
        fingerprints, untrained = store_fingerprints(self.store)
        return RunRecord(
            status="running",
            settings=self.settings.model_dump(mode="json"),
            seed=self.settings.seed,
            fingerprints=fingerprints,
            untrained=(*untrained, BACKBONE),  # its weights are random before this run, whatever the features are
            annotations_sha256=sha256_of(self.settings.annotations),
            windows=len(self.data),
            parameters=sum(p.numel() for p in self.model.parameters() if p.requires_grad),
            environment=environment(),
            git_commit=git_commit(Path(__file__).parent),
        )

    def _write_record(self) -> None:
        write_json(self.folder / RECORD, self.record.model_dump(mode="json"))

    def _log(self, values: dict[str, Any]) -> None:
        with self.metrics.open("a") as file:
            file.write(json.dumps(values) + "\n")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("eta"),
        TimeRemainingColumn(), TextColumn("{task.fields[loss]}"), console=Console(stderr=True, soft_wrap=True),
    )  # fmt: skip
