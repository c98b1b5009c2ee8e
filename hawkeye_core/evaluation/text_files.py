"""Files of other systems' answers: texts on whole videos (JSON, JSON lines, CSV), and the clips of the paper's code."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hawkeye_core.datasets.reading import parse_json, read_bytes, read_json, read_lines
from hawkeye_core.datasets.times import span, video_stem
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.prediction_files import MAX_FILE_BYTES
from hawkeye_core.evaluation.prediction_records import plain_text

VIDEO_KEYS = ("video", "video_id", "vname", "Video Name")
"""Names of the column with the video: ours, VTimeLLM's, TimeChat's, VAU-R1's."""
TEXT_KEYS = ("text", "answer", "generated_cap", "Temporal Grounding")
"""Names of the column with the answer, likewise."""
CLIP_COLUMNS = ("file", "output")
"""Columns of the files that the paper's code writes, one file a video (its eval.py)."""
MAX_CSV_FILES = 100_000
TEXT_REMEDY = (
    'a line is {"video": id, "text": what the system wrote}, with "start_s" and "end_s" where it was asked about a '
    "part of the video; docs/predictions.md has all forms"
)
CLIP_REMEDY = (
    "give a folder with one CSV file a video, named after it, with the columns file,output (12.mp4,Yes), or one CSV "
    "file with the columns video,file,output"
)
_CLIP = re.compile(r"(?:.*[_-])?([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class VideoText:
    """An answer about a video, or about the part of it from ``start_s`` to ``end_s`` (seconds; None: all of it)."""

    video: str
    text: str
    where: str
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class ClipText:
    """An answer about a clip; ``number`` as its file says it."""

    video: str
    number: int
    text: str
    where: str


def read_texts(path: str | Path) -> list[VideoText]:
    """The answers of a file, in its order.

    ``.json``: a list of objects, or one object of texts by video. ``.csv``: with a header. Any other name: JSON
    lines. The video stands under one of :data:`VIDEO_KEYS`, the text under one of :data:`TEXT_KEYS`; ``start_s`` and
    ``end_s`` may stand beside them; other columns are not read. A video may be named by its file.

    Raises:
        AnnotationError: The file is missing, damaged or too large, or a record is not as it should be.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        records: Iterator[tuple[str, Any]] = _csv_records(path, remedy=TEXT_REMEDY)
    elif suffix == ".json":
        records = _json_records(path)
    else:
        lines = read_lines(path, remedy=TEXT_REMEDY)
        records = ((where, parse_json(line, where=where, remedy=TEXT_REMEDY)) for where, line in lines)
    found = [_video_text(record, where) for where, record in records]
    if not found:
        raise AnnotationError("has no answer", path=path, remedy=TEXT_REMEDY)
    return found


def read_clips(path: str | Path) -> list[ClipText]:
    """Answers about clips: a folder of CSV files, one a video and named after it, or one CSV file.

    A clip's file is called by its number: ``12.mp4``, ``clip_12.mp4``. A file without a column ``video`` is about
    the video that it is named after.

    Raises:
        AnnotationError: A file is missing, damaged or too large, or a row is not as it should be.
    """
    folder = Path(path)
    files: Sequence[Path] = [folder]
    if folder.is_dir():
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".csv")
        if not files or len(files) > MAX_CSV_FILES:
            raise AnnotationError(f"has {len(files):,} CSV files", path=path, remedy=CLIP_REMEDY)
    found: list[ClipText] = []
    for file in files:
        clips = [_clip(record, where, file) for where, record in _csv_records(file, remedy=CLIP_REMEDY)]
        if not clips:
            raise AnnotationError("has no clip", path=file, remedy=CLIP_REMEDY)
        found += clips
    return found


def _video_text(record: Any, where: str) -> VideoText:
    if not isinstance(record, Mapping):
        raise AnnotationError(f"must be an object, not {repr(record)[:60]}", path=where, remedy=TEXT_REMEDY)
    name = record[_one_of(VIDEO_KEYS, record, "video", where)]
    text = plain_text(record[_one_of(TEXT_KEYS, record, "text", where)], what="a text", where=where, remedy=TEXT_REMEDY)
    video = video_stem(name, where=where, remedy=TEXT_REMEDY)
    ends = [record.get(key) for key in ("start_s", "end_s")]
    if ends == [None, None]:
        return VideoText(video, text, where)
    # CSV has texts where JSON has numbers.
    start, end = (_as_number(value) for value in ends)
    part = span(start, end, where=where, remedy=TEXT_REMEDY)
    return VideoText(video, text, where, part.start_s, part.end_s)


def _clip(record: Mapping[str, str], where: str, file: Path) -> ClipText:
    missing = [name for name in CLIP_COLUMNS if name not in record]
    if missing:
        raise AnnotationError(f"has no column {', '.join(missing)}", path=where, remedy=CLIP_REMEDY)
    video = video_stem(record.get("video", file.stem), where=where, remedy=CLIP_REMEDY)
    name = video_stem(record["file"], where=where, remedy=CLIP_REMEDY)
    number = _CLIP.fullmatch(name)
    if number is None:
        raise AnnotationError(f"{name[:60]!r} has no number of a clip at its end", path=where, remedy=CLIP_REMEDY)
    text = plain_text(record["output"], what="an output", where=where, remedy=CLIP_REMEDY)
    return ClipText(video, int(number[1]), text, where)


def _one_of(names: Collection[str], record: Mapping[str, Any], what: str, where: str) -> str:
    """The one name of a column that is there."""
    found = [name for name in names if name in record]
    if len(found) != 1:
        said = f"has {' and '.join(found)}, of which one is wanted" if found else f"has no {what}"
        raise AnnotationError(said, path=where, remedy=TEXT_REMEDY)
    return found[0]


def _as_number(value: Any) -> Any:
    """The number that a text of a CSV file is; anything else as it is, to be refused."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _json_records(path: str | Path) -> Iterator[tuple[str, Any]]:
    content = read_json(path, remedy=TEXT_REMEDY, max_bytes=MAX_FILE_BYTES)
    if isinstance(content, Mapping):
        for name, text in content.items():
            yield f"{path}: {name[:60]}", {"video": name, "text": text}
    elif isinstance(content, list):
        for index, record in enumerate(content):
            yield f"{path}: entry {index}", record
    else:
        raise AnnotationError("is neither a list nor an object", path=path, remedy=TEXT_REMEDY)


def _csv_records(path: str | Path, *, remedy: str) -> Iterator[tuple[str, dict[str, str]]]:
    """``file:line`` and the row by its column's names."""
    content = read_bytes(path, remedy=remedy, max_bytes=MAX_FILE_BYTES)
    try:
        lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"is not UTF-8: {error.reason}", path=path, remedy=remedy) from error
    rows = csv.reader(lines, strict=True)
    try:
        head = next(rows, [])
        if len(set(head)) != len(head):
            raise AnnotationError("names a column twice", path=f"{path}:1", remedy=remedy)
        for row in rows:
            where = f"{path}:{rows.line_num}"
            if not row:
                continue
            if len(row) != len(head):
                raise AnnotationError(f"has {len(row)} cells, not {len(head)}", path=where, remedy=remedy)
            yield where, dict(zip(head, row, strict=True))
    except csv.Error as error:
        raise AnnotationError(f"is no CSV: {error}", path=f"{path}:{rows.line_num}", remedy=remedy) from error
