"""Chains of steps side by side: every chain in a thread that waits for its commands, one bar a chain.

Small networks gain little from a second core; two trainings on two cores take half the time of one after the other.
What the commands print goes to a file each, whose end is shown where one fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.demo_stamps import Stamps
from flows.demo_steps import Step
from hawkeye_core.errors import HawkeyeError

POLL_S = 0.5
GRACE_S = 60.0
"""How long a command that is asked to stop may take to write its checkpoint."""
SHOWN_LINES = 15


class StepFailedError(HawkeyeError):
    """A command of the demonstration ended with an error."""


class Lanes:
    """Runs chains of steps.

    Args:
        stamps: Where what is done is noted.
        logs: Folder of what the commands print.
        jobs: Chains at a time; each command computes with one thread if there are more than one.
    """

    def __init__(self, stamps: Stamps, logs: Path, *, jobs: int) -> None:
        self.stamps, self.logs, self.jobs = stamps, logs, jobs
        self._stopping = threading.Event()
        self._stopped = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def run(self, chains: Mapping[str, Sequence[Step]]) -> None:
        """Run what is not done of all chains.

        Raises:
            StepFailedError: A command ended with an error; the others were stopped, and go on when run again.
            KeyboardInterrupt: Ctrl-C, or a training was asked to stop; trainings have written their checkpoints.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        columns = (TextColumn("    {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   TextColumn("{task.fields[note]}"))  # fmt: skip
        with Progress(*columns) as bars, ThreadPoolExecutor(self.jobs) as pool:
            shown = {name: bars.add_task(name, total=None, note="waits") for name in chains}
            futures = [pool.submit(self._chain, steps, bars, shown[name]) for name, steps in chains.items()]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                failed = [future for future in done if future.exception() is not None]
                if failed:
                    self._stop()
                wait(futures)
            except KeyboardInterrupt:
                self._stop()
                wait(futures)
                raise
            for future in [*failed, *futures]:
                future.result()
        if self._stopped:
            raise KeyboardInterrupt

    def _chain(self, steps: Sequence[Step], bars: Progress, bar: TaskID) -> None:
        for step in steps:
            if self._stopping.is_set():
                return
            if not self.stamps.is_done(step):
                begun = time.monotonic()
                code = self._step(step, lambda done, of, note: bars.update(bar, completed=done, total=of, note=note))
                if code or step.unfinished():  # it was asked to stop, by this command or by somebody else
                    bars.update(bar, note=f"{step.title.partition(': ')[2]}: stopped")
                    self._stopped = True
                    return
                self.stamps.finish(step, seconds=time.monotonic() - begun)
        bars.update(bar, completed=1, total=1, note="done")

    def _step(self, step: Step, report: Callable[[int, int | None, str], None]) -> int:
        command = step.command(resumed=self.stamps.begin(step))
        log = self.logs / f"{step.name}.log"
        threads = {"OMP_NUM_THREADS": "1"} if self.jobs > 1 else {}
        with log.open("ab") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | threads)
        with self._lock:
            self._running.add(process)
        if self._stopping.is_set():
            process.terminate()
        what = step.title.partition(": ")[2]
        while process.poll() is None:
            done, of = progress_of(step)
            report(done, of, what)
            time.sleep(POLL_S)
        with self._lock:
            self._running.discard(process)
        if process.returncode and not self._stopping.is_set():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
            raise StepFailedError(
                f"{step.title}: the command ended with {process.returncode}; its last words:\n" + "\n".join(lines),
                path=log, remedy="run `make demo` again when that is mended; what is done is kept",
            )  # fmt: skip
        report(*progress_of(step), what)
        return process.returncode

    def _stop(self) -> None:
        """Ask all commands to stop; those that do not in time are killed."""
        self._stopping.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            process.terminate()
        limit = time.monotonic() + GRACE_S
        for process in running:
            try:
                process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def progress_of(step: Step) -> tuple[int, int | None]:
    """Steps that a training has taken, and of how many; of other commands nothing is known."""
    if step.run is None:
        return 0, None
    of = next((int(word.partition("=")[2]) for word in step.words if word.startswith("steps=")), None)
    try:
        with (step.run / "metrics.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            last = file.read().splitlines()[-1]
        return int(json.loads(last)["step"]), of
    except (OSError, ValueError, KeyError, IndexError):
        return 0, of
