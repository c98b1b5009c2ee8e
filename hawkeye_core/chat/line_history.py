"""What was typed at the prompt, kept between conversations for the arrow keys: one file, readable by its owner only."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hawkeye_core.atomic import replacing

logger = logging.getLogger(__name__)

MOST_LINES, MOST_BYTES = 1000, 2**20


@contextmanager
def line_history(path: Path) -> Iterator[None]:
    """Line editing with the history of a file; at the end it is written, with mode 600.

    Without the module readline (Windows) there is neither. A file that cannot be read or written is said in the log:
    nobody should be kept from a conversation by it.
    """
    try:
        import readline
    except ImportError:
        yield
        return
    readline.clear_history()
    for line in _lines(path):
        readline.add_history(line)
    try:
        yield
    finally:
        count = readline.get_current_history_length()
        lines = [readline.get_history_item(place + 1) for place in range(max(count - MOST_LINES, 0), count)]
        try:
            _write(path, [line for line in lines if line])
        except OSError as error:
            logger.warning("%s: the history cannot be written (%s)", path, error.strerror)


def _lines(path: Path) -> list[str]:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-MOST_LINES:]
    except OSError as error:
        logger.warning("%s: the history cannot be read (%s)", path, error.strerror)
        return []


def _write(path: Path, lines: list[str]) -> None:
    with replacing(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(f"{line}\n" for line in lines)
