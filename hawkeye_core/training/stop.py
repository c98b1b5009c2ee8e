"""Asking a run to stop: SIGTERM, Ctrl-C, or a file in its folder."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

TRIGGER = "STOP"
"""A file of this name in the run's folder stops the run, for those who cannot send it a signal."""


class StopAskedError(Exception):
    """Leaves a step or an evaluation so that the checkpoint is written; never reaches the user."""


class StopSignal:
    """Remembers that the run was asked to stop; as a context it listens to SIGTERM and SIGINT.

    A second Ctrl-C interrupts at once. Left with an error, it ends the data workers begun inside: they ignore the
    signal by which Python ends them (:func:`ignore_stop`), and the process would wait for them for ever.

    Args:
        run: The run's folder.
    """

    def __init__(self, run: str | Path) -> None:
        self.trigger = Path(run) / TRIGGER
        self._signalled = False
        self._before: dict[int, Any] = {}
        self._others: list[multiprocessing.process.BaseProcess] = []

    def __enter__(self) -> Self:
        self._others = multiprocessing.active_children()
        if threading.current_thread() is threading.main_thread():  # Python allows no other thread to set handlers
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for child in multiprocessing.active_children():
                if child.daemon and child not in self._others:
                    child.kill()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def asked(self) -> bool:
        """Whether this process was asked to stop."""
        return self._signalled or self.trigger.exists()

    def clear(self) -> None:
        """Remove the trigger file, so that the resumed run goes on."""
        self.trigger.unlink(missing_ok=True)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self._before[signal.SIGINT])


def ignore_stop(worker: int) -> None:
    """For workers of a ``DataLoader``: a signal to the whole process group is the trainer's to answer."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
