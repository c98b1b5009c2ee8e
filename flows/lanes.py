"""Steps side by side: as many commands at a time as there are jobs, each when what it needs is done.

Small networks gain little from a second core; two trainings on two cores take half the time of one after the other.
What the commands print goes to a file each, whose end is shown where one fails.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from flows.children import Child, start, stop_children
from flows.stamps import Stamps
from flows.steps import Step
from hawkeye_core.errors import HawkeyeError

POLL_S = 0.5
SHOWN_LINES = 15


class StepFailedError(HawkeyeError):
    """A command of a plan ended with an error."""


class Watch(Protocol):
    """Is told what happens."""

    def begins(self, step: Step) -> None:
        """Its command runs."""

    def goes_on(self, step: Step) -> None:
        """Its command still runs; told every half second."""

    def done(self, step: Step) -> None:
        """It is done and noted."""

    def failed(self, step: Step, error: StepFailedError) -> None:
        """Its command ended with an error."""

    def stopped(self, step: Step) -> None:
        """Its training has left before its end, behind a checkpoint."""


class Lanes:
    """Runs steps.

    Args:
        stamps: Where what is done is noted.
        logs: Folder of what the commands print, and of the notes of their processes.
        jobs: Commands at a time.
        watch: Is told what happens.
        again: Command that goes on, for error messages.
        env: Variables of the commands beside those of this process.
        keep_going: Do what does not need a failed step; otherwise a failure stops all others.
    """

    def __init__(
        self, stamps: Stamps, logs: Path, *, jobs: int, watch: Watch, again: str, env: Mapping[str, str] | None = None,
        keep_going: bool = False,
    ) -> None:  # fmt: skip
        self.stamps, self.logs, self.jobs, self.watch = stamps, logs, jobs, watch
        self.again, self.env, self.keep_going = again, dict(env or {}), keep_going
        self._running: dict[str, tuple[Step, Child, float]] = {}
        self._waiting: list[Step] = []
        self._failures: list[StepFailedError] = []
        self._stopped = False

    def run(self, steps: Sequence[Step]) -> list[StepFailedError]:
        """Run what is not done, of all that is ready the first in order; returns the failures.

        Raises:
            KeyboardInterrupt: Ctrl-C, or a training was asked to stop; trainings have written their checkpoints.
            ValueError: A step needs one that does not stand before it.
        """
        _check_order(steps)
        self._waiting = [step for step in steps if not self.stamps.is_done(step)]
        self._failures, self._stopped = [], False
        try:
            while self._start_ready() or self._running:
                time.sleep(POLL_S)
                self._look()
                if self._failures and not self.keep_going:
                    break
        finally:  # an error or a signal too
            self._stop()
        if self._stopped and not self._failures:
            raise KeyboardInterrupt
        return self._failures

    def _start_ready(self) -> bool:
        """Fill the free lanes; returns whether anything was begun."""
        begun = False
        while len(self._running) < self.jobs:
            undone = {step.name for step in self._waiting} | set(self._running)
            ready = next((step for step in self._waiting if undone.isdisjoint(step.needs)), None)
            if ready is None:
                break
            self._waiting.remove(ready)
            self._begin(ready)
            begun = True
        return begun

    def _begin(self, step: Step) -> None:
        resumed = self.stamps.begin(step)
        if not resumed:
            for folder in step.fresh:
                shutil.rmtree(folder, ignore_errors=True)
        child = start(
            step.command(resumed=resumed), log=self.logs / f"{step.name}.log", note=self.logs / f"{step.name}.pid",
            env=self.env,
        )  # fmt: skip
        self._running[step.name] = step, child, time.monotonic()
        self.watch.begins(step)

    def _look(self) -> None:
        for name, (step, child, begun) in list(self._running.items()):
            code = child.ended()
            if code is None:
                self.watch.goes_on(step)
                continue
            del self._running[name]
            if code:
                self._fail(step, child, code)
            elif step.unfinished():  # somebody else asked it to stop
                self._stopped = True
                self._leave_out(step)
                self.watch.stopped(step)
            else:
                self.stamps.finish(step, seconds=time.monotonic() - begun)
                self.watch.done(step)

    def _fail(self, step: Step, child: Child, code: int) -> None:
        self.stamps.fail(step)
        error = StepFailedError(
            f"{step.title}: the command ended with {code}; its last words:\n{child.last_words(SHOWN_LINES)}",
            path=child.log, remedy=f"run `{self.again}` again when that is mended; what is done is kept",
        )  # fmt: skip
        self._failures.append(error)
        self._leave_out(step)
        self.watch.failed(step, error)

    def _leave_out(self, open_one: Step) -> None:
        """Take away all that needs a step that will not be done now, directly or not."""
        lost = {open_one.name}
        for step in list(self._waiting):  # needs stand before
            if not lost.isdisjoint(step.needs):
                lost.add(step.name)
                self._waiting.remove(step)

    def _stop(self) -> None:
        """Ask all commands to stop; those that do not in time are killed."""
        children = [child for _, child, _ in self._running.values()]
        self._running.clear()
        stop_children(children)


def _check_order(steps: Sequence[Step]) -> None:
    before: set[str] = set()
    for step in steps:
        if unknown := [name for name in step.needs if name not in before]:
            raise ValueError(f"{step.name} needs {unknown[0]}, which does not stand before it")
        before.add(step.name)
