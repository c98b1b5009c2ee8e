"""Answers of other systems as segments: times in seconds, in percent of the video, in ``<glue>`` tags; yes/no clips.

Each style is put into this project's own sentences ("From 3.2 to 6.6 seconds."), which the one parser of answers
(:mod:`hawkeye_core.answers.parse`) reads: swapping, clamping, merging and the status are the same for all systems.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Literal

from hawkeye_core.answers.parse import ParsedAnswer, parse_segments
from hawkeye_core.answers.render import NO_SEGMENT
from hawkeye_core.answers.segments import Segment
from hawkeye_core.answers.time_text import TIME
from hawkeye_core.datasets.source import Remark

Style = Literal["seconds", "percent", "glue"]

_SPECIAL = re.compile(r"</?s>|<\|\w{1,40}\|>", re.IGNORECASE)
_UNIT = r"\s?(?:seconds?|secs?|s)?"
_STARTS = re.compile(
    rf"\bstart(?:s|ing|ed)?\b[^0-9]{{0,60}}(?<![\w.:])(?P<start>{TIME}){_UNIT}(?![\w:])"
    rf"[^0-9]{{1,60}}?\bend(?:s|ing|ed)?\b[^0-9]{{0,60}}(?<![\w.:])(?P<end>{TIME}){_UNIT}(?![\w:])",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\s?(?:%|\bper\s?cent\b)|\bframes?\s(?=[0-9])", re.IGNORECASE)
_AND = re.compile(r"(?<![\w.:])([0-9]{2}) {1,3}and {1,3}([0-9]{2})(?![\w:]|\.[0-9])")
_SECONDS = re.compile(r"\s?(?:seconds?|secs?|s)\b", re.IGNORECASE)
_OF_HUNDRED = re.compile(r"\s?(?:%|per\s?cent\b)", re.IGNORECASE)
_GLUE = re.compile(r"<glue>([^<>]*)</glue>", re.IGNORECASE)
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:seconds|second|secs|sec|s)?"
_PAIRS = re.compile(rf"[\[(]*{_NUMBER},{_NUMBER}(?:[\]),\[(]+{_NUMBER},{_NUMBER})*[\])]*", re.IGNORECASE)
_PAIR = re.compile(r"(-?[0-9.]+)[a-z]*,(-?[0-9.]+)[a-z]*", re.IGNORECASE)
_BRACKETS = re.compile(r"[\[\]()]+")
_WORD = re.compile(r"[^\W_]+")


def from_seconds(text: str, *, duration_s: float) -> ParsedAnswer:
    """``From 3.2s to 6.6s.``, and whatever else :func:`parse_segments` reads.

    Where that finds nothing, a start and an end that are told apart: "starts at 00:00:18 and ends at 00:00:23",
    "Starting time: 0.8 seconds, ending time: 1.1 seconds" (answers that TimeChat's evaluation reads). A range in
    percent is not one of seconds: the answer is unparsed.

    Args:
        text: What the system wrote.
        duration_s: Length of what it was asked about, in seconds.
    """
    plain = plain_answer(text)
    found = parse_segments(plain, duration_s=duration_s)
    if found.status == "unparsed":
        told = [f"From {match['start']} to {match['end']} seconds." for match in _STARTS.finditer(plain)]
        found = parse_segments(" ".join(told), duration_s=duration_s)
    elif any(_OF_HUNDRED.match(plain, end) for spans in found.time_spans for _, end in spans):
        return ParsedAnswer((), "unparsed")
    return ParsedAnswer(found.segments, found.status)


def from_percent(text: str, *, duration_s: float) -> ParsedAnswer:
    """``From 23 to 41.``, ``23% - 41%``, ``23 and 41`` of 0 to 100 (VTimeLLM's 100 frames, 00 to 99), in percent.

    A range with a unit of seconds or with a colon is no percent: the answer is unparsed.
    """
    plain = _AND.sub(r"\1 to \2", _PERCENT.sub(" ", plain_answer(text)))
    found = parse_segments(plain, duration_s=100.0)
    for spans in found.time_spans:
        if any(":" in plain[start:end] or _SECONDS.match(plain, end) for start, end in spans):
            return ParsedAnswer((), "unparsed")
    scaled = [
        Segment(s.start_s * duration_s / 100, min(s.end_s * duration_s / 100, duration_s), s.category, s.reason)
        for s in found.segments
    ]
    kept = tuple(segment for segment in scaled if segment.end_s > segment.start_s)
    return ParsedAnswer(kept, found.status if len(kept) == len(scaled) else "repaired")


def from_glue(text: str, *, duration_s: float) -> ParsedAnswer:
    """``<glue>[5.2, 10.4]</glue>``, with round brackets, several pairs or several tags, in seconds.

    ``[-1.0, -1.0]`` and ``[]`` say that there is none. What stands outside the tags is not read; an answer without
    tags, or whose tags hold no pairs of numbers, is unparsed; one bad tag of several makes it repaired.
    """
    told: list[str] = []
    bad = False
    for match in _GLUE.finditer(plain_answer(text)):
        inside = "".join(match[1].split())
        if _BRACKETS.fullmatch(inside):
            told.append(NO_SEGMENT)
        elif _PAIRS.fullmatch(inside):
            told += [_sentence(*pair) for pair in _PAIR.findall(inside)]
        else:
            bad = True
    found = parse_segments(" ".join(told), duration_s=duration_s)
    return ParsedAnswer(found.segments, "repaired" if bad and told else found.status)


STYLES: Mapping[Style, Callable[..., ParsedAnswer]] = {
    "seconds": from_seconds,
    "percent": from_percent,
    "glue": from_glue,
}
"""The reader of each style: ``(text, *, duration_s)``."""


def read_clip(text: str, *, yes: Collection[str] = ("yes",), no: Collection[str] = ("no",)) -> bool | None:
    """Whether a clip is called anomalous, by the first word of the answer ("Yes.", "No, ..."); None if unparsed.

    "The answer is" or "Answer:" may stand in front.

    Args:
        text: What the system wrote.
        yes: Words, in small letters, that say that it is.
        no: Words that say that it is not.
    """
    words = [match.group().lower() for match in _WORD.finditer(plain_answer(text)[:200])]
    for lead in (["the", "answer", "is"], ["answer", "is"], ["answer"]):
        if words[: len(lead)] == lead:
            words = words[len(lead) :]
            break
    first = words[0] if words else ""
    return True if first in yes else False if first in no else None


def clip_segments(
    said: Mapping[int, bool | None], *, video: str, duration_s: float, length_s: float = 1.0
) -> tuple[tuple[Segment, ...], tuple[Remark, ...]]:
    """Clips that are called anomalous as segments: neighbouring ones are one; and what there is to remark.

    A clip that is unparsed or missing is not anomalous. The last one ends with the video; one that starts behind its
    end is dropped.

    Args:
        said: By number of the clip, from 0.
        video: Id, for the remarks.
        duration_s: Length of the video.
        length_s: Length of a clip.
    """
    clips = math.ceil(duration_s / length_s - 1e-9)  # a video of 2.0000000001 s has two clips
    behind = sorted(clip for clip in said if clip >= clips)
    missing = clips - (len(said) - len(behind))
    remarks = [Remark("dropped", "clip behind the video", video, f"clip {clip} of {clips}") for clip in behind]
    if missing:
        remarks.append(Remark("note", "videos with missing clips (counted as no)", video, f"{missing} of {clips}"))
    segments: list[Segment] = []
    for clip in sorted(clip for clip, answer in said.items() if answer and clip < clips):
        start, end = clip * length_s, (duration_s if clip == clips - 1 else (clip + 1) * length_s)
        if segments and segments[-1].end_s == start:
            start = segments.pop().start_s
        segments.append(Segment(start, end))
    return tuple(segments), tuple(remarks)


def plain_answer(text: str) -> str:
    """An answer without its thoughts (``<think>``), without special tokens (``</s>``), with single spaces."""
    said = _SPECIAL.sub(" ", text.rpartition("</think>")[2])
    lines = (" ".join(line.split()) for line in said.splitlines())
    return "\n".join(line for line in lines if line)


def _sentence(start: str, end: str) -> str:
    """A pair of numbers as a sentence; two times -1 is the answer for none."""
    if float(start) == float(end) == -1.0:
        return NO_SEGMENT
    return f"From {start} to {end} seconds."
