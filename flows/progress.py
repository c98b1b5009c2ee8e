"""Progress of a video on the Prefect page, at a price the extraction does not feel; and the way to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import cast
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_logger

SECONDS_BETWEEN_UPDATES = 2.0
"""An update costs 27 to 33 ms of the server's CPU: at one in two seconds that is 1.5 %."""

stop_flag: ContextVar[threading.Event | None] = ContextVar("hawkeye_stop_flag", default=None)
"""Set by the flow when it is told to stop; task threads inherit it with the context."""


class StoppedError(BaseException):
    """The flow was told to stop while a video was under way.

    Not an ``Exception``, as ``KeyboardInterrupt`` is not: nothing on the way may take it for a fault of the video.
    The video's shards are written under temporary names until its commit, so the store does not notice.
    """


def stop_if_told() -> None:
    """Raise :class:`StoppedError` when the flow of this context is stopping."""
    flag = stop_flag.get()
    if flag is not None and flag.is_set():
        raise StoppedError("the flow was told to stop")


class ProgressBar:
    """A Prefect progress artifact that is made at the first call and updated at most every two seconds.

    Args:
        description: Shown beside the bar.
        key: Lower-case letters, digits and dashes; an artifact with a key has a page of its own.
        clock: Seconds from any start; tests pass their own.
    """

    def __init__(
        self, description: str, *, key: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.description = description
        self._key = key
        self._clock = clock
        self._artifact: UUID | None = None
        self._next_s = 0.0
        self._shown = -1.0
        self._broken = False

    def __call__(self, done: int, total: int | None) -> None:
        """Show ``done`` of ``total``; an unknown total (``None``) is not shown. A stop takes hold here, too."""
        stop_if_told()
        if self._broken or not total:
            return
        percent = round(min(100.0, 100.0 * done / total), 1)
        now = self._clock()
        if percent == self._shown or (self._artifact is not None and now < self._next_s and percent < 100.0):
            return
        self._next_s = now + SECONDS_BETWEEN_UPDATES
        self._shown = percent
        self._send(percent)

    def _send(self, percent: float) -> None:
        try:
            if self._artifact is None:
                made = create_progress_artifact(percent, key=self._key, description=self.description)
                self._artifact = cast(UUID, made)
            else:
                update_progress_artifact(self._artifact, percent)
        except httpx.HTTPError as error:
            # A server that is away must not cost a video; the bar stays where it was.
            self._broken = True
            get_logger("hawkeye.progress").warning("progress of %s is no longer shown: %s", self.description, error)
