"""Where alerts go: lines of JSON, and whatever else takes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO

from hawkeye_core.errors import ConfigError
from hawkeye_core.watch.alerts import Alert


class Sink(Protocol):
    """Takes alerts; must not hold the watch up."""

    def give(self, alert: Alert) -> None:
        """Take an alert."""

    def note(self) -> str:
        """What a status line should say of it; may be empty."""

    def close(self) -> None:
        """The watch has ended."""


class JsonLines:
    """Writes each alert as a line and flushes it.

    Args:
        path: File that is appended to; None for standard output.

    Raises:
        ConfigError: The file cannot be written.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = path
        try:
            self._file: TextIO = sys.stdout if path is None else _appending(Path(path))
        except OSError as error:
            raise ConfigError(
                f"alerts cannot be written there ({error.strerror})",
                path=path,
                remedy="name a file in a folder of yours",
            ) from error

    def give(self, alert: Alert) -> None:
        """Write a line.

        Raises:
            OSError: The disk is full, or the reader of a pipe has gone (``BrokenPipeError``).
        """
        self._file.write(alert.line() + "\n")
        self._file.flush()

    def note(self) -> str:
        """Nothing."""
        return ""

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._path is not None:
            self._file.close()


def _appending(path: Path) -> TextIO:
    """A file to append lines to; a line that a crash cut short is ended first, so that it spoils no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    if file.tell():
        with path.open("rb") as tail:
            tail.seek(-1, os.SEEK_END)
            if tail.read(1) != b"\n":
                file.write("\n")
    return file


def give_all(sinks: Sequence[Sink], alert: Alert) -> None:
    """Hand an alert to all."""
    for sink in sinks:
        sink.give(alert)
