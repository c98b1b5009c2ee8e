"""What of a plan is done: a small file a step, with the key of all that decided its result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from flows.steps import Step
from hawkeye_core.atomic import write_text

Status = Literal["new", "begun", "failed", "done"]
"""Of a step with its present key; ``new`` also if it was done with another one."""
_WRITTEN: tuple[Status, ...] = ("begun", "failed", "done")


class Stamps:
    """Reads and writes them.

    Args:
        folder: Gets ``<step>.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def status(self, step: Step) -> Status:
        """How far it has come with its present key."""
        stamp = self._read(step)
        if stamp.get("key") != step.key:
            return "new"
        return next((known for known in _WRITTEN if known == stamp.get("status")), "new")

    def is_done(self, step: Step) -> bool:
        """Whether it was finished with the same key."""
        return self.status(step) == "done"

    def begin(self, step: Step) -> bool:
        """Note that it has begun; returns whether it had begun before with the same key, so that it can go on."""
        again = self._read(step).get("key") == step.key
        seconds = self.seconds(step) if again else 0.0
        self._write(step, {"key": step.key, "status": "begun", "seconds": seconds})
        return again

    def fail(self, step: Step) -> None:
        """Note that its command ended with an error; it can go on from there."""
        self._write(step, {"key": step.key, "status": "failed", "seconds": self.seconds(step)})

    def finish(self, step: Step, *, seconds: float) -> None:
        """Note that it is done; the time of interrupted attempts is not counted."""
        self._write(step, {"key": step.key, "status": "done", "seconds": round(seconds, 1)})

    def seconds(self, step: Step) -> float:
        """How long it took when it was done."""
        try:
            return float(self._read(step).get("seconds", 0.0))
        except (TypeError, ValueError):
            return 0.0

    def _read(self, step: Step) -> dict[str, Any]:
        try:
            found = json.loads(self._path(step).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, step: Step, stamp: dict[str, Any]) -> None:
        write_text(self._path(step), json.dumps(stamp) + "\n")

    def _path(self, step: Step) -> Path:
        return self.folder / f"{step.name}.json"
