"""One row of the instruction table of stage 2, and its schema: a video, what is asked, what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import pyarrow as pa

from hawkeye_core.answers.render import render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.source import Split

Sentiment = Literal["S-S", "S-D"]
"""The paper's two kinds: scene-sparsity (daily life, TSL-300) and scene-density (13 crime scenes, UCF-Crime)."""

BATCH_ROWS = 2048

SEGMENT = pa.struct(
    [
        pa.field("start", pa.float64(), nullable=False),
        pa.field("end", pa.float64(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("sentiment", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("duration_s", pa.float64()),
        pa.field("fps", pa.float64()),
        pa.field("segments", pa.list_(pa.field("item", SEGMENT, nullable=False)), nullable=False),
        pa.field("question", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
    ],
    metadata={"hawkeye": "stage-2 instructions", "version": "1", "times": "seconds of the video"},
)
"""Columns of the table; ``answer`` is that of the whole video, training cuts it to its windows by ``segments``."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A video as stage 2 learns or is tested on it.

    Args:
        video: Id in the feature store.
        path: File below the data set's folder.
        source: Data set: ``tsl300``, ``ucf-crime``.
        sentiment: Which of the paper's two kinds.
        protocol: Choice of videos and times, to be told with every number.
        split: ``train`` or ``test`` (``val`` where a set has one).
        label: The data set's own word.
        segments: Ordered, seconds of the video; none: nothing anomalous.
        question: One of the phrasings.
        duration_s: Where known.
        fps: Where known.
    """

    video: str
    path: str
    source: str
    sentiment: Sentiment
    protocol: str
    split: Split
    label: str
    segments: tuple[Segment, ...]
    question: str
    duration_s: float | None = None
    fps: float | None = None

    @property
    def answer(self) -> str:
        """What is said of the whole video (DESIGN section 5)."""
        return render_answer(self.segments)

    def record(self) -> dict[str, Any]:
        """The row as plain values, in the order of :data:`SCHEMA`."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "segments"}
        rows = [{"start": s.start_s, "end": s.end_s, "category": s.category, "reason": s.reason} for s in self.segments]
        values |= {"segments": rows, "answer": self.answer}
        return {name: values[name] for name in SCHEMA.names}


def batches(rows: Iterable[Instruction]) -> Iterator[pa.RecordBatch]:
    """Rows as record batches; no more than a batch is held."""
    kept: list[dict[str, Any]] = []
    for row in rows:
        kept.append(row.record())
        if len(kept) == BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(kept, schema=SCHEMA)
            kept = []
    if kept:
        yield pa.RecordBatch.from_pylist(kept, schema=SCHEMA)


def annotation_record(row: Instruction) -> dict[str, Any]:
    """The row as a line of the trainer's annotations (:mod:`hawkeye_core.training.annotations`)."""
    segments = [{k.removesuffix("_s"): v for k, v in asdict(segment).items()} for segment in row.segments]
    return {"video": row.video, "segments": segments, "split": row.split, "question": row.question}
