"""What of the demonstration is done: a small file a step, with the key of all that decided its result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.demo_steps import Step
from hawkeye_core.atomic import write_text


class Stamps:
    """Reads and writes them.

    Args:
        folder: Gets ``<step>.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def is_done(self, step: Step) -> bool:
        """Whether it was finished with the same key."""
        stamp = self._read(step)
        return stamp.get("key") == step.key and stamp.get("status") == "done"

    def begin(self, step: Step) -> bool:
        """Note that it has begun; returns whether it had begun before with the same key, so that it can go on."""
        again = self._read(step).get("key") == step.key
        seconds = self.seconds(step) if again else 0.0
        self._write(step, {"key": step.key, "status": "begun", "seconds": seconds})
        return again

    def finish(self, step: Step, *, seconds: float) -> None:
        """Note that it is done; the time of interrupted attempts is not counted."""
        self._write(step, {"key": step.key, "status": "done", "seconds": round(seconds, 1)})

    def seconds(self, step: Step) -> float:
        """How long it took when it was done."""
        return float(self._read(step).get("seconds", 0.0))

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
