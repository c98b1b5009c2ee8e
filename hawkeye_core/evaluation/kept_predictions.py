"""Answers to windows kept as they come, so that an evaluation that was interrupted goes on where it stood.

JSON lines in the folder of the results, one a window, removed when the results are written::

    {"check": "first 16 digits of the SHA-256 of what follows", "kept": {"key": ..., "start": 0, "stop": 512, ...}}

The key is a digest of all that decides the answers to the windows of a video: checkpoint, features, questions,
settings. A line counts only if it is whole and its check is right; what else stands there is answered again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from hawkeye_core.answers.segments import Segment
from hawkeye_core.atomic import replacing
from hawkeye_core.evaluation.by_second import BySecond
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.evaluation.window_answers import WindowAnswer
from hawkeye_core.training.windows import WindowSpec

logger = logging.getLogger(__name__)

JOURNAL = "unfinished.jsonl"
FORMAT = 1
"""Part of every key: answers of another form are not taken."""
SYNC_S = 5.0
"""Seconds between two waits for the disk. A killed process loses nothing either way, a machine without power this."""

_Place = tuple[str, int, int]


class KeptAnswers:
    """The journal of one evaluation; a context in which answers are taken from it and added.

    Opening it drops damaged lines. Answers of other keys stay until the journal is removed, so that a wrong setting in
    between costs nothing.

    Args:
        path: The journal; made if it is not there.
        keys: By video; see :func:`answer_key`.
    """

    def __init__(self, path: str | Path, keys: Mapping[str, str]) -> None:
        self.path = Path(path)
        self.keys = keys
        self._known = self._read()
        self._file: IO[bytes] = self.path.open("ab")
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sync()
        self._file.close()

    def get(self, spec: WindowSpec) -> WindowAnswer | None:
        """The answer to a window, if it is known."""
        return self._known.get((self.keys[spec.video], spec.start, spec.stop))

    def add(self, answers: Mapping[WindowSpec, WindowAnswer]) -> None:
        """Write the answers of a batch."""
        self._file.write(b"".join(_line(self.keys[spec.video], spec, answer) for spec, answer in answers.items()))
        self._file.flush()
        if time.monotonic() - self._synced >= SYNC_S:
            self._sync()

    def remove(self) -> None:
        """Everything is written elsewhere."""
        self.path.unlink(missing_ok=True)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _read(self) -> dict[_Place, WindowAnswer]:
        """The answers that are there; what is no whole line of a journal is taken out of the file."""
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return {}
        found: dict[_Place, WindowAnswer] = {}
        good = []
        for line in lines:
            place, answer = _parse(line)
            if answer is not None:
                found[place] = answer
                good.append(line)
        if len(good) < len(lines):
            logger.warning("%s: %d damaged lines are left out", self.path, len(lines) - len(good))
            with replacing(self.path) as temporary:
                temporary.write_bytes(b"".join(good))
        return found


def answer_key(facts: Mapping[str, Any]) -> str:
    """Digest of everything that decides the answers to the windows of a video.

    Args:
        facts: Values that JSON knows.
    """
    text = json.dumps({"format": FORMAT} | dict(facts), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _line(key: str, spec: WindowSpec, answer: WindowAnswer) -> bytes:
    kept = {
        "key": key, "start": spec.start, "stop": spec.stop, "video": answer.video, "start_s": answer.start_s,
        "end_s": answer.end_s, "text": answer.text, "status": answer.status,
        "segments": [{**asdict(item.segment), "score": item.score} for item in answer.segments],
        "curve": _values(answer.curve), "router": _values(answer.router),
    }  # fmt: skip
    text = json.dumps(kept)
    return f'{{"check": "{_check(text)}", "kept": {text}}}\n'.encode()


def _parse(line: bytes) -> tuple[_Place, WindowAnswer | None]:
    """Place and answer of a line; no answer if it is no line of :func:`_line`."""
    try:
        whole = json.loads(line)
        kept = whole["kept"]
        if not line.endswith(b"\n") or whole["check"] != _check(json.dumps(kept)):
            return ("", 0, 0), None
        segments = [
            ScoredSegment(Segment(**{name: value for name, value in item.items() if name != "score"}), item["score"])
            for item in kept["segments"]
        ]
        answer = WindowAnswer(
            kept["video"], kept["start_s"], kept["end_s"], kept["text"], kept["status"], tuple(segments),
            _by_second(kept["curve"]), _by_second(kept["router"]),
        )  # fmt: skip
        return (kept["key"], kept["start"], kept["stop"]), answer
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ("", 0, 0), None


def _values(seconds: BySecond | None) -> dict[str, Any] | None:
    if seconds is None:
        return None
    return {"first": seconds.first, "covered": seconds.covered.tolist(), "values": seconds.values.tolist()}


def _by_second(kept: dict[str, Any] | None) -> BySecond | None:
    if kept is None:
        return None
    return BySecond(kept["first"], np.array(kept["covered"], np.float64), np.array(kept["values"], np.float64))


def _check(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
