"""What a model predicts for a video, and one record of a predictions file as such (`docs/predictions.md`).

The record is the same in JSON lines and in Parquet::

    {"version": 1, "video": "Abuse028_x264",
     "segments": [{"start_s": 5.5, "end_s": 9.0, "category": "abuse", "reason": "...", "score": 0.71}],
     "answers": [{"start_s": 0.0, "end_s": 46.8, "status": "ok", "text": "From 5.5 to 9.0 seconds, ..."}],
     "curve": [0.02, 0.03, ...]}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from hawkeye_core.answers.parse import Status
from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name
from hawkeye_core.datasets.times import number, span
from hawkeye_core.errors import AnnotationError

VERSION = 1
"""Of the format; a record without `version` is of version 1."""
REMEDY = (
    'a prediction is {"video": id, "segments": [{"start_s": s, "end_s": s, "score": any number}]}; '
    "docs/predictions.md has all of it"
)
MAX_TEXT = 65_536
"""Longest text of an answer, a category or a reason, in characters."""
MAX_SCORE = 1e9
MAX_CURVE = 1_000_000
"""Longest curve, in seconds: eleven days."""


@dataclass(frozen=True, slots=True)
class PredictedSegment:
    """A segment of a prediction; ``score`` says how sure the model was, the higher the surer, None if it does not."""

    segment: Segment
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said about a stretch of a video (seconds), and how it could be read."""

    start_s: float
    end_s: float
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """Segments of one video, and the answers they were read from (none, where the model does not answer in words).

    Args:
        video: Its id.
        segments: May overlap.
        answers: What the model said.
        curve: How likely an anomaly is, 0..1, for each second that the video has begun (second k covers [k, k + 1));
            None where the model does not say.
    """

    video: str
    segments: tuple[PredictedSegment, ...]
    answers: tuple[Answer, ...] = ()
    curve: tuple[float, ...] | None = None

    def record(self) -> dict[str, Any]:
        """The prediction as plain values; without a curve it has no such key."""
        curve = {} if self.curve is None else {"curve": list(self.curve)}
        return {
            "version": VERSION,
            "video": self.video,
            "segments": [{**asdict(item.segment), "score": item.score} for item in self.segments],
            "answers": [asdict(answer) for answer in self.answers],
            **curve,
        }


def prediction_of(record: Any, *, where: str) -> Prediction:
    """A checked prediction.

    Args:
        record: As :meth:`Prediction.record` makes it. ``version``, ``answers``, ``curve``, and of a segment
            ``category``, ``reason`` and ``score`` may be left out or null.
        where: File and line, for the error.

    Raises:
        AnnotationError: A key is missing or unknown, a value is of the wrong type or no sensible number, or the
            record is of another version.
    """
    fields = _fields(record, ("video", "segments"), ("version", "answers", "curve"), what="a prediction", where=where)
    version = fields.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise AnnotationError(
            f"is of version {str(version)[:20]}, not {VERSION}", path=where, remedy="read it with a newer Hawkeye"
        )
    return Prediction(
        plain_name(fields["video"], where=where, remedy=REMEDY),
        tuple(_segment(item, where) for item in _list(fields["segments"], "segments", where)),
        tuple(_answer(item, where) for item in _list(fields.get("answers", []), "answers", where)),
        _curve(fields["curve"], where) if "curve" in fields else None,
    )


def plain_text(value: Any, *, what: str, where: str, remedy: str) -> str:
    """A text that can be written as UTF-8.

    Raises:
        AnnotationError: It is no text, too long, or holds half a character (a lone surrogate).
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        found = f"one of {len(value):,} characters" if isinstance(value, str) else repr(value)[:60]
        raise AnnotationError(f"{what} must be a text of at most {MAX_TEXT:,} characters, not {found}", path=where,
                              remedy=remedy)  # fmt: skip
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise AnnotationError(f"{what} holds half a character: {error.reason}", path=where, remedy=remedy) from error
    return value


def _segment(value: Any, where: str) -> PredictedSegment:
    fields = _fields(value, ("start_s", "end_s"), ("category", "reason", "score"), what="a segment", where=where)
    times = span(fields["start_s"], fields["end_s"], where=where, remedy=REMEDY)
    category, reason = (
        plain_text(fields.get(name, ""), what=f"a {name}", where=where, remedy=REMEDY)
        for name in ("category", "reason")
    )
    score = fields.get("score")
    if score is not None:
        score = number(score, what="a score", where=where, remedy=REMEDY, low=-MAX_SCORE, high=MAX_SCORE)
    return PredictedSegment(Segment(times.start_s, times.end_s, category, reason), score)


def _answer(value: Any, where: str) -> Answer:
    fields = _fields(value, ("start_s", "end_s", "status", "text"), (), what="an answer", where=where)
    times = span(fields["start_s"], fields["end_s"], where=where, remedy=REMEDY)
    status = fields["status"]
    if status not in get_args(Status):
        known = ", ".join(get_args(Status))
        raise AnnotationError(f"the status {repr(status)[:40]} is none of {known}", path=where, remedy=REMEDY)
    text = plain_text(fields["text"], what="a text", where=where, remedy=REMEDY)
    return Answer(times.start_s, times.end_s, status, text)


def _curve(value: Any, where: str) -> tuple[float, ...]:
    found = _list(value, "a curve", where)
    if not 0 < len(found) <= MAX_CURVE:
        raise AnnotationError(f"a curve has 1 to {MAX_CURVE:,} values, one a second, not {len(found):,}", path=where,
                              remedy=REMEDY)  # fmt: skip
    return tuple(number(item, what="a value of a curve", where=where, remedy=REMEDY, low=0, high=1) for item in found)


def _fields(
    value: Any, needed: Collection[str], optional: Collection[str], *, what: str, where: str
) -> Mapping[str, Any]:
    """The keys of an object that are not null; all that are needed are there, and no other than the optional ones."""
    if not isinstance(value, Mapping):
        raise AnnotationError(f"{what} must be an object, not {repr(value)[:60]}", path=where, remedy=REMEDY)
    found = {key: item for key, item in value.items() if item is not None}
    missing = [key for key in needed if key not in found]
    unknown = [str(key)[:40] for key in value if key not in needed and key not in optional]
    if missing or unknown:
        said = f"has no {', '.join(missing)}" if missing else f"has unknown keys: {', '.join(unknown[:5])}"
        raise AnnotationError(f"{what} {said}", path=where, remedy=REMEDY)
    return found


def _list(value: Any, what: str, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise AnnotationError(f"{what} must be a list, not {repr(value)[:60]}", path=where, remedy=REMEDY)
    return value
