"""Where in its videos a source says that something is anomalous: the common result of the readers of times.

UCF-Crime gives no times for its training videos. Others have: HIVAU-70k events (:mod:`.hivau`), GlanceVAD clicks
(:mod:`.glance`), VAD-LLaMA's and VERA's sentences (:mod:`.anomaly_text`), Liu & Ma's boxes (:mod:`.anomaly_boxes`).
They disagree; :mod:`.agreement` says by how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name
from hawkeye_core.datasets.source import Remark, merged
from hawkeye_core.errors import AnnotationError

MAX_SECONDS = 1e6
"""Latest time that is believed: eleven days."""
MAX_FRAME = 100_000_000
"""Largest number of a frame that is believed."""
UCF_FPS = 30.0
"""Frames a second of UCF-Crime's annotations. HIVAU-70k's file says that of the 810 anomalous training videos one has
another rate, 29.97; frame numbers of the other sources are read as thirtieths of a second all the same."""
SUFFIXES = (".mp4", ".avi", ".mkv", ".mov")
"""Endings of videos that are taken off their names."""


@dataclass(frozen=True)
class Times:
    """What one source says.

    Args:
        name: ``hivau-70k``, ``glancevad``, ``anomaly-text``, ``anomaly-boxes``.
        segments: Anomalous stretches of each video in seconds, ordered, without overlap, none without a stretch, in
            the order of the file. A video's id is the stem of its file, like ``Abuse001_x264``. Categories are empty:
            the class of a UCF-Crime video stands in its name.
        durations: Seconds of a video, where the source says; also of videos without times.
        remarks: What was done to get here.
        files: SHA-256 of every file that was read, by its name.
    """

    name: str
    segments: Mapping[str, tuple[Segment, ...]]
    durations: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def make_times(
    name: str,
    found: Mapping[str, Iterable[Segment]],
    *,
    durations: Mapping[str, float],
    remarks: Iterable[Remark] = (),
    files: Mapping[str, str],
) -> Times:
    """Segments as they stand in a file -> ordered, inside the video, not overlapping.

    A segment that starts behind the end of its video is dropped, one that ends there clipped; those that overlap or
    touch become one; a video without any is dropped. Each of these is a remark, as is a wrong order.

    Args:
        name: Of the source.
        found: Segments of each video, each ending after its start.
        durations: Seconds of the videos, where known.
        remarks: Those of the reader.
        files: SHA-256 by name of file.
    """
    said = list(remarks)
    kept: dict[str, tuple[Segment, ...]] = {}
    for video, segments in found.items():
        inside = _inside(video, list(segments), durations.get(video), said)
        if inside:
            kept[video] = inside
        else:
            said.append(Remark("dropped", "no time is left", video))
    return Times(name, kept, dict(durations), tuple(said), dict(files))


def video_stem(name: Any, *, where: str, remedy: str) -> str:
    """``frames/Abuse/Abuse001_x264.mp4`` -> ``Abuse001_x264``: the id of a video that a file calls by a path.

    Raises:
        AnnotationError: The last part of the path is no name.
    """
    last = PurePosixPath(name).name if isinstance(name, str) and "\0" not in name else name
    last = plain_name(last, where=where, remedy=remedy)
    for suffix in SUFFIXES:
        if last.lower().endswith(suffix):
            return plain_name(last[: -len(suffix)], where=where, remedy=remedy)
    return last


def number(value: Any, *, what: str, where: str, remedy: str, low: float = 0.0, high: float = MAX_SECONDS) -> float:
    """A number of a JSON file.

    Raises:
        AnnotationError: It is none, or lies outside [low, high].
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise AnnotationError(
            f"{what} must be a number from {low:g} to {high:g}, not {repr(value)[:60]}", path=where, remedy=remedy
        )
    return float(value)


def span(start: Any, end: Any, *, where: str, remedy: str) -> Segment:
    """Start and end in seconds of a JSON file.

    Raises:
        AnnotationError: One is no time, or the end does not lie behind the start.
    """
    first = number(start, what="a start", where=where, remedy=remedy)
    last = number(end, what="an end", where=where, remedy=remedy)
    if last <= first:
        raise AnnotationError(f"a segment must end after its start, not {first} to {last}", path=where, remedy=remedy)
    return Segment(first, last)


def _inside(video: str, segments: list[Segment], duration_s: float | None, said: list[Remark]) -> tuple[Segment, ...]:
    if duration_s is not None:
        fitting = []
        for one in segments:
            if one.start_s >= duration_s:
                said.append(Remark("dropped", "starts behind the video", video, f"{one.start_s} of {duration_s} s"))
                continue
            if one.end_s > duration_s:
                said.append(Remark("clipped", "ends behind the video", video, f"{one.end_s} to {duration_s} s"))
                one = replace(one, end_s=duration_s)
            fitting.append(one)
        segments = fitting
    starts = [one.start_s for one in segments]
    if starts != sorted(starts):
        said.append(Remark("note", "times are not in order", video))
    joined = merged(segments)
    if len(joined) < len(segments):
        said.append(Remark("merged", "times overlap or touch", video, f"{len(segments)} to {len(joined)}"))
    return tuple(joined)
