"""What is told of an event: one JSON object, described in ``docs/watch.md``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hawkeye_core.ground.records import Evidence, ModelNote, Record
from hawkeye_core.watch.events import ChangeKind

VERSION = 1
"""Of the schema; raised when a key changes its meaning or goes. New keys may come."""


@dataclass(frozen=True, slots=True)
class AlertWindow(Record):
    """The window whose answer caused an alert.

    Args:
        start_s: On the stream's clock.
        end_s: The same.
        held: Its frames that repeat the one before, because theirs were dropped or never came.
    """

    start_s: float
    end_s: float
    held: int


@dataclass(frozen=True, slots=True)
class Alert(Record):
    """An event begins (``new``), has changed (``update``) or will not change any more (``final``).

    Args:
        version: :data:`VERSION`.
        kind: Which of the three.
        id: Of the event: the same in all of its alerts, and in no other's.
        sequence: Counts the alerts of one watch, from 1.
        source: What is watched, without secrets.
        file: Of a folder: name of the file, relative to the folder.
        start_s: Start of the event in seconds of the stream, which begins with the watch's first frame; of a file, in
            seconds of the file.
        end_s: Its end.
        start_utc: Start by the clock on the wall, ISO 8601; None where that is not known (a file does not say when it
            was recorded).
        end_utc: Its end.
        given_utc: When the alert was given.
        lag_s: Seconds between the arrival of the newest frame of the window and the alert; None of a folder's file.
        category: What it is, in words.
        reason: Why, in words.
        score: How sure the model was of the times, 0..1.
        merged_into: ``id`` of the event that has taken this one up; then this one is final.
        window: Whose answer caused it; None of what ends with the stream, and of a folder's file.
        evidence: For the surest part of the event.
        model: Which model answered.
    """

    version: int
    kind: ChangeKind
    id: str
    sequence: int
    source: str
    file: str | None
    start_s: float
    end_s: float
    start_utc: str | None
    end_utc: str | None
    given_utc: str
    lag_s: float | None
    category: str
    reason: str
    score: float
    merged_into: str | None
    window: AlertWindow | None
    evidence: Evidence
    model: ModelNote

    def line(self) -> str:
        """One line of JSON, without the line's end."""
        plain: dict[str, Any] = self.as_dict()
        return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def utc(unix_s: float) -> str:
    """ISO 8601 in UTC, to the millisecond: ``2026-11-26T15:41:10.250Z``."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
