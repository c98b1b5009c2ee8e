"""Where metrics go: ``metrics.jsonl`` always, TensorBoard where it is installed, Weights & Biases on request."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from hawkeye_core.errors import BackendUnavailableError

METRICS = "metrics.jsonl"


class Tracker(Protocol):
    """Takes scalars of a step."""

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Write them."""

    def close(self) -> None:
        """Flush to disk."""


class TensorBoard:
    """Events in ``RUN/tensorboard``.

    Args:
        folder: Of the run.
        first_step: Events from this step on, of a run that was killed, are hidden.
    """

    def __init__(self, folder: Path, *, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step)

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """See :class:`Tracker`."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        """See :class:`Tracker`."""
        self.writer.close()


class WandB:
    """A run of Weights & Biases; resumed under the same id, the name of the run's folder."""

    def __init__(self, project: str, folder: Path) -> None:
        if importlib.util.find_spec("wandb") is None:
            raise BackendUnavailableError(
                "Weights & Biases is not installed", remedy="pip install wandb, or leave `wandb` empty"
            )
        import wandb

        self.run = wandb.init(project=project, id=folder.name, dir=str(folder), resume="allow")

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """See :class:`Tracker`."""
        self.run.log(dict(values), step=step)

    def close(self) -> None:
        """See :class:`Tracker`."""
        self.run.finish()


class Metrics:
    """One JSON line a step, and the trackers.

    Args:
        folder: Of the run.
        trackers: Take the same numbers.
    """

    def __init__(self, folder: Path, trackers: tuple[Tracker, ...] = ()) -> None:
        self.path = folder / METRICS
        self.trackers = trackers

    def log(self, values: dict[str, Any]) -> None:
        """Append a line; ``values`` holds ``step``."""
        with self.path.open("a") as file:
            file.write(json.dumps(values) + "\n")
        numbers = dict(_scalars(values))
        for tracker in self.trackers:
            tracker.log(numbers, step=values["step"])

    def flush(self) -> int:
        """Bring the lines to the disk; returns how many bytes there are."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())
            return file.tell()

    def cut(self, size: int) -> None:
        """Take away what stands behind the first ``size`` bytes."""
        with self.path.open("ab") as file:
            file.truncate(size)

    def close(self) -> None:
        """Close the trackers."""
        for tracker in self.trackers:
            tracker.close()


def trackers_for(folder: Path, *, tensorboard: bool, wandb: str, first_step: int) -> tuple[Tracker, ...]:
    """The trackers of a run.

    Raises:
        BackendUnavailableError: Weights & Biases is asked for and not installed.
    """
    found: list[Tracker] = []
    if tensorboard and importlib.util.find_spec("tensorboard") is not None:
        found.append(TensorBoard(folder, first_step=first_step))
    if wandb:
        found.append(WandB(wandb, folder))
    return tuple(found)


def _scalars(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Numbers by name; lists as ``name/0``, ``name/1`` ..."""
    for name, value in values.items():
        if isinstance(value, list):
            yield from ((f"{name}/{i}", float(item)) for i, item in enumerate(value))
        elif name != "step":
            yield name, float(value)
