"""Annotations, JSON lines: ``{"video", "segments": [{"start", "end", "category", "reason"}], "split"}``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import AnnotationError
from hawkeye_core.settings import Settings

Split = Literal["train", "test", "val"]


class AnnotatedSegment(Settings):
    """One segment, times in seconds of the video."""

    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)
    category: str = Field(min_length=1)
    reason: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"a segment must end after its start, not {self.start} to {self.end}")
        return self


class VideoAnnotation(Settings):
    """One line: all segments of one video; an empty list says that it has none."""

    video: str = Field(min_length=1)
    segments: tuple[AnnotatedSegment, ...]
    split: Split
    note: str = ""
    """Anything a reader should know; not used."""
    question: str = ""
    """What training asks about the video; empty: the paper's question. Evaluation always asks the paper's."""

    def timeline(self) -> list[Segment]:
        """The segments ordered by start."""
        found = [Segment(s.start, s.end, s.category, s.reason) for s in self.segments]
        return sorted(found, key=lambda segment: (segment.start_s, segment.end_s))


def read_annotations(path: str | Path) -> list[VideoAnnotation]:
    """Read and check a file of annotations; empty lines are skipped.

    Raises:
        AnnotationError: The file is missing or has no line, a line is not in the format above, or a video occurs
            twice; the message starts with ``file:line``.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise AnnotationError(
            "no such annotation file", path=path, remedy="set `annotations` to a file of JSON lines"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"cannot be read: {error}", path=path) from error
    found: dict[str, VideoAnnotation] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            item = _read_line(line, where=f"{path}:{number}")
            if item.video in found:
                raise AnnotationError(f"video {item.video!r} occurs a second time", path=f"{path}:{number}")
            found[item.video] = item
    if not found:
        raise AnnotationError("has no annotation", path=path)
    return list(found.values())


def of_split(annotations: Sequence[VideoAnnotation], split: Split | Literal["all"]) -> list[VideoAnnotation]:
    """The annotations of one split, in their order."""
    return [item for item in annotations if split in ("all", item.split)]


def _read_line(line: str, *, where: str) -> VideoAnnotation:
    try:
        return VideoAnnotation.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AnnotationError(
            f"{place + ': ' if place else ''}{first['msg']}",
            path=where,
            remedy='a line is {"video": id, "segments": [{"start": s, "end": s, "category": ..., "reason": ...}], '
            '"split": "train", "test" or "val"}',
        ) from error
