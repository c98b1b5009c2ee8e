"""The loop that trains every small network: AdamW, averaged weights, exact resume. What is learnt is a task's."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from hawkeye_core.errors import ConfigError
from hawkeye_core.progress import step_progress
from hawkeye_core.tiny.average import RunningAverage
from hawkeye_core.tiny.checkpoint import (
    BEST,
    LAST,
    append_row,
    drop_rows_behind,
    load_checkpoint,
    save_checkpoint,
    save_weights,
)
from hawkeye_core.tiny.config import RANDOM, SHIPPED, LoopSettings
from hawkeye_core.tiny.loading import device_of, loader, one_thread_a_process, to_device
from hawkeye_core.tiny.machine import hardware
from hawkeye_core.tiny.means import Means
from hawkeye_core.tiny.shipped import ShippedName, shipped
from hawkeye_core.training.record import RECORD, fresh_folder, write_json
from hawkeye_core.training.stop import StopSignal
from hawkeye_core.weights import load_state_dict, load_strictly


class Task(Protocol):
    """What is trained, on what, and how good it is."""

    name: ShippedName
    """Of the weights."""
    measure: str
    """The key of :meth:`evaluate` by which the best weights are kept; higher is better."""

    @property
    def model(self) -> nn.Module:
        """In float32 with random weights of its own choosing; made on the CPU, then moved to where it is trained."""
        ...

    def batches(self, seed: int, start: int) -> Iterator[Any]:
        """Endless batches of tensors (a dict, a tuple or a dataclass), the first of them batch number ``start``.

        Batch k is a function of ``seed`` and k alone. Runs in another process and must not touch the model.
        """
        ...

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Named scalars, weighted already; their sum is minimised. The batch is where the model is."""
        ...

    def evaluate(self) -> dict[str, float]:
        """Measures of :attr:`model` as it stands (in evaluation mode, averaged weights) on held-out data."""
        ...


def train(task: Task, settings: LoopSettings, *, begun: bool = False) -> Path:
    """Train, evaluate, keep the best; SIGTERM, Ctrl-C or a file STOP in the folder write a checkpoint and return.

    Args:
        task: What to learn; its model is trained in place and holds the averaged weights at the end.
        settings: See there.
        begun: The model has the weights of ``settings.start`` already.

    Returns:
        The run's folder, with ``run.json``, ``metrics.jsonl``, ``checkpoint.pt``, ``last.safetensors`` and
        ``best.safetensors`` (averaged weights).

    Raises:
        ConfigError: A loss is not finite.
        WeightsError: The weights to start with, or the checkpoint to resume from, cannot be used.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    return _Run(task, settings, begun=begun).run()


class _Run:
    """State of a run between its steps."""

    def __init__(self, task: Task, settings: LoopSettings, *, begun: bool) -> None:
        self.task, self.settings = task, settings
        self.step, self.seconds, self.best = 0, 0.0, -math.inf
        self.result: dict[str, float] = {}
        if not settings.resume and not begun and settings.start != RANDOM:
            path = shipped(task.name) if settings.start == SHIPPED else Path(settings.start)
            load_strictly(task.model, load_state_dict(path), path=path)
        self.device = device_of(settings.device)
        task.model.to(self.device)
        if (
            self.device.type == "cuda"
        ):  # products in TF32; the fastest convolution is sought for the one size of batches
            torch.set_float32_matmul_precision("high")
            torch.backends.cudnn.benchmark = True
        self.average = RunningAverage(task.model, decay=settings.ema)
        self.optimiser = _optimiser(task.model, settings)
        if settings.resume:
            self.folder = Path(settings.run)
            self._load(load_checkpoint(self.folder))
            drop_rows_behind(self.folder, step=self.step)
        else:
            self.folder = fresh_folder(settings.run)

    def run(self) -> Path:
        """All steps that are left."""
        settings, model = self.settings, self.task.model
        self._record("running")
        model.train()
        rows = Means()
        saved = time.monotonic()
        with one_thread_a_process(), StopSignal(self.folder) as stop, step_progress() as bar:
            batches = iter(loader(self.task, seed=settings.seed, start=self.step, workers=settings.workers))
            shown = bar.add_task(self.task.name, total=settings.steps, completed=self.step, note="")
            while not self._done():
                if stop.asked():
                    break
                begun = time.perf_counter()
                batch = next(batches)
                waited = time.perf_counter() - begun
                values = self._take_step(batch)
                self.seconds += time.perf_counter() - begun
                rows.add({**values, "seconds": time.perf_counter() - begun, "data_wait_s": waited})
                if self.step % settings.log_every == 0:
                    row = rows.take()
                    append_row(self.folder, {"step": self.step, "minutes": round(self.seconds / 60, 3), **row})
                    bar.update(shown, total=self._expected_steps(), note=f"loss {row['loss']:.4f} {self._note()}")
                bar.update(shown, completed=self.step)
                if self.step % settings.eval_every == 0 and not self._done():
                    self._evaluate()
                if time.monotonic() - saved > 60 * settings.checkpoint_minutes:
                    self._save()
                    saved = time.monotonic()
            stopped = not self._done()
            self._save()
            if not stopped:
                self._evaluate()
            stop.clear()
        del batches
        self._record("stopped" if stopped else "finished")
        model.load_state_dict(self.average.state)
        model.eval()
        return self.folder

    def _take_step(self, batch: Any) -> dict[str, float]:
        settings = self.settings
        rate = settings.lr * self._rate_factor()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        losses = self.task.losses(to_device(batch, self.device))
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.task.model.parameters(), settings.clip)
        loss, size, *each = torch.stack([total, norm, *losses.values()]).tolist()  # a GPU is waited for once a step
        parts = dict(zip(losses, each, strict=True))
        if not math.isfinite(loss):
            raise ConfigError(
                f"the loss is {loss} at step {self.step}: {parts}",
                remedy="choose a smaller `lr`, or go on from the last checkpoint with resume=true and a smaller `lr`",
            )
        self.optimiser.step()
        self.average.update()
        self.step += 1
        return {"loss": loss, **parts, "grad_norm": size, "lr": rate}

    def _progress(self) -> float:
        """Part of the run that is over, 0..1."""
        gone = self.step / self.settings.steps
        if self.settings.minutes is not None:
            gone = max(gone, self.seconds / (60 * self.settings.minutes))
        return min(gone, 1.0)

    def _done(self) -> bool:
        return self._progress() >= 1.0

    def _expected_steps(self) -> int:
        return round(self.step / max(self._progress(), 1e-9))

    def _rate_factor(self) -> float:
        """Linear rise over the warm-up, and half a cosine from 1 to 0 over the whole run."""
        rise = min(1.0, (self.step + 1) / max(self.settings.warmup_steps, 1))
        return rise * 0.5 * (1.0 + math.cos(math.pi * self._progress()))

    def _evaluate(self) -> None:
        with self.average.in_place(), torch.no_grad():
            found = self.task.evaluate()
        self.result = {name: value for name, value in found.items() if math.isfinite(value)}  # NaN: nothing to measure
        append_row(self.folder, {"step": self.step, "minutes": round(self.seconds / 60, 3), "eval": self.result})
        save_weights(self.average.state, self.folder / LAST)
        if (reached := self.result.get(self.task.measure, -math.inf)) > self.best:
            self.best = reached
            save_weights(self.average.state, self.folder / BEST)

    def _note(self) -> str:
        measure = self.task.measure
        return f"{measure} {self.result[measure]:.3f} (best {self.best:.3f})" if measure in self.result else ""

    def _record(self, status: str) -> None:
        """``run.json``: what the card is made from."""
        settings = self.settings
        write_json(self.folder / RECORD, {
            "status": status, "task": self.task.name, "measure": self.task.measure,
            "settings": settings.model_dump(mode="json"), "steps": self.step,
            "samples": self.step * settings.batch, "minutes": round(self.seconds / 60, 2), "result": self.result,
            "hardware": hardware(self.device, threads=settings.threads, workers=settings.workers),
            "parameters": sum(p.numel() for p in self.task.model.parameters()),
        })  # fmt: skip

    def _save(self) -> None:
        save_checkpoint({
            "model": self.task.model.state_dict(), "average": self.average.state, "updates": self.average.updates,
            "optimiser": self.optimiser.state_dict(), "rng": torch.get_rng_state(), "step": self.step,
            "seconds": self.seconds, "best": self.best, "result": self.result,
        }, self.folder)  # fmt: skip
        self._record("running")

    def _load(self, state: dict[str, Any]) -> None:
        self.task.model.load_state_dict(state["model"])
        self.average.load(state["average"], updates=state["updates"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["rng"])
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        self.result = state["result"]


def _optimiser(model: nn.Module, settings: LoopSettings) -> torch.optim.AdamW:
    """Weight decay on weights of two or more axes only: not on biases and norms."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.lr, foreach=True)
