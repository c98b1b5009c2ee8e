"""Answers of a video-text model as scored segments of a video.

A segment's score is the geometric mean of the probabilities of the tokens of its times, as of Hawkeye's own answers
(:mod:`hawkeye_core.evaluation.scores`). The importers read a tidied text, so tokens are placed in that text.

Legend: A tokens of an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hawkeye_core.answers.parse import ParsedAnswer, Span, parse_segments
from hawkeye_core.answers.segments import Segment
from hawkeye_core.answers.time_text import TIME, parse_time
from hawkeye_core.evaluation.baselines.clips import Clip
from hawkeye_core.evaluation.baselines.settings import Parser
from hawkeye_core.evaluation.baselines.text_model import Said
from hawkeye_core.evaluation.importers import STYLES, plain_answer
from hawkeye_core.evaluation.prediction_records import MAX_TEXT, Answer
from hawkeye_core.evaluation.scores import ScoredSegment, time_score, token_spans

_NUMBER = re.compile(rf"(?<![\w.:]){TIME}")
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What was said about a window, and the segments in it; times on the clock of the video."""

    answer: Answer
    segments: tuple[ScoredSegment, ...]


def read_said(said: Said, tokenizer: Any, clip: Clip, *, parser: Parser) -> ReadAnswer:
    """What an answer about a window says, on the clock of the video.

    Args:
        said: The answer.
        tokenizer: That its tokens are of.
        clip: What was asked about.
        parser: How it is read.
    """
    text, spans = token_spans(tokenizer, said.token_ids)
    if parser == "hawkeye":
        parsed = parse_segments(text, duration_s=clip.duration_s)
    else:
        plain, spans = tidied(text, spans)
        parsed = with_times(STYLES[parser](text, duration_s=clip.duration_s), plain, clip.duration_s, parser)
    scored = tuple(
        ScoredSegment(segment.shifted(clip.start_s), time_score(times, spans, said.probabilities))
        for segment, times in zip(parsed.segments, parsed.time_spans, strict=True)
    )
    answer = Answer(clip.start_s, clip.start_s + clip.duration_s, parsed.status, text[:MAX_TEXT])
    return ReadAnswer(answer, scored)


def tidied(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """The text as the importers read it (:func:`plain_answer`), and the characters of each token in that.

    A token adds what tidying the text up to it adds; tokens of thoughts (``<think>``), of special tokens and of
    blanks that go have an empty span.

    Args:
        text: Decoded.
        spans: [A] Characters of each token in it.
    """
    plain = plain_answer(text)
    if plain == text:
        return plain, spans
    cut = text.rfind("</think>")
    thoughts = 0 if cut < 0 else cut + len("</think>")
    placed, length = [], 0
    for _, end in spans:
        until = length if end <= thoughts else max(length, _common(plain_answer(text[thoughts:end]), plain))
        placed.append((length, until))
        length = until
    return plain, placed


def with_times(parsed: ParsedAnswer, plain: str, duration_s: float, style: Parser) -> ParsedAnswer:
    """An importer's answer with the places of the times that each segment was read from.

    For plain sentences these are the parser's own. Else they are the numbers whose value is the start or the end of
    the segment, cut to the window as it is; times within a merged segment are then not among them.

    Args:
        parsed: What the importer found.
        plain: The text that it read, tidied.
        duration_s: Length of the window.
        style: The importer's style.
    """
    own = parse_segments(plain, duration_s=duration_s)
    if style == "seconds" and own.segments == parsed.segments:
        return ParsedAnswer(parsed.segments, parsed.status, own.time_spans)
    values = list(_values(plain, duration_s, percent=style == "percent"))
    found = tuple(tuple(span for value, span in values if _is_end(value, segment)) for segment in parsed.segments)
    return ParsedAnswer(parsed.segments, parsed.status, found)


def _values(plain: str, duration_s: float, *, percent: bool) -> Iterator[tuple[float, Span]]:
    """Each number of a text in seconds, cut to the window, and where it stands."""
    for match in _NUMBER.finditer(plain):
        value = parse_time(match[0])
        if value is not None:
            yield min(value * duration_s / 100 if percent else value, duration_s), match.span()


def _is_end(value: float, segment: Segment) -> bool:
    return any(math.isclose(value, end, abs_tol=_CLOSE) for end in (segment.start_s, segment.end_s))


def _common(first: str, second: str) -> int:
    """Characters that two texts begin with alike."""
    return next(
        (k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
