"""The instruction table on disk: Parquet, the trainer's annotations, and conversations in LLaVA's format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hawkeye_core.answers.segments import Segment
from hawkeye_core.atomic import replacing
from hawkeye_core.datasets.instructions.rows import SCHEMA, Instruction, annotation_record, batches
from hawkeye_core.errors import AnnotationError


def write_table(rows: Iterable[Instruction], path: Path) -> Path:
    """Parquet by :data:`~hawkeye_core.datasets.instructions.rows.SCHEMA`; the same rows give the same bytes."""
    with replacing(path) as temporary, pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
        for batch in batches(rows):
            writer.write_batch(batch)
    return path


def read_table(path: str | Path) -> Iterator[Instruction]:
    """The rows of a table that :func:`write_table` wrote, one after the other.

    Raises:
        AnnotationError: It is missing, damaged, or another table.
    """
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise AnnotationError("is no table of stage-2 instructions", path=path, remedy="`make datasets`")
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    yield _instruction(record)
    except FileNotFoundError as error:
        raise AnnotationError("no such table", path=path, remedy="build it with `make datasets`") from error
    except (OSError, pa.ArrowException) as error:
        raise AnnotationError(f"cannot be read: {error}", path=path, remedy="build it with `make datasets`") from error


def write_annotations(rows: Iterable[Instruction], path: Path) -> Path:
    """JSON lines as :func:`hawkeye_core.training.annotations.read_annotations` reads them."""
    return write_lines((annotation_record(row) for row in rows), path)


def write_conversations(rows: Iterable[Instruction], path: Path) -> Path:
    """JSON lines in the conversation format of LLaVA and Video-LLaVA: ``id``, ``video``, two turns."""
    return write_lines((conversation(row) for row in rows), path)


def conversation(row: Instruction) -> dict[str, Any]:
    """A row as a conversation."""
    return conversation_of(row.video, "video", row.path, row.question, row.answer)


def conversation_of(name: str, kind: str, path: str, question: str, answer: str) -> dict[str, Any]:
    """A conversation in LLaVA's format; ``<video>`` or ``<image>`` stands where the frames go."""
    return {
        "id": name,
        kind: path,
        "conversations": [{"from": "human", "value": f"<{kind}>\n{question}"}, {"from": "gpt", "value": answer}],
    }


def split_rows(rows: Sequence[Instruction], *, sentiment: str | None = None) -> list[Instruction]:
    """Rows of the training and test splits, of one sentiment or of both."""
    return [row for row in rows if row.split in ("train", "test") and sentiment in (None, row.sentiment)]


def _instruction(record: dict[str, Any]) -> Instruction:
    segments = tuple(Segment(s["start"], s["end"], s["category"], s["reason"]) for s in record.pop("segments"))
    del record["answer"]
    return Instruction(segments=segments, **record)


def write_lines(records: Iterable[dict[str, Any]], path: Path) -> Path:
    """JSON lines, one record each."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return path
