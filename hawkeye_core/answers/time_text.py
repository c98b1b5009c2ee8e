"""Time as text: plain seconds with one decimal, the same in prompts and answers (DESIGN: windows, time and answers)."""

from __future__ import annotations

import re

STEP_S = 0.1
"""Resolution of written times in seconds."""

TIME = r"(?:[0-9]+:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
"""Regular expression of one written time without its sign: 12, 12.5, 00:12, 01:02:03.5."""

_TIME = re.compile(TIME)


def format_seconds(seconds: float) -> str:
    """``15.0`` for 15 s. Raises ``ValueError`` for what is no time: negative or not finite."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{seconds} is not a time in seconds")
    return f"{seconds:.1f}"


def parse_time(text: str) -> float | None:
    """Seconds of ``12``, ``12.5``, ``00:12`` (minutes:seconds) or ``01:02:03`` (hours:minutes:seconds); else ``None``.

    A number too long for a float is infinity, which lies outside every video.
    """
    text = text.strip()
    if not _TIME.fullmatch(text):
        return None
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def stamp(seconds: float) -> str:
    """The time text in front of one second's scene tokens in the prompt: ``15.0s``."""
    return f"{format_seconds(seconds)}s"
