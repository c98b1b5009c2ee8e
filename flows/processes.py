"""Background processes that are found again by file: started, recognised, stopped. Never a stranger's."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SAME_START_S = 0.5
"""A process is ours when its id and, within this, its start time are those written down."""


@dataclass(frozen=True)
class Service:
    """One background process of a state folder.

    Args:
        name: ``server`` or ``worker``; names the files ``NAME.pid`` and ``NAME.log``.
        state: The state folder.
    """

    name: str
    state: Path

    @property
    def log(self) -> Path:
        """Everything the process prints."""
        return self.state / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """Its id, start time and port, as JSON."""
        return self.state / f"{self.name}.pid"

    def start(self, command: Sequence[str], *, port: int, cwd: Path, environment: Mapping[str, str]) -> psutil.Process:
        """Start it in a session of its own, so that Ctrl-C in a terminal and the terminal's end do not reach it."""
        self.state.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
            )
        process = psutil.Process(child.pid)
        partial = self.record.with_suffix(f".tmp-{os.getpid()}")
        partial.write_text(json.dumps({"pid": child.pid, "started": process.create_time(), "port": port}))
        partial.replace(self.record)
        return process

    def process(self) -> psutil.Process | None:
        """The running process, or ``None``: never started, ended, or its id now belongs to another program."""
        written = self._read()
        if written is None:
            return None
        try:
            process = psutil.Process(int(written["pid"]))
            same = abs(process.create_time() - written["started"]) < SAME_START_S
        except psutil.NoSuchProcess:
            return None
        return process if same and is_alive(process) else None

    def port(self) -> int | None:
        """The port it was started for, if it runs."""
        written = self._read()
        return int(written["port"]) if written is not None and self.process() is not None else None

    def forget(self) -> None:
        """Remove the record of an ended process."""
        self.record.unlink(missing_ok=True)

    def log_tail(self, lines: int = 15) -> str:
        """The log's last lines, for an error message."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _read(self) -> dict[str, float] | None:
        try:
            written = json.loads(self.record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        complete = isinstance(written, dict) and {"pid", "started", "port"} <= set(written)
        return written if complete else None


def is_alive(process: psutil.Process) -> bool:
    """Running, and not merely waiting for its parent to notice its end."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(processes: Iterable[psutil.Process], *, grace_s: float) -> list[psutil.Process]:
    """SIGTERM, wait up to ``grace_s`` seconds, then SIGKILL; returns those that had to be killed."""
    remaining = [process for process in processes if is_alive(process)]
    for process in remaining:
        _signal(process, kill=False)
    deadline = time.monotonic() + grace_s
    while remaining and time.monotonic() < deadline:
        time.sleep(0.1)
        remaining = [process for process in remaining if is_alive(process)]
    for process in remaining:
        _signal(process, kill=True)
    psutil.wait_procs(remaining, timeout=5)
    return remaining


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return


@contextmanager
def held(process: psutil.Process | None) -> Iterator[None]:
    """Keep a process from running meanwhile (SIGSTOP, SIGCONT)."""
    if process is None:
        yield
        return
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def flow_run_processes(api_url: str) -> dict[str, psutil.Process]:
    """Flow runs of this user that are being executed for the given server: flow run id -> process.

    Found by the variables Prefect gives them, because a killed worker leaves them without a parent. Their own
    children inherit the variables; the oldest process is the run.
    """
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            run_id = variables.get("PREFECT__FLOW_RUN_ID")
            if not run_id or variables.get("PREFECT_API_URL") != api_url or not is_alive(process):
                continue
            if run_id not in found or process.create_time() < found[run_id].create_time():
                found[run_id] = process
        except (psutil.Error, OSError):  # another user's, or it has just ended
            continue
    return found
