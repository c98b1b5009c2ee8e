"""Times written as sentences, as VAD-LLaMA and VERA have them for UCF-Crime.

Lv & Sun 2024 (github.com/ktr-hubrt/VAD-LLaMA, ``data/UCF_Instruct.json``, 1610 training videos) and Ye et al., CVPR
2025 (github.com/vera-framework/VERA, the same rows split into ``Data/UCF_Instruct_train.json`` and ``_val.json``)::

    [{"video": "frames/Abuse/Abuse001_x264.mp4", "video_label": "2728", "length": 2728,
      "QA": [{"q": ..., "a": "Yes, there exist anomalies from 8.6s to 11.3s and 33.3s to 36.8s."}]}, ...]

650 of the 810 anomalous videos have times, 924 ranges; of 160 it is said only that there are anomalies. Where the times
come from is not said. ``length`` is the number of frames less one, at 30 a second. Also read are
``{video: text}``, and lists whose records hold the text under ``text``, ``answer``, or as the last answer of
``conversations`` (``[{"from": "human" or "gpt", "value": text}, ...]``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hawkeye_core.answers.segments import Segment, clip_segments
from hawkeye_core.answers.time_text import TIME, parse_time
from hawkeye_core.datasets.reading import read_json
from hawkeye_core.datasets.source import Remark
from hawkeye_core.datasets.times import MAX_FRAME, UCF_FPS, Times, make_times, number, span, video_stem
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

NAME = "anomaly-text"
MAX_TEXT = 65_536
"""Longest text, in characters."""

_REMEDY = (
    'a text is "Yes, there exist anomalies from 3.2s to 6.6s and 10s to 12.5s." or "No, there are no anomalies."; the '
    'file {video: text} or [{"video": ..., one of "QA", "text", "answer", "conversations"}, ...]'
)
_SECONDS = rf"({TIME})\s*(?:s|secs?|seconds?)?"
_ONE = re.compile(rf"\s*(?:from\s+)?{_SECONDS}\s*(?:to|until|-|\u2013)\s*{_SECONDS}(?![\w.:]*\w)", re.IGNORECASE)
_AND = re.compile(r"\s*(?:,\s*(?:and\s+)?|and\s+)(?=\S)", re.IGNORECASE)
_NO = re.compile(r"no(?:,\s*there (?:is|are|exists?) (?:no|not any) anomal(?:y|ies))?\s*[.!]?", re.IGNORECASE)
_YES = re.compile(r"yes(?:,\s*there (?:is|are|exists?) (?:an\s+)?anomal(?:y|ies))?", re.IGNORECASE)
_END = re.compile(r"\s*[.!]?\s*")


def parse_anomaly_text(text: str, *, duration_s: float | None = None) -> tuple[Segment, ...] | None:
    """The times of a text, in its order.

    Stricter than :func:`hawkeye_core.answers.parse.parse_segments`, which makes the best of what a model wrote: here
    the whole text must be an answer of the known form, and nothing is repaired.

    Args:
        text: ``Yes, there exist anomalies`` with any number of ranges behind it, or ``No, there is no anomaly``. Times
            are seconds or 00:12, a range ``from A to B`` or without its ``from``, ranges separated by commas or "and".
        duration_s: Seconds of the video, where known: what lies behind its end is cut off.

    Returns:
        The ranges; none where the text says no; None where it says that there are anomalies and not when.

    Raises:
        AnnotationError: The text is not of this form, or a range ends before it starts.
    """
    shown = repr(text)[:80]
    plain = " ".join(text.split()) if isinstance(text, str) and len(text) <= MAX_TEXT else ""
    if _NO.fullmatch(plain):
        return ()
    head = _YES.match(plain)
    if head is None:
        raise AnnotationError(f"{shown} says neither yes nor no in the known form", remedy=_REMEDY)
    if _END.fullmatch(plain, head.end()):
        return None
    found, place = [], head.end()
    while match := _ONE.match(plain, place):
        # A time too long for a float is infinite, which `span` refuses.
        found.append(span(*map(parse_time, match.groups()), where=shown, remedy=_REMEDY))
        place = match.end()
        separator = _AND.match(plain, place)
        if separator is None:
            break
        place = separator.end()
    if not found or not _END.fullmatch(plain, place):
        raise AnnotationError(f"{shown} is not understood from {plain[place : place + 30]!r} on", remedy=_REMEDY)
    return tuple(found if duration_s is None else clip_segments(found, 0.0, duration_s))


def read_anomaly_texts(path: str | Path) -> Times:
    """Times of the videos of a file.

    Videos whose text says that there is no anomaly, or not when, are dropped.

    Raises:
        AnnotationError: The file is missing or in none of the forms above, a video occurs twice, or a text is not
            understood; the message names the video. Also where no video has times.
    """
    durations: dict[str, float] = {}
    found: dict[str, tuple[Segment, ...]] = {}
    seen: set[str] = set()
    remarks: list[Remark] = []
    for video, text, duration_s in _records(path):
        where = f"{path}: {video}"
        if video in seen:
            raise AnnotationError("occurs a second time", path=where, remedy=_REMEDY)
        seen.add(video)
        if duration_s is not None:
            durations[video] = duration_s
        try:
            segments = parse_anomaly_text(text)
        except AnnotationError as error:
            raise AnnotationError(f"{error.path or ''} {error.message}".strip(), path=where, remedy=_REMEDY) from error
        if segments:
            found[video] = segments
        elif segments is None:
            remarks.append(Remark("dropped", "anomalous without times", video))
        else:
            remarks.append(Remark("dropped", "the text says that there is no anomaly", video))
    if not found:
        raise AnnotationError("no video has times", path=path, remedy=_REMEDY)
    files = {Path(path).name: sha256_of(path)}
    return make_times(NAME, found, durations=durations, remarks=remarks, files=files)


def _records(path: str | Path) -> Iterator[tuple[str, Any, float | None]]:
    """Video, text and seconds of each record."""
    content = read_json(path, remedy=_REMEDY)
    if isinstance(content, dict):
        for name, text in content.items():
            yield video_stem(name, where=str(path), remedy=_REMEDY), text, None
    elif isinstance(content, list):
        for count, record in enumerate(content):
            where = f"{path}: record {count}"
            if not isinstance(record, dict) or "video" not in record:
                raise AnnotationError("names no video", path=where, remedy=_REMEDY)
            video = video_stem(record["video"], where=where, remedy=_REMEDY)
            where = f"{path}: {video}"
            yield video, _text(record, where=where), _duration(record, where=where)
    else:
        raise AnnotationError("is neither a JSON object nor a list", path=path, remedy=_REMEDY)


def _duration(record: dict[str, Any], *, where: str) -> float | None:
    if "length" not in record:
        return None
    return number(record["length"], what="length", where=where, remedy=_REMEDY, low=1, high=MAX_FRAME) / UCF_FPS


def _text(record: dict[str, Any], *, where: str) -> Any:
    keys = [key for key in ("QA", "text", "answer", "conversations") if key in record]
    if len(keys) != 1:
        raise AnnotationError(
            f"holds {' and '.join(keys) or 'none'} of QA, text, answer, conversations", path=where, remedy=_REMEDY
        )
    content = record[keys[0]]
    if keys[0] in ("text", "answer"):
        return content
    turns = content if isinstance(content, list) and all(isinstance(turn, dict) for turn in content) else []
    if keys[0] == "QA":
        texts = [turn.get("a") for turn in turns]
        if len(texts) != 1:
            raise AnnotationError("QA must hold one question with its answer", path=where, remedy=_REMEDY)
        return texts[0]
    texts = [turn.get("value") for turn in turns if turn.get("from") in ("gpt", "assistant")]
    if not texts:
        raise AnnotationError("conversations hold no answer", path=where, remedy=_REMEDY)
    return texts[-1]
