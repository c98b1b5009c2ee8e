"""Times in questions and answers: found, and moved between the clock of the video and that of a window.

The model knows the clock of its window only, which begins at 0 with the window; the user knows that of the video. What
counts as a time: a number with seconds behind it (``75 s``, ``12.5 seconds``), a clock time (``01:15``), a number
behind ``at`` or ``second``, and both ends of a range (``from 20 to 30``, ``20 - 30 s``). Other numbers (``two of 20
men``) are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from hawkeye_core.answers.parse import Span
from hawkeye_core.answers.time_text import TIME, format_seconds, parse_time

_UNIT = r"(?:\s*(?:seconds?|secs?|s)\b)"
_TO = rf"{_UNIT}?\s*(?:\bto\b|\band\b|\bthrough\b|\buntil\b|\btill\b|[-\u2013\u2014~])\s*"
_END = r"(?![\w:]|\.[0-9])"
_CLOCK = r"[0-9]+:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?"
_TIMES = re.compile(
    rf"\b(?:from|between)\s+(?P<a>{TIME}){_TO}(?P<b>{TIME})(?:{_UNIT}|{_END})"
    rf"|(?<![\w.:])(?P<c>{TIME}){_TO}(?P<d>{TIME}){_UNIT}"
    rf"|\b(?:at|second)\s+(?P<e>{TIME})(?:{_UNIT}|{_END})"
    rf"|(?<![\w.:])(?P<f>{TIME}){_UNIT}"
    rf"|(?<![\w.:])(?P<g>{_CLOCK}){_END}",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?\n]\s")


class Time(NamedTuple):
    """A written time: the characters of its number, and its seconds."""

    span: Span
    seconds: float


def times_in(text: str) -> list[Time]:
    """All times of a text, in order."""
    found = []
    for match in _TIMES.finditer(text):
        for name, said in match.groupdict().items():
            if said is not None and (seconds := parse_time(said)) is not None:
                found.append(Time(match.span(name), seconds))
    return found


def moved(text: str, offset_s: float, *, duration_s: float = float("inf")) -> str:
    """A text with its times on a clock that began ``offset_s`` seconds earlier.

    Args:
        text: A question or an answer; without an offset it stays as it is.
        offset_s: Added to each time; negative to a clock that began later.
        duration_s: The new times are cut to 0 .. this.
    """
    if not offset_s:
        return text
    parts, end = [], 0
    for (begin, stop), seconds in times_in(text):
        new = min(max(seconds + offset_s, 0.0), duration_s)
        if new == float("inf"):
            continue  # a number of hundreds of digits is no time
        unit = " seconds" if ":" in text[begin:stop] else ""
        parts += [text[end:begin], format_seconds(new), unit]
        end = stop
    return "".join([*parts, text[end:]])


class MovedPieces:
    """Pieces of an answer with its times moved, given out as soon as that is sure: sentence by sentence.

    Args:
        offset_s: As in :func:`moved`; without one every piece is given out as it comes.
    """

    def __init__(self, offset_s: float) -> None:
        self._move: Callable[[str], str] = lambda text: moved(text, offset_s)
        self._hold = bool(offset_s)
        self._held = ""

    def add(self, piece: str) -> str:
        """What can be shown now; may be empty."""
        self._held += piece
        cut = len(self._held)
        if self._hold:
            cut = max((match.end() for match in _SENTENCE_END.finditer(self._held)), default=0)
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._move(ready)

    def rest(self) -> str:
        """What is left at the end of the answer."""
        ready, self._held = self._held, ""
        return self._move(ready)
