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
import yaml
from accelerate import Accelerator
from accelerate.utils import DistributedType, gather_object, send_to_device, set_seed
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from feature_store.store import FeatureStore
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.model.hawkeye import IGNORE
from hawkeye_core.training import run_state
from hawkeye_core.training.annotations import of_split, read_annotations
from hawkeye_core.training.build import build_model, max_length
from hawkeye_core.training.checkpoint import load_trainable, save_checkpoint
from hawkeye_core.training.collate import Collator, TrainBatch
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.held_out import HeldOut
from hawkeye_core.training.meter import memory_gb, step_flops
from hawkeye_core.training.order import MicroBatches, StepBatches
from hawkeye_core.training.record import (
    CONFIG,
    RECORD,
    RunRecord,
    environment,
    fresh_folder,
    git_commit,
    read_record,
    require_same_run,
    store_fingerprints,
    write_json,
)
from hawkeye_core.training.rng import rng_state, set_rng_state
from hawkeye_core.training.router import RouterProbe, shares
from hawkeye_core.training.schedule import rate_factor
from hawkeye_core.training.stop import StopAskedError, StopSignal, ignore_stop
from hawkeye_core.training.trackers import Metrics, trackers_for
from hawkeye_core.training.windows import WindowDataset, require_features
from hawkeye_core.weights import sha256_of

CHECKPOINT = "checkpoint"
BACKBONE = "backbone"

log = logging.getLogger(__name__)


class Trainer:
    """Stage 2 on cached graphs, in one process or several; no video is opened.

    * AdamW (``lr``, ``weight_decay``), linear warm-up and cosine (``warmup_ratio``), clipping (``max_grad_norm``)
    * the batch in pieces (``accumulate``) and over processes (``accelerate launch``), with equal loss and gradients
    * ``precision: bf16``, ``gradient_checkpointing``, ``workers``
    * metrics of each step in ``metrics.jsonl``, TensorBoard, Weights & Biases (``tensorboard``, ``wandb``)
    * loss and F2 on the test split every ``eval_every`` steps, the best checkpoint kept; the loss at the end
    * checkpoints every ``checkpoint_every`` steps and when asked to stop; ``resume`` goes on bit for bit

    The loss of a step is the mean over the answer tokens of the whole batch, plus ``lambda_bc`` times L_bc of the
    whole batch, whatever the pieces and processes.

    Args:
        settings: All of them.
        stop: Asks the run to stop; by default the trigger file only.
    """

    def __init__(self, settings: TrainSettings, stop: StopSignal | None = None) -> None:
        self.settings = settings
        self.stop = StopSignal(settings.run) if stop is None else stop
        self.accelerator = Accelerator(
            cpu=settings.device == "cpu", mixed_precision="bf16" if settings.precision == "bf16" else "no"
        )
        self.world = self.accelerator.num_processes
        kind = self.accelerator.distributed_type
        if kind not in (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU):
            raise ConfigError(
                f"this trainer shares the batch among processes, not the weights ({kind.value})",
                remedy="start it with hawkeye_core/training/accelerate/ddp.yaml",
            )
        if settings.batch_size % (settings.accumulate * self.world):
            raise ConfigError(
                f"batch_size {settings.batch_size} is not a multiple of {settings.accumulate} pieces "
                f"x {self.world} processes",
                remedy="change `batch_size`, `accumulate` or the number of processes",
            )

        self.done = 0  # whole steps
        self.evaluated = -1  # step of the last evaluation
        self.loss: float | None = None
        self.test_loss: float | None = None
        self.best: tuple[float, int] | None = None  # F2 and step

    def setup(self) -> None:
        """Check all inputs, then build data, model and optimiser, and write ``run.json`` or read the checkpoint."""
        settings = self.settings
        self.store = FeatureStore.open(settings.store)
        annotations = read_annotations(settings.annotations)
        require_features(self.store, annotations, path=settings.annotations)
        training = of_split(annotations, "train")
        if not training:
            raise AnnotationError("has no video of split `train`", path=settings.annotations)
        self.data = WindowDataset(self.store, training, length=settings.window_frames, hop=settings.hop_frames)
        self.held_out = HeldOut(self.store, of_split(annotations, "test"), settings, self.accelerator)
        self.steps = settings.total_steps(len(self.data))
        self.record = self._describe()
        state = self._saved_state() if settings.resume else None
        self._build()
        self.folder = Path(settings.run)
        if self.accelerator.is_main_process and not settings.resume:
            fresh_folder(settings.run)
            (self.folder / CONFIG).write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
        self.accelerator.wait_for_everyone()
        self._take_up(state)

    def _build(self) -> None:
        """Model, optimiser, schedule; new weights are the same in every process."""
        settings = self.settings
        set_seed(settings.seed)
        vision_width = self.data[0].window.vision.masked_token.shape[-1]  # type: ignore[union-attr]
        self.bare, self.tokenizer = build_model(settings, vision_width=vision_width)
        if settings.gradient_checkpointing:
            backbone = self.bare.backbone  # transformers 5.23 has another name for it, 5.17 the old one only
            enable = getattr(backbone, "activation_checkpointing_enable", backbone.gradient_checkpointing_enable)
            enable({"use_reentrant": False})
        self.probe = RouterProbe(self.bare)
        self.collate = Collator(
            self.tokenizer, scene_token_id=self.bare.scene_token_id, max_length=max_length(self.bare.config)
        )
        trained = [p for p in self.bare.parameters() if p.requires_grad]
        self.record = self.record.model_copy(update={"parameters": sum(p.numel() for p in trained)})
        optimizer = AdamW(trained, lr=settings.lr, weight_decay=settings.weight_decay)
        self.model, self.optimizer = self.accelerator.prepare(self.bare, optimizer)
        self.schedule = LambdaLR(
            optimizer, lambda step: rate_factor(step, steps=self.steps, warmup_ratio=settings.warmup_ratio)
        )
        set_seed(settings.seed, device_specific=True)  # dropout differs among processes

    def train(self) -> Path:
        """All steps that are left, then the final checkpoint. Returns the run's folder."""
        if self.record.status == "finished":
            log.warning("%s is finished; there is nothing to resume", self.folder)
            return self.folder
        try:
            with _progress(shown=self.accelerator.is_main_process) as bar:
                task = bar.add_task("train", total=self.steps, completed=self.done, loss="")
                self._after_step(saved=True)
                batches = iter(self._loader())
                while self.done < self.steps:
                    values = self.step(*self._next(batches))
                    bar.update(task, completed=self.done, loss=f"loss {values['loss']:.4f}")
                    self._after_step()
            self._finish()
        except StopAskedError:
            self._stop()
        finally:
            self.metrics.close()
        return self.folder

    # One step

    def _loader(self) -> DataLoader[Any]:
        settings = self.settings
        lengths = [spec.stop - spec.start for spec in self.data.specs]
        batches = StepBatches(
            len(self.data), batch_size=settings.batch_size, steps=self.steps, seed=settings.seed,
            first_step=self.done, lengths=lengths if settings.bucket else None,
        )  # fmt: skip
        return DataLoader(
            self.data,
            batch_sampler=MicroBatches(
                batches, accumulate=settings.accumulate, rank=self.accelerator.process_index, world=self.world
            ),
            collate_fn=self.collate,
            num_workers=settings.workers,
            worker_init_fn=ignore_stop,
            generator=torch.Generator(),  # its own: the global one belongs to the model
        )

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
        whole = self._whole_columns(pieces)
        lm_loss, balance = 0.0, torch.zeros(())
        router = torch.zeros(3, self.bare.config.experts + 1, dtype=torch.float64, device=self.accelerator.device)
        for index, piece in enumerate(pieces):
            self._stop_if_asked()
            batch = send_to_device(piece, self.accelerator.device)
            last = index == len(pieces) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.model):
                output = self.model(**batch)
                mask = batch["scene"].frame_mask
                balance = self.probe.balance(self._with_others(self.probe.columns(mask), whole, index))
                share = output.lm_loss * (output.answer_tokens / tokens)
                loss = share + self.bare.config.lambda_bc * balance
                self.accelerator.backward(loss * self.world)  # gradients of processes are averaged, not added
            lm_loss += share.item()
            router += self.probe.sums(mask)
            self.probe.forget()
        lm_loss = self._total(lm_loss)
        total = lm_loss + self.bare.config.lambda_bc * balance.item()
        if not math.isfinite(total):
            raise ConfigError(f"the loss of step {self.done} is {total}", remedy="lower `lr`")
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        rate = self.schedule.get_last_lr()[0]
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        values = {
            "step": self.done, "loss": total, "lm_loss": lm_loss, "balance_loss": balance.item(), "lr": rate,
            "grad_norm": norm.item(), "answer_tokens": int(tokens),
        }  # fmt: skip
        if self.probe.active:
            values |= shares(self.accelerator.reduce(router, "sum"))
        values |= self._speed(pieces, waited=waited, seconds=time.monotonic() - begun + waited)
        self.done += 1
        self.loss = total
        self.rng = rng_state()
        self._log(values)
        return values

    def _whole_columns(self, pieces: list[TrainBatch]) -> Tensor | None:
        """Columns of L_bc of the whole batch: [processes, pieces, N + 1, 2 B], no gradients; None if it is one piece.

        L_bc is not a sum over samples. Each piece needs the columns of all others before its own backward pass, so
        the scene modules run once more, without gradients, ahead of the step (GradCache, Gao et al. 2021). They have
        no dropout, so both passes agree. The language model does not run.
        """
        if not self.probe.active or len(pieces) * self.world == 1:
            return None
        own = []
        with torch.no_grad(), self.accelerator.autocast():
            for piece in pieces:
                scene = piece["scene"].to(self.accelerator.device)
                self.bare.scene(scene)
                own.append(self.probe.columns(scene.frame_mask))
        return self.accelerator.gather(torch.stack(own)[None])

    def _with_others(self, own: Tensor, whole: Tensor | None, index: int) -> Tensor:
        """[N + 1, columns of the whole batch], gradients in those of this process's piece ``index``.

        The gradients of all pieces and processes add up to the exact one.
        """
        if whole is None:
            return own
        place = self.accelerator.process_index * whole.shape[1] + index
        parts = list(whole.flatten(0, 1))
        parts[place] = own
        return torch.cat(parts, 1)

    def _speed(self, pieces: list[TrainBatch], *, waited: float, seconds: float) -> dict[str, float]:
        """What depends on the machine: :data:`hawkeye_core.training.meter.TIMED`."""
        tokens = self._total(sum(int(piece["attention_mask"].sum()) for piece in pieces))
        values = {"seconds": round(seconds, 4), "data_wait_s": round(waited, 4), "tokens_per_s": tokens / seconds}
        if self.settings.peak_tflops:
            scene = sum(int((piece["input_ids"] == self.bare.scene_token_id).sum()) for piece in pieces)
            flops = step_flops(self.bare, tokens=int(tokens), scene_tokens=int(self._total(scene)))
            values["mfu"] = flops / (seconds * self.settings.peak_tflops * 1e12 * self.world)
        return values | {"memory_gb": round(memory_gb(self.accelerator.device), 3)}

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
        every = self.settings.eval_every
        due = self.done == self.steps or (every and self.done and self.done % every == 0)
        evaluate = due and self.evaluated < self.done and self.held_out.videos
        at_hand = self.done and self.done % self.settings.checkpoint_every == 0
        if not saved and (at_hand or (evaluate and self.world > 1)):
            self.save_state()
        if evaluate:
            self.evaluate()

    def evaluate(self) -> dict[str, float]:
        """Loss on the test split, with ``eval_every`` also F2; training goes on as if it had not been."""
        self.bare.eval()
        asked = False
        values: dict[str, float] = {}

        def between() -> None:
            nonlocal asked
            asked = asked or self.stop.asked()
            if asked and self.world == 1:
                raise StopAskedError

        values["test_loss"] = self.held_out.loss(self.bare, self.collate, between=between)
        if self.settings.eval_every:
            values |= self.held_out.scores(self.bare, self.tokenizer, between=between)
        set_rng_state(self.rng)
        self._stop_if_asked()
        self.probe.forget()
        self._log({"step": self.done, **values})
        self.evaluated = self.done
        self.test_loss = values["test_loss"]
        if "test_f2" in values and (self.best is None or values["test_f2"] > self.best[0]):
            self.best = values["test_f2"], self.done
            if self.accelerator.is_main_process:
                best = self.folder / run_state.FOLDER / run_state.best_name(self.done)
                save_checkpoint(self.bare, self.tokenizer, best)
                run_state.keep_best(self.folder, self.done)
        return values

    def _stop_if_asked(self) -> None:
        """Leave if any process was asked to stop; all processes leave at the same place."""
        if self._total(float(self.stop.asked())):
            raise StopAskedError

    # Checkpoints

    def save_state(self) -> None:
        """A checkpoint to resume from: the state after the last whole step."""
        rng = gather_object([self.rng])
        if self.accelerator.is_main_process:
            used = self.done * self.settings.batch_size
            run_state.save_run_state(
                self.folder, model=self.bare, tokenizer=self.tokenizer, optimizer=self.optimizer.state_dict(),
                schedule=self.schedule.state_dict(), rng=rng,
                position=run_state.Position(
                    step=self.done, epoch=used // len(self.data), windows_done=used % len(self.data),
                    evaluated=self.evaluated, loss=self.loss, test_loss=self.test_loss,
                    best_f2=self.best and self.best[0], best_step=self.best and self.best[1],
                    metrics_bytes=self.metrics.flush(), identity=self.identity,
                ),
            )  # fmt: skip
            run_state.keep_last(self.folder, self.settings.keep_last)
        self.accelerator.wait_for_everyone()

    def _saved_state(self) -> run_state.RunState | None:
        """The checkpoint to go on from, checked before any model is built; None if the run has none yet."""
        recorded = read_record(self.settings.run)
        require_same_run(recorded, self.record, path=self.settings.run)
        self.record = recorded
        return run_state.load_run_state(
            Path(self.settings.run), name=self.settings.resume_from, identity=recorded.identity()
        )

    def _take_up(self, state: run_state.RunState | None) -> None:
        """Begin at step 0, or where a checkpoint stands."""
        self.identity = self.record.identity()
        self.rng = rng_state()
        if state is not None:
            position = state.position
            load_trainable(self.bare, state.tensors, path=state.folder)
            self.optimizer.load_state_dict(state.optimizer)
            self.schedule.load_state_dict(state.schedule)
            self.done, self.evaluated, self.loss = position.step, position.evaluated, position.loss
            self.test_loss = position.test_loss
            if position.best_f2 is not None and position.best_step is not None:
                self.best = position.best_f2, position.best_step
            self.rng = state.rng[self.accelerator.process_index]
            set_rng_state(self.rng)
        main = self.accelerator.is_main_process
        trackers = trackers_for(self.folder, tensorboard=self.settings.tensorboard, wandb=self.settings.wandb,
                                first_step=self.done) if main else ()  # fmt: skip
        self.metrics = Metrics(self.folder, trackers)
        if main and self.record.status != "finished":
            self.metrics.cut(0 if state is None else state.position.metrics_bytes)
            self._write_record(status="running")

    def _stop(self) -> None:
        """Asked to stop: what a step has begun is dropped, and a checkpoint says where to go on."""
        self.optimizer.zero_grad()
        self.save_state()
        if self.accelerator.is_main_process:
            self._write_record(status="stopped")
            self.stop.clear()

    def _finish(self) -> None:
        """The final checkpoint, then the record that says the run is finished."""
        result = {"loss": self.loss, "test_loss": self.test_loss}
        if self.best is not None:
            result |= {"best_f2": self.best[0], "best_step": float(self.best[1])}
        if self.accelerator.is_main_process:
            save_checkpoint(self.bare, self.tokenizer, self.folder / CHECKPOINT)
            self._write_record(status="finished", result={k: v for k, v in result.items() if v is not None})
        self.accelerator.wait_for_everyone()

    # The record

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
            parameters=0,
            steps=self.steps,
            processes=self.world,
            device=self.accelerator.device.type,
            environment=environment(),
            git_commit=git_commit(Path(__file__).parent),
        )

    def _write_record(self, **changes: Any) -> None:
        self.record = self.record.model_copy(update=changes)
        write_json(self.folder / RECORD, self.record.model_dump(mode="json"))

    def _log(self, values: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            self.metrics.log(values)


def _progress(*, shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("eta"),
        TimeRemainingColumn(), TextColumn("{task.fields[loss]}"), console=Console(stderr=True, soft_wrap=True),
        disable=not shown,
    )  # fmt: skip
