"""Takes videos from browsers: a stream of bytes into a file of a random name, never more of them than allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from hawkeye_core.app.config import AppSettings
from hawkeye_core.app.visits import Visits
from hawkeye_core.chat.escaping import visible
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.report.drawing import short

NAME = 120
"""Most letters of a file's name that are shown."""


class UploadError(HawkeyeError):
    """A video is not taken.

    Args:
        status: Of the HTTP reply.
        message: In words.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def receive(
    visits: Visits, settings: AppSettings, body: AsyncIterator[bytes], *, stated: int | None
) -> str:  # fmt: skip
    """Write a body into a file of its own; returns the ticket that it can be taken with.

    Args:
        visits: Where uploads wait.
        settings: The limits.
        body: The bytes of the file, in parts.
        stated: How many the browser said there are, if it did.

    Raises:
        UploadError: Too large, empty, too many at a time, or the disk is full; nothing of it is kept.
    """
    too_large = UploadError(413, f"the file is larger than the {settings.max_mb:g} MB that are allowed here")
    if stated is not None and stated > settings.max_bytes:
        raise too_large
    if visits.waiting() >= settings.waiting:
        raise UploadError(503, "too many videos are waiting; try again in some minutes")
    ticket, path = visits.ticket()
    done = False
    try:
        size = await _write(path, body, limit=settings.max_bytes)
        if size > settings.max_bytes:
            raise too_large
        if not size:
            raise UploadError(400, "the file is empty")
        done = True
    except OSError as error:
        raise UploadError(507, f"the file cannot be kept here ({error.strerror or 'disk error'})") from error
    finally:
        if not done:
            path.unlink(missing_ok=True)
    return ticket


async def _write(path: Path, body: AsyncIterator[bytes], *, limit: int) -> int:
    """Bytes that came; it stops behind the limit."""
    size = 0
    with path.open("xb") as file:
        path.chmod(0o600)
        async for part in body:
            size += len(part)
            if size > limit:
                break
            file.write(part)
    return size


def shown_name(name: object) -> str:
    """A file's name as it may be shown and written into results: the last part of any path, in printable letters."""
    last = str(name).replace("\\", "/").rsplit("/", 1)[-1]
    return short(visible(last), NAME) or "video"
