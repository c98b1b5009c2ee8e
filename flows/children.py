"""Commands in sessions of their own whose output goes to a file: started, stopped in peace, found again after a kill.

A Ctrl-C in the terminal reaches the one that started them alone, which asks them to stop. If that one is killed they
go on; the next one finds them by the note of their process, and ends them before it goes on itself.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from flows.processes import SAME_START_S, is_alive, stop
from hawkeye_core.atomic import write_text

GRACE_S = 60.0
"""How long a command that is asked to stop may take to write its checkpoint."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running command.

    Args:
        popen: Its process.
        log: Everything it prints.
        note: File that names its process, so that it is found again.
    """

    popen: subprocess.Popen[bytes]
    log: Path
    note: Path

    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        code = self.popen.poll()
        if code is not None:
            self.note.unlink(missing_ok=True)
        return code

    def last_words(self, lines: int) -> str:
        """The end of what it printed."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def start(words: Sequence[str], *, log: Path, note: Path, env: Mapping[str, str]) -> Child:
    """Start a command.

    Args:
        words: Of the command.
        log: Gets what it prints, behind what is there.
        note: Where its process is noted.
        env: Variables beside those of this process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        popen = subprocess.Popen(
            list(words), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            env=os.environ | dict(env), start_new_session=True,
        )  # fmt: skip
    try:
        started = psutil.Process(popen.pid).create_time()
    except psutil.NoSuchProcess:  # it has ended at once
        started = 0.0
    write_text(note, json.dumps({"pid": popen.pid, "started": started}) + "\n")
    return Child(popen, log, note)


def noted(note: Path) -> psutil.Process | None:
    """The process of a note, if it still runs; an id that now belongs to another program is not it."""
    try:
        written = json.loads(note.read_text(encoding="utf-8"))
        process = psutil.Process(int(written["pid"]))
        same = abs(process.create_time() - float(written["started"])) < SAME_START_S
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if same and is_alive(process) else None


def stop_children(children: Sequence[Child], *, grace_s: float = GRACE_S) -> None:
    """Ask commands to stop; what of them and their own processes is left after a while is killed."""
    _stop([psutil.Process(child.popen.pid) for child in children if child.popen.poll() is None], grace_s=grace_s)
    for child in children:
        child.popen.wait()
        child.note.unlink(missing_ok=True)


def left_behind(notes: Path) -> dict[str, psutil.Process]:
    """Commands that a killed process left running, by the names of their notes ``<name>.pid`` in a folder."""
    return {path.stem: process for path in sorted(notes.glob("*.pid")) if (process := noted(path)) is not None}


def stop_left_behind(notes: Path, *, grace_s: float = GRACE_S) -> None:
    """End them.

    Args:
        notes: Folder of the notes.
        grace_s: Time to write a checkpoint.
    """
    _stop(list(left_behind(notes).values()), grace_s=grace_s)
    for path in notes.glob("*.pid"):
        path.unlink(missing_ok=True)


def _stop(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    families = []
    for process in processes:
        try:
            families += process.children(recursive=True)
        except psutil.NoSuchProcess:
            continue
    stop(processes, grace_s=grace_s)
    stop(families, grace_s=1.0)
