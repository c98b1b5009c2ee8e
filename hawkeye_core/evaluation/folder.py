"""An evaluation folder: what `hawkeye eval` writes, and what `hawkeye report` reads back.

``predictions.parquet`` (or ``.jsonl``) and ``results.json`` are described elsewhere. Here are the two files that make
a folder comparable with others and explain it: ``protocol.json``, which says what was scored against which videos and
segments, and ``router.parquet``, the routing weights of models that have a router. No torch.

Legend: S seconds of a video, N experts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hawkeye_core.atomic import replacing, write_text
from hawkeye_core.datasets.reading import read_bytes, read_json
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.prediction_files import read_predictions
from hawkeye_core.evaluation.prediction_records import Prediction
from hawkeye_core.evaluation.protocol import Protocol, protocol_of

PROTOCOL, ROUTER = "protocol.json", "router.parquet"
REMEDY = "evaluate again (`hawkeye eval --out FOLDER`), and give `--eval` that folder"
MAX_PROTOCOL_BYTES = 64 * 2**20
MAX_ROUTER_BYTES = 256 * 2**20
MAX_EXPERTS = 32

F32 = NDArray[np.float32]

ROUTER_SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("second", pa.int32(), nullable=False),
        pa.field("action", pa.list_(pa.field("item", pa.float32(), nullable=False)), nullable=False),
        pa.field("object", pa.list_(pa.field("item", pa.float32(), nullable=False)), nullable=False),
    ],
    metadata={"hawkeye": "router", "version": "1", "weights": "mean over the frames of a second, parts of 1"},
)
"""Columns of ``router.parquet``: a row a second, videos and seconds in order."""


@dataclass(frozen=True, slots=True, eq=False)
class RouterWeights:
    """Mean routing weights of one video by second; the N weights of a second add up to 1.

    Args:
        action: [S, N] of the action tokens.
        object: [S, N] of the object tokens.
    """

    action: F32
    object: F32


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation folder.

    Args:
        folder: Where it lies.
        protocol: What was scored, against what.
        predictions: In the order of the file; all of videos of the protocol, though perhaps not of all of them.
        router: By video; None where the model has no router (or it was not kept).
        seconds_per_minute: Inference seconds for a minute of video; None where it was not measured.
        untrained: Why the numbers say nothing about the method (parts with random weights); empty if they do.
    """

    folder: str
    protocol: Protocol
    predictions: tuple[Prediction, ...]
    router: Mapping[str, RouterWeights] | None = None
    seconds_per_minute: float | None = None
    untrained: tuple[str, ...] = ()


def write_protocol(folder: str | Path, protocol: Protocol) -> Path:
    """Write ``protocol.json``; the same protocol gives the same bytes."""
    text = json.dumps(protocol.record(), indent=1, ensure_ascii=False, allow_nan=False)
    return write_text(Path(folder) / PROTOCOL, f"{text}\n")


def write_router(folder: str | Path, router: Mapping[str, RouterWeights]) -> Path:
    """Write ``router.parquet``; the same weights give the same bytes."""
    rows = [
        {"video": video, "second": second, "action": action.tolist(), "object": objects.tolist()}
        for video, weights in router.items()
        for second, (action, objects) in enumerate(zip(weights.action, weights.object, strict=True))
    ]
    path = Path(folder) / ROUTER
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=ROUTER_SCHEMA), temporary, compression="zstd")
    return path


def read_evaluation(folder: str | Path) -> Evaluation:
    """Everything that a report needs of a folder.

    Predictions are read from ``predictions.parquet``, or else from ``predictions.jsonl``.

    Raises:
        AnnotationError: A file is missing, damaged or too large, a value is no sensible one, a prediction is of no
            video of the protocol or lies outside its video, or a curve or the routing weights have another length than
            their video.
    """
    from hawkeye_core.evaluation.result_files import PREDICTIONS, RESULTS, TABLE  # which itself writes protocols

    folder = Path(folder)
    if not folder.is_dir():
        said = "is no folder" if folder.exists() else "no such folder"
        raise AnnotationError(said, path=folder, remedy=REMEDY)
    protocol = protocol_of(read_json(folder / PROTOCOL, remedy=REMEDY, max_bytes=MAX_PROTOCOL_BYTES),
                           where=str(folder / PROTOCOL))  # fmt: skip
    path = folder / TABLE if (folder / TABLE).is_file() else folder / PREDICTIONS
    predictions = read_predictions(path)
    durations = {video.video: video.duration_s for video in protocol.videos}
    _check_predictions(predictions, durations, path)
    router = read_router(folder / ROUTER, durations) if (folder / ROUTER).exists() else None
    seconds, untrained = _results(folder / RESULTS)
    return Evaluation(str(folder), protocol, tuple(predictions), router, seconds, untrained)


def read_router(path: str | Path, durations: Mapping[str, float]) -> dict[str, RouterWeights]:
    """Routing weights of the videos of a file, which may be fewer than those of the protocol.

    Args:
        path: Of the file.
        durations: Seconds of the videos.

    Raises:
        AnnotationError: The file is damaged or too large, a video is unknown, its seconds are not 0, 1, ... up to its
            end, or weights are not N numbers of 0 to 1 in every row.
    """
    content = read_bytes(path, remedy=REMEDY, max_bytes=MAX_ROUTER_BYTES)
    try:
        table = pq.read_table(pa.BufferReader(content), columns=ROUTER_SCHEMA.names).cast(ROUTER_SCHEMA)
        videos, seconds = table["video"].to_pylist(), table["second"].to_numpy()
        action, objects = (_matrix(table[name].combine_chunks(), path) for name in ("action", "object"))
    except (OSError, ValueError, KeyError, pa.ArrowException, OverflowError, TypeError) as error:
        raise AnnotationError(f"is no table of routing weights: {error}", path=path, remedy=REMEDY) from error
    if action.shape != objects.shape:
        raise AnnotationError(f"has {action.shape[1]} weights of actions and {objects.shape[1]} of objects", path=path,
                              remedy=REMEDY)  # fmt: skip
    places: dict[str, list[int]] = {}
    for place, video in enumerate(videos):
        places.setdefault(video, []).append(place)
    found = {}
    for video, rows in places.items():
        wanted = seconds_of(durations[video]) if video in durations else 0
        if not np.array_equal(seconds[rows], np.arange(wanted)):
            said = f"has seconds {seconds[rows][:3].tolist()} ... of {video!r}, not 0 to {wanted - 1}"
            raise AnnotationError(said if wanted else f"{video!r} is no video of the protocol", path=path,
                                  remedy=REMEDY)  # fmt: skip
        found[video] = RouterWeights(action[rows], objects[rows])
    return found


def seconds_of(duration_s: float) -> int:
    """Seconds that a video has begun, the length of its curve: ``ceil(duration_s)``."""
    return math.ceil(duration_s)


def _matrix(column: pa.ListArray, path: str | Path) -> F32:
    """[rows, N] of a column of lists of one length."""
    lengths = set(column.value_lengths().to_pylist())
    if len(lengths) > 1 or None in lengths or not all(0 < length <= MAX_EXPERTS for length in lengths):
        raise AnnotationError(f"a row must have one number an expert, not {sorted(map(str, lengths))[:4]}", path=path,
                              remedy=REMEDY)  # fmt: skip
    values = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    if not ((values >= 0) & (values <= 1 + 1e-3)).all():
        raise AnnotationError("a weight is no number of 0 to 1", path=path, remedy=REMEDY)
    return values.reshape(len(column), -1)


def _check_predictions(predictions: Sequence[Prediction], durations: Mapping[str, float], path: Path) -> None:
    for item in predictions:
        if item.video not in durations:
            raise AnnotationError(f"{item.video!r} is no video of the protocol", path=path, remedy=REMEDY)
        duration = durations[item.video]
        if item.curve is not None and len(item.curve) != seconds_of(duration):
            said = f"the curve of {item.video!r} has {len(item.curve)} values; its {duration:.3f} s need "
            raise AnnotationError(f"{said}{seconds_of(duration)}", path=path, remedy=REMEDY)
        behind = [s.segment for s in item.segments if s.segment.end_s > duration + 1e-6]
        if behind:
            said = f"{item.video!r} lasts {duration:.3f} s; a segment is at {behind[0].start_s} to {behind[0].end_s} s"
            raise AnnotationError(said, path=path, remedy=REMEDY)


def _results(path: Path) -> tuple[float | None, tuple[str, ...]]:
    """Seconds a minute and what was untrained, as ``results.json`` has them."""
    if not path.exists():
        return None, ()
    values: Any = read_json(path, remedy=REMEDY, max_bytes=MAX_PROTOCOL_BYTES)
    known = isinstance(values, dict)
    seconds, marks = (values.get("seconds_per_minute"), values.get("marks", [])) if known else ("", [])
    fits = seconds is None or (isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds >= 0)
    if not fits or not isinstance(marks, list) or not all(isinstance(mark, str) for mark in marks):
        raise AnnotationError("is not the result of an evaluation", path=path, remedy=REMEDY)
    return (None if seconds is None else float(seconds)), tuple(mark[:200] for mark in marks)
