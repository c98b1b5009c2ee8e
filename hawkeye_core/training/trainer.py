"""The trainer: one class to read from top to bottom."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object, send_to_device, set_seed
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.model.saving import assign_trainable
from hawkeye_core.progress import step_progress
from hawkeye_core.training import run_state, sharding
from hawkeye_core.training.balance import balance_ahead
from hawkeye_core.training.build import begin_with, build_model, max_length, start_weights
from hawkeye_core.training.calibration import calibrated
from hawkeye_core.training.collate import TrainBatch
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.data import open_data
from hawkeye_core.training.keeper import RunKeeper, Standing
from hawkeye_core.training.meter import Meter
from hawkeye_core.training.rng import rng_state, set_rng_state
from hawkeye_core.training.schedule import rate_factor
from hawkeye_core.training.step_losses import StepLosses
from hawkeye_core.training.stop import StopAskedError, StopSignal

log = logging.getLogger(__name__)


class Trainer:
    """Stage 1 or 2 on cached graphs, in one process or several; no video is opened.

    * AdamW (``lr``, ``weight_decay``), linear warm-up and cosine (``warmup_ratio``), clipping (``max_grad_norm``)
    * a published backbone or a random one (``backbone``), all of it or adapters (``lora``), begun anew or with the
      weights of another run (``start``)
    * windows as they are, or another way each time (``variation``)
    * the batch in pieces (``accumulate``) and over processes (``accelerate launch``), with equal loss and gradients
    * weights whole in every process or shared among them (FSDP2), or the optimiser only (DeepSpeed's ZeRO-2), as the
      launcher's configuration says
    * ``precision: bf16``, ``gradient_checkpointing``, ``workers``
    * metrics of each step in ``metrics.jsonl``, TensorBoard, Weights & Biases (``tensorboard``, ``wandb``)
    * loss and, in stage 2, F2 on the test split every ``eval_every`` steps, the best checkpoint kept; loss at the end
    * checkpoints every ``checkpoint_every`` steps and when asked to stop; ``resume`` goes on bit for bit

    What a step loses is the same whatever the pieces and processes (:class:`.step_losses.StepLosses`).

    Args:
        settings: All of them.
        stop: Asks the run to stop; by default the trigger file only.
    """

    def __init__(self, settings: TrainSettings, stop: StopSignal | None = None) -> None:
        self.settings = settings
        self.stop = StopSignal(settings.run) if stop is None else stop
        self.accelerator = sharding.open_accelerator(
            cpu=settings.device == "cpu", mixed_precision="bf16" if settings.precision == "bf16" else "no"
        )
        self.world = self.accelerator.num_processes
        if settings.batch_size % (settings.accumulate * self.world):
            raise ConfigError(
                f"batch_size {settings.batch_size} is not a multiple of {settings.accumulate} pieces "
                f"x {self.world} processes",
                remedy="change `batch_size`, `accumulate` or the number of processes",
            )
        self.at = Standing()

    def setup(self) -> None:
        """Check all inputs, then build data, model and optimiser, and write ``run.json`` or read the checkpoint."""
        self.data = open_data(self.settings, self.accelerator)
        self.steps = self.settings.total_steps(len(self.data.train))
        self.keeper = RunKeeper(self.settings, self.accelerator, self.data, steps=self.steps)
        state = self.keeper.saved_state()
        self._build()
        if state is not None:
            assign_trainable(self.bare, state.tensors, path=state.folder)
        elif self.settings.start_of:
            begin_with(self.bare, start_weights(self.settings.start_of))
        self._prepare()
        self.keeper.begin(state, parameters=sum(p.numel() for p in self.bare.parameters() if p.requires_grad))
        self.accelerator.wait_for_everyone()
        self._take_up(state)

    def _build(self) -> None:
        """The model and what makes its batches; new weights are the same in every process."""
        settings = self.settings
        set_seed(settings.seed)
        self.bare, self.tokenizer = build_model(
            settings, vision_width=self.data.vision_width, device=self.accelerator.device
        )
        self.meter = Meter(self.bare, peak_tflops=settings.peak_tflops * self.world)
        self.collate = self.data.collator(
            self.tokenizer, scene_token_id=self.bare.scene_token_id, max_length=max_length(self.bare.config)
        )

    def _prepare(self) -> None:
        """Optimiser and schedule; model and optimiser onto device and processes."""
        settings = self.settings
        trained = [p for p in self.bare.parameters() if p.requires_grad]
        optimizer = AdamW(trained, lr=settings.lr, weight_decay=settings.weight_decay)
        self.model, self.optimizer = sharding.prepare(
            self.accelerator, self.bare, optimizer, max_grad_norm=settings.max_grad_norm
        )
        self.schedule = LambdaLR(
            optimizer, lambda step: rate_factor(step, steps=self.steps, warmup_ratio=settings.warmup_ratio)
        )
        set_seed(settings.seed, device_specific=True)  # dropout differs among processes

    def _take_up(self, state: run_state.RunState | None) -> None:
        """Begin at step 0, or where a checkpoint stands."""
        self.rng = rng_state()
        if state is not None:
            sharding.load_optimizer(self.accelerator, self.optimizer, state.optimizer)
            self.schedule.load_state_dict(state.schedule)
            self.at = Standing.of(state.position)
            self.rng = state.rng[self.accelerator.process_index]
            set_rng_state(self.rng)

    def train(self) -> Path:
        """All steps that are left, then the final checkpoint. Returns the run's folder."""
        if self.keeper.finished:
            log.warning("%s is finished; there is nothing to resume", self.keeper.folder)
            return self.keeper.folder
        try:
            with step_progress(shown=self.accelerator.is_main_process) as bar:
                task = bar.add_task("train", total=self.steps, completed=self.at.done, note="")
                self._after_step(saved=True)
                batches = iter(self._loader())
                while self.at.done < self.steps:
                    values = self.step(*self._next(batches))
                    bar.update(task, completed=self.at.done, note=f"loss {values['loss']:.4f}")
                    self._after_step()
            self.keeper.finish(self.at, **self._calibrated(self._model_state()))
            self.accelerator.wait_for_everyone()
        except StopAskedError:
            self.optimizer.zero_grad()  # what a step has begun is dropped
            self.save_state()
            self.keeper.write_record(status="stopped")
            if self.accelerator.is_main_process:
                self.stop.clear()
        finally:
            self.keeper.metrics.close()
        return self.keeper.folder

    # One step

    def _loader(self) -> DataLoader[Any]:
        """This process's pieces of the steps that are left."""
        return self.data.loader(
            self.settings, self.collate, steps=self.steps, first_step=self.at.done,
            rank=self.accelerator.process_index, world=self.world,
        )  # fmt: skip

    def _next(self, batches: Iterator[TrainBatch]) -> tuple[list[TrainBatch], float]:
        """The pieces of the next step, and how many seconds they were waited for."""
        begun = time.monotonic()
        self._stop_if_asked()
        pieces = [next(batches) for _ in range(self.settings.accumulate)]
        return pieces, time.monotonic() - begun

    def step(self, pieces: list[TrainBatch], waited: float = 0.0) -> dict[str, Any]:
        """One optimiser step; returns what it wrote to the metrics."""
        begun = time.monotonic()
        self.model.train()
        tokens = self._total(sum(int((piece["labels"][:, 1:] != IGNORE).sum()) for piece in pieces))
        frames = self._total(sum(int(piece["scene"].frame_mask.sum()) for piece in pieces))
        losses = StepLosses(
            self.bare.config, tokens=tokens, frames=frames, device=self.accelerator.device,
            balance=balance_ahead(self.accelerator, self.bare, pieces),
        )  # fmt: skip
        for index, piece in enumerate(pieces):
            self._stop_if_asked()
            batch = send_to_device(piece, self.accelerator.device)
            last = index == len(pieces) - 1
            with nullcontext() if last else sharding.adding_up(self.accelerator, self.model):
                with self.accelerator.autocast():
                    output = self.model(**batch)
                loss = losses.of_piece(index, output, batch["scene"].frame_mask)
                sharding.backward(self.accelerator, loss * self.world, last=last)  # processes are averaged, not added
        found = losses.totals(self._total)
        if not math.isfinite(found["loss"]):
            raise ConfigError(f"the loss of step {self.at.done} is {found['loss']}", remedy="lower `lr`")
        rate = self.schedule.get_last_lr()[0]
        limit = self.settings.max_grad_norm
        norm = sharding.update(self.accelerator, self.model, self.optimizer, max_grad_norm=limit)
        self.schedule.step()
        values = {"step": self.at.done, **found, "lr": rate, "grad_norm": norm, "answer_tokens": int(tokens)}
        values |= losses.shares(lambda sums: self.accelerator.reduce(sums, "sum"))
        values |= self.meter.speed(pieces, waited=waited, seconds=time.monotonic() - begun + waited, total=self._total)
        self.at.done, self.at.loss, self.rng = self.at.done + 1, found["loss"], rng_state()
        self.keeper.log(values)
        return values

    def _total(self, value: float) -> float:
        """Sum over the processes."""
        if self.world == 1:
            return value
        part = torch.tensor(value, dtype=torch.float64, device=self.accelerator.device)
        return float(self.accelerator.reduce(part, "sum"))

    # Between steps

    def _after_step(self, *, saved: bool = False) -> None:
        """What is due at this step and was not done: the checkpoint, then the evaluation, which a kill may repeat.

        Several processes cannot leave an evaluation in the middle, and a launcher that was told to stop kills them
        after half a minute: they write the checkpoint first.
        """
        done, every = self.at.done, self.settings.eval_every
        due = done == self.steps or (every and done and done % every == 0)
        evaluate = due and self.at.evaluated < done and self.data.held_out.count
        at_hand = done and done % self.settings.checkpoint_every == 0
        if not saved and (at_hand or (evaluate and self.world > 1)):
            self.save_state()
        if evaluate:
            self.evaluate()

    def evaluate(self) -> dict[str, float]:
        """Loss on the test split, with ``eval_every`` also F2; training goes on as if it had not been."""
        self.bare.eval()
        asked = False

        def between() -> None:
            nonlocal asked
            asked = asked or self.stop.asked()
            if asked and self.world == 1:
                raise StopAskedError

        held_out = self.data.held_out
        with sharding.gathered(self.accelerator, self.bare):
            values = {"test_loss": held_out.loss(self.bare, self.collate, between=between)}
            if self.settings.eval_every:
                values |= held_out.scores(self.bare, self.tokenizer, between=between)
        set_rng_state(self.rng)
        self._stop_if_asked()
        self.keeper.log({"step": self.at.done, **values})
        if self.at.is_best(values):
            self.keeper.save_best(self.at.done, **self._model_state())
        return values

    def save_state(self) -> None:
        """A checkpoint to resume from: the state after the last whole step."""
        rng = gather_object([self.rng])
        keep = self.accelerator.is_main_process
        optimizer = sharding.whole_optimizer(self.accelerator, self.optimizer, keep=keep)
        self.keeper.save_state(
            self.at, **self._model_state(), optimizer=optimizer, schedule=self.schedule.state_dict(), rng=rng
        )
        self.accelerator.wait_for_everyone()

    def _model_state(self) -> dict[str, Any]:
        """What a checkpoint needs of the model; tensors in the main process only."""
        tensors = sharding.whole_state(self.bare, keep=self.accelerator.is_main_process)
        return {"model": self.bare, "tokenizer": self.tokenizer, "tensors": tensors}

    def _calibrated(self, state: dict[str, Any]) -> dict[str, Any]:
        """The final checkpoint's state, with ``calibrate`` the dense head's line of the held-out videos in it."""
        if not self.settings.calibrate:
            return state
        self.bare.eval()
        with sharding.gathered(self.accelerator, self.bare):
            found = self.data.held_out.calibration(self.bare, self.collate, between=self._stop_if_asked)
        if found is None:
            log.warning("the dense head was not calibrated: there is none, or no held-out frames of both kinds")
            return state
        self.keeper.log({"step": self.at.done} | {f"calibration_{k}": v for k, v in found._asdict().items()})
        return state | ({"tensors": calibrated(state["tensors"], found)} if state["tensors"] else {})

    def _stop_if_asked(self) -> None:
        """Leave if any process was asked to stop; all processes leave at the same place."""
        if self._total(float(self.stop.asked())):
            raise StopAskedError
