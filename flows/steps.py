"""A step of a plan: a command that a user could type, with all that decides its result."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from hawkeye_core.tiny.shipped import BEGINNINGS, shipped_folder

RECORD, METRICS = "run.json", "metrics.jsonl"
_FREE = ("--jobs=", "workers=", "checkpoint_every=", "keep_last=")
"""Beginnings of words that decide no result."""
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Step:
    """A command.

    Args:
        name: Of its stamp and its log.
        title: For people.
        words: The command.
        after: Key of what it reads: steps before, files of the package.
        run: Folder of the training run it makes; None if it is no training.
        chain: Steps of one chain follow one another; chains do not wait for each other. Empty: everything waits.
        needs: Names of the steps that must be done before.
        kind: Steps of one kind take about as long.
        fresh: Folders that are removed before it begins anew; what an interrupted step left there it goes on with.
    """

    name: str
    title: str
    words: tuple[str, ...]
    after: str
    run: Path | None = None
    chain: str = ""
    needs: tuple[str, ...] = ()
    kind: str = ""
    fresh: tuple[Path, ...] = ()

    @property
    def key(self) -> str:
        """Digest of all that decides the result; how many work at a time does not."""
        return digest(self.name, *(word for word in self.words[1:] if not word.startswith(_FREE)), self.after)

    def command(self, *, resumed: bool) -> list[str]:
        """The words to run; a training that was interrupted behind a checkpoint goes on from it."""
        if self.run is not None and resumed and any((self.run / "checkpoints").glob("step-*")):
            return [*self.words[:4], "--resume", "--run", str(self.run)]
        return list(self.words)

    def unfinished(self) -> bool:
        """Whether it is a training that has stopped before its end."""
        if self.run is None:
            return False
        try:
            return bool(json.loads((self.run / RECORD).read_text(encoding="utf-8"))["status"] != "finished")
        except (OSError, ValueError, KeyError, TypeError):
            return True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training has come.

    Args:
        done: Optimiser steps.
        of: All of them; None if that is not known.
        step_s: Seconds a step, the median of the last ones; None before the first.
    """

    done: int = 0
    of: int | None = None
    step_s: float | None = None


def progress_of(step: Step) -> Progress:
    """Read from the run's files; of other commands than trainings nothing is known."""
    if step.run is None:
        return Progress()
    of = _steps_of(step, step.run)
    try:
        with (step.run / METRICS).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines()
        done = int(json.loads(lines[-1])["step"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return Progress(0, of)
    return Progress(done, of, _median_seconds(lines[1:]))


def _steps_of(step: Step, run: Path) -> int | None:
    try:
        return int(json.loads((run / RECORD).read_text(encoding="utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return next((int(word.partition("=")[2]) for word in step.words if word.startswith("steps=")), None)


def _median_seconds(lines: list[bytes]) -> float | None:
    found = []
    for line in lines:
        try:
            found.append(float(json.loads(line)["seconds"]))
        except (ValueError, KeyError, TypeError):  # an evaluation's line, or one being written
            continue
    return statistics.median(found) if found else None


def hawkeye(*words: str) -> tuple[str, ...]:
    """The words of a ``hawkeye`` command, run by this Python."""
    return (sys.executable, "-m", "hawkeye_core.cli", *words)


def package_weights(start: str = "") -> str:
    """Digest of the package's weights that features come from, and of what a training begins with.

    Args:
        start: That setting of the training; of the package's parts that one can begin with, the others decide nothing.
    """
    folder, unused = shipped_folder(), {*BEGINNINGS.values()} - {BEGINNINGS.get(start)}
    found = sorted(folder.rglob("*.safetensors"))
    files = [path for path in found if not unused & {*path.relative_to(folder).parts}]
    return digest(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))


def preset_digest(config: str) -> str:
    """Digest of a training preset's content, or of that of a YAML file; of the name, if there is neither."""
    preset = resources.files("hawkeye_core.training") / "presets" / f"{config}.yaml"
    for place in (preset, Path(config).expanduser()):
        if place.is_file():
            return digest(place.read_bytes().decode("utf-8", errors="replace"))
    return digest(config)


def digest(*parts: str) -> str:
    """16 hexadecimal digits that change with any of the parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
