"""Which files of a folder were handled: a file of JSON lines that survives restarts."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hawkeye_core.errors import ConfigError

VERSION = 1
STATE = ".hawkeye-watch.jsonl"
"""Its name in the folder, if no other is given."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """A file as it was when it was looked at; a file of the same name with other content is another.

    Args:
        name: Relative to the folder.
        size: In bytes.
        mtime_ns: Time of its last change.
    """

    name: str
    size: int
    mtime_ns: int


class SeenFiles:
    """Remembers files; one process at a time.

    A line is added when a file has been handled, after its alerts are out. A crash in between means that the file is
    handled again, with the same ids: each file at least once, never half.

    Args:
        path: The state file; made if it is not there.

    Raises:
        ConfigError: It cannot be written, is not such a file, or another watch has it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab+")
        except OSError as error:
            raise ConfigError(
                f"what was handled cannot be remembered there ({error.strerror})",
                path=self.path,
                remedy="name a file of yours with --state",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ConfigError(
                "another watch uses it", path=self.path, remedy="stop that one, or use --state"
            ) from error
        self._seen = self._read()

    def __contains__(self, mark: FileMark) -> bool:
        return mark in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, mark: FileMark, *, status: str, sha256: str = "", error: str | None = None) -> None:
        """Note that a file was handled, and what came of it; on disk when this returns."""
        line = {
            "version": VERSION, "name": mark.name, "size": mark.size, "mtime_ns": mark.mtime_ns, "status": status,
            "sha256": sha256, "error": error,
        }  # fmt: skip
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._seen.add(mark)

    def close(self) -> None:
        """Let another watch have it."""
        self._file.close()

    def _read(self) -> set[FileMark]:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # the last line was cut short by a crash
            self._file.truncate(whole)
        return {self._mark(number, line) for number, line in enumerate(content[:whole].splitlines(), 1) if line}

    def _mark(self, number: int, line: bytes) -> FileMark:
        try:
            item: Any = json.loads(line)
            mark = FileMark(item["name"], item["size"], item["mtime_ns"])
            version = item["version"]
        except (ValueError, KeyError, TypeError, RecursionError):
            version, mark = None, FileMark("", 0, 0)
        plain = isinstance(mark.name, str) and type(mark.size) is int and type(mark.mtime_ns) is int
        if version != VERSION or not plain:
            self._file.close()
            raise ConfigError(
                f"line {number} is not one of a watch's memory", path=self.path,
                remedy="name another file with --state; without memory all files of the folder are handled again",
            )  # fmt: skip
        return mark
