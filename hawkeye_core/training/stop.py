"""Asking a run to stop: SIGTERM, Ctrl-C, or a file in its folder."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from hawkeye_core.stopping import StopRequest

TRIGGER = "STOP"
"""A file of this name in the run's folder stops the run, for those who cannot send it a signal."""


class StopAskedError(Exception):
    """Leaves a step or an evaluation so that the checkpoint is written; never reaches the user."""


class StopSignal(StopRequest):
    """Remembers that the run was asked to stop, by a signal or by the trigger file.

    Left with an error, it ends the data workers begun inside: they ignore the signal by which Python ends them
    (:func:`ignore_stop`), and the process would wait for them for ever.

    Args:
        run: The run's folder.
    """

    def __init__(self, run: str | Path) -> None:
        super().__init__()
        self.trigger = Path(run) / TRIGGER
        self._others: list[multiprocessing.process.BaseProcess] = []

    def __enter__(self) -> Self:
        self._others = multiprocessing.active_children()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for child in multiprocessing.active_children():
                if child.daemon and child not in self._others:
                    child.kill()
        super().__exit__(kind, error, trace)

    def asked(self) -> bool:
        """Whether this process was asked to stop."""
        return super().asked() or self.trigger.exists()

    def clear(self) -> None:
        """Remove the trigger file, so that the resumed run goes on."""
        self.trigger.unlink(missing_ok=True)


def ignore_stop(worker: int) -> None:
    """For workers of a ``DataLoader``: a signal to the whole process group is the trainer's to answer."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
