"""Predictions on disk: JSON lines and Parquet of the same records (:mod:`.prediction_records`), one a video."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hawkeye_core.atomic import replacing, write_text
from hawkeye_core.datasets.reading import parse_json, read_bytes
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.prediction_records import REMEDY, VERSION, Prediction, prediction_of

MAX_FILE_BYTES = 256 * 2**20
"""A larger file is refused before it is read."""
MAX_LINE_BYTES = 4 * 2**20
"""Longest line: the answers to the windows of some hours of video."""
MAX_TABLE_BYTES = 2**30
"""Most that a Parquet file may unpack to, as it says itself."""
BATCH_ROWS = 1024
KIND = "predictions"


def _struct(*fields: tuple[str, pa.DataType, bool]) -> pa.DataType:
    return pa.struct([pa.field(name, kind, nullable=nullable) for name, kind, nullable in fields])


SEGMENT = _struct(
    ("start_s", pa.float64(), False), ("end_s", pa.float64(), False), ("category", pa.string(), False),
    ("reason", pa.string(), False), ("score", pa.float64(), True),
)  # fmt: skip
ANSWER = _struct(
    ("start_s", pa.float64(), False), ("end_s", pa.float64(), False), ("status", pa.string(), False),
    ("text", pa.string(), False),
)  # fmt: skip
SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("segments", pa.list_(pa.field("item", SEGMENT, nullable=False)), nullable=False),
        pa.field("answers", pa.list_(pa.field("item", ANSWER, nullable=False)), nullable=False),
        pa.field("curve", pa.list_(pa.field("item", pa.float64(), nullable=False)), nullable=True),
    ],
    metadata={"hawkeye": KIND, "version": str(VERSION), "times": "seconds of the video"},
)
"""Columns of the Parquet file; the version stands in its metadata."""


def write_jsonl(predictions: Sequence[Prediction], path: str | Path) -> Path:
    """JSON lines, one a video; whole or not at all."""
    return write_text(path, "".join(f"{json.dumps(item.record(), allow_nan=False)}\n" for item in predictions))


def write_parquet(predictions: Sequence[Prediction], path: str | Path) -> Path:
    """Parquet by :data:`SCHEMA`; the same predictions give the same bytes."""
    rows = [{name: value for name, value in item.record().items() if name != "version"} for item in predictions]
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), temporary, compression="zstd")
    return Path(path)


def read_predictions(path: str | Path) -> list[Prediction]:
    """The predictions of a file, in its order: Parquet if its name ends in ``.parquet``, else JSON lines.

    Parquet of other tools may lack the metadata and may hold other types of the same meaning (32-bit numbers, large
    strings).

    Raises:
        AnnotationError: The file is missing, damaged or too large, a record is not as it should be, a video occurs
            twice, or some segments have a score and some have none. It names file and line (of Parquet: the row).
    """
    records = _parquet_records(path) if Path(path).suffix.lower() == ".parquet" else _json_records(path)
    found: dict[str, Prediction] = {}
    scored: set[bool] = set()
    for where, record in records:
        item = prediction_of(record, where=where)
        if item.video in found:
            raise AnnotationError(f"video {item.video!r} occurs a second time", path=where, remedy="keep one of them")
        found[item.video] = item
        scored |= {segment.score is not None for segment in item.segments}
        if len(scored) > 1:
            raise AnnotationError(
                "some segments have a score and some have none", path=where, remedy="give all a score, or none"
            )
    if not found:
        raise AnnotationError("has no prediction", path=path, remedy=REMEDY)
    return list(found.values())


def _json_records(path: str | Path) -> Iterator[tuple[str, Any]]:
    content = read_bytes(path, remedy=REMEDY, max_bytes=MAX_FILE_BYTES).removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(content.splitlines(), start=1):
        where = f"{path}:{number}"
        if len(line) > MAX_LINE_BYTES:
            raise AnnotationError(f"the line is longer than {MAX_LINE_BYTES:,} bytes", path=where, remedy=REMEDY)
        if line.strip():
            yield where, parse_json(line, where=where, remedy=REMEDY)


def _parquet_records(path: str | Path) -> Iterator[tuple[str, Any]]:
    content = read_bytes(path, remedy=REMEDY, max_bytes=MAX_FILE_BYTES)
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            _check_table(file, path)
            row = 0
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for record in batch.to_pylist():
                    row += 1
                    yield f"{path}: row {row}", record
    except (OSError, ValueError, pa.ArrowException, OverflowError, TypeError) as error:
        raise AnnotationError(f"is no Parquet that can be read: {error}", path=path, remedy=REMEDY) from error


def _check_table(file: pq.ParquetFile, path: str | Path) -> None:
    meta = file.schema_arrow.metadata or {}
    kind, version = (meta.get(key, b"").decode("utf-8", "replace") for key in (b"hawkeye", b"version"))
    if kind not in ("", KIND):
        raise AnnotationError(f"is a table of {kind[:40]}, not of {KIND}", path=path, remedy=REMEDY)
    if kind and version != str(VERSION):
        remedy = "read it with a newer Hawkeye"
        raise AnnotationError(f"is of version {version[:20]!r}, not {VERSION}", path=path, remedy=remedy)
    groups = range(file.metadata.num_row_groups)
    size = sum(file.metadata.row_group(index).total_byte_size for index in groups)
    if size > MAX_TABLE_BYTES:
        raise AnnotationError(f"unpacks to more than {MAX_TABLE_BYTES:,} bytes", path=path, remedy=REMEDY)
