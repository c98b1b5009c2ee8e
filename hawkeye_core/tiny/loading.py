"""Batches of a task, made by processes of their own, and moved to where the network is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from hawkeye_core.training.stop import ignore_stop

BATCHES_AHEAD = 4
"""Made by each data process before they are asked for."""
_STREAM = 1_000_003
"""Between the seeds of the streams of different processes."""


class Batches(Protocol):
    """What of a task is needed here."""

    def batches(self, seed: int, start: int) -> Iterator[Any]:
        """Endless batches, the first of them number ``start``; batch k is a function of ``seed`` and k alone."""
        ...


class _Stream(IterableDataset[Any]):
    """One process's share: with W processes, process w makes the batches w, w + W, ... as a stream of its own."""

    def __init__(self, task: Batches, *, seed: int, start: int) -> None:
        self.task, self.seed, self.start = task, seed, start

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        # The loader asks its processes in turn, beginning with process 0, also when a run is gone on with.
        rounds, turn = divmod(self.start, workers)
        stream, behind = (worker + turn) % workers, worker + turn >= workers
        return self.task.batches((self.seed + stream * _STREAM) % 2**31, rounds + int(behind))


@contextmanager
def one_thread_a_process() -> Iterator[None]:
    """Data processes started in here draw with one thread each, not with as many as there are cores.

    OpenCV is told so in the process that starts them: in a forked one, once its threads have run, it would hang.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def loader(task: Batches, *, seed: int, start: int, workers: int) -> DataLoader[Any]:
    """Batches ``start`` and up, a function of ``seed`` and the number of processes.

    Args:
        task: Makes them; must be ready to be sent to another process.
        seed: With one process, the seed of its only stream.
        start: Number of the first batch.
        workers: Processes.
    """
    return DataLoader(
        _Stream(task, seed=seed, start=start), batch_size=None, num_workers=workers, prefetch_factor=BATCHES_AHEAD,
        collate_fn=_as_it_is, worker_init_fn=ignore_stop,
        generator=torch.Generator().manual_seed(seed),  # else it would draw from the losses' generator
    )  # fmt: skip


def to_device(batch: Any, device: torch.device) -> Any:
    """The batch with all its tensors on a device: dataclasses, tuples, lists and dicts are looked through."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if is_dataclass(batch) and not isinstance(batch, type):
        values = {field.name: to_device(getattr(batch, field.name), device) for field in fields(batch)}
        return type(batch)(**values)
    if isinstance(batch, tuple | list):
        return type(batch)(to_device(value, device) for value in batch)
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    return batch


def device_of(name: str) -> torch.device:
    """``auto``: the first GPU if there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _as_it_is(batch: Any) -> Any:
    return batch
