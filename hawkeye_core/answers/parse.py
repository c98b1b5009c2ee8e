"""Answer text to segments, whatever the model wrote: never raises, never falls back to the whole video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from hawkeye_core.answers.segments import Segment
from hawkeye_core.answers.time_text import TIME, parse_time

Status = Literal["ok", "empty", "repaired", "unparsed"]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer says.

    Args:
        segments: Ordered, inside the video, not overlapping.
        status: ``ok`` as written; ``empty`` the answer says that there is none; ``repaired`` ends were swapped,
            clamped to the video, merged, re-ordered or dropped as outside it; ``unparsed`` nothing could be read.
        time_spans: For each segment, the character ranges of the times it was read from (their token probabilities
            are the segment's score).
    """

    segments: tuple[Segment, ...]
    status: Status
    time_spans: tuple[tuple[Span, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    segment: Segment
    spans: tuple[Span, ...]


_UNIT = r"\s*(?:seconds?|secs?|s)?"
_SIGNED = rf"-?{TIME}"
_RANGE = re.compile(
    rf"(?:"
    rf"\bbetween\s+(?P<b1>{_SIGNED}){_UNIT}\s+and\s+(?P<b2>{_SIGNED})"
    rf"|\bfrom\s+(?P<f1>{_SIGNED}){_UNIT}\s*(?:\bto\b|\bthrough\b|\buntil\b|\btill\b|[-\u2013\u2014~])\s*(?P<f2>{_SIGNED})"
    rf"|(?<![\w.:])(?P<p1>{TIME}){_UNIT}\s*(?:\bto\b|\bthrough\b|\buntil\b|\btill\b|[-\u2013\u2014~])\s*(?P<p2>{TIME})"
    rf"){_UNIT}(?![\w:])",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?:[^.!?\n]|\.(?=[0-9]))+[.!?]*")
_DENIAL = re.compile(
    r"\b(?:no|not|none|without)\b.{0,60}\b(?:sentiments?|anomal\w*|abnormal\w*|segments?|present|found|detected)\b"
    r"|^\W*(?:no|none|nothing)\W*$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[\s,:;]*(?:\bthere\s+(?:exists?|is|are|was|were)\b\s*)?(?P<category>.*)", re.IGNORECASE | re.DOTALL
)
_REASON = re.compile(r"\s*[,;]?\s*\b(?:as|because|since)\b\s+", re.IGNORECASE)


def parse_segments(text: str, *, duration_s: float) -> ParsedAnswer:
    """Read the segments of an answer.

    Understood: 12, 12.5, 00:12 and 01:02:03, with or without a unit, as ``from A to B``, ``A - B``, ``A until B`` and
    ``between A and B``, any number of them. Times in a reason (``..., as a man of 20 to 30 ...``) are not taken.
    Reversed ends are swapped, ends clamped to [0, duration_s], ranges outside it or without length dropped,
    overlapping ones merged.

    Args:
        text: What the model wrote.
        duration_s: Length of the video or window in seconds; where it is not positive, nothing can lie inside.
    """
    found: list[_Found] = []
    denied = repaired = False
    for offset, sentence in _sentences(text):
        if _DENIAL.search(_before_reason(sentence)):
            denied = True
            continue
        for item in _ranges(sentence, offset):
            inside = _fit(item, duration_s)
            repaired |= inside is None or inside.segment != item.segment
            if inside is not None:
                found.append(inside)
    merged = _merge(found)
    repaired |= merged != found or (denied and bool(found))
    if merged or repaired:
        return ParsedAnswer(
            tuple(item.segment for item in merged),
            "repaired" if repaired else "ok",
            tuple(item.spans for item in merged),
        )
    return ParsedAnswer((), "empty" if denied else "unparsed")


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """(start, text) of each sentence; the point of a decimal does not end one."""
    for match in _SENTENCE.finditer(text):
        yield match.start(), match.group()


def _before_reason(sentence: str) -> str:
    """The part of a sentence that can hold times: all before the first ``as`` or ``because`` behind a range."""
    first = _RANGE.search(sentence)
    reason = _REASON.search(sentence, first.end()) if first else None
    return sentence[: reason.start()] if reason else sentence


def _ranges(sentence: str, offset: int) -> Iterator[_Found]:
    head = _before_reason(sentence)
    matches = list(_RANGE.finditer(head))
    category, reason = _words(sentence, head, matches[-1].end()) if matches else ("", "")
    for match in matches:
        first, second = (
            next(g for g in pair if match[g] is not None) for pair in (("b1", "f1", "p1"), ("b2", "f2", "p2"))
        )
        spans = tuple((offset + match.start(group), offset + match.end(group)) for group in (first, second))
        yield _Found(Segment(_signed(match[first]), _signed(match[second]), category, reason), spans)


def _words(sentence: str, head: str, end: int) -> tuple[str, str]:
    """Category and reason of a sentence whose last range ends at ``end``."""
    clause = _CLAUSE.fullmatch(head, end)
    category = clause["category"] if clause else ""
    cut = _REASON.match(sentence, len(head))
    reason = sentence[cut.end() :] if cut else ""
    return category.strip(" \t\n.,;:!?"), reason.strip(" \t\n.,;:!?")


def _signed(text: str) -> float:
    seconds = parse_time(text.removeprefix("-"))
    if seconds is None:  # the expression of a range admits times only
        return 0.0
    return -seconds if text.startswith("-") else seconds


def _fit(item: _Found, duration_s: float) -> _Found | None:
    """Ends in order and inside the video; ``None`` if nothing is left."""
    start, end = sorted((item.segment.start_s, item.segment.end_s))
    start, end = max(start, 0.0), min(end, duration_s)
    return replace(item, segment=replace(item.segment, start_s=start, end_s=end)) if end > start else None


def _merge(found: list[_Found]) -> list[_Found]:
    """Ordered by start, overlapping ones joined under the first one's words; touching ones stay apart."""
    merged: list[_Found] = []
    for item in sorted(found, key=lambda item: item.segment.start_s):
        if merged and item.segment.start_s < merged[-1].segment.end_s:
            last = merged[-1]
            end = max(last.segment.end_s, item.segment.end_s)
            merged[-1] = _Found(replace(last.segment, end_s=end), last.spans + item.spans)
        else:
            merged.append(item)
    return merged
