"""The two input tables, JSON lines or Parquet: checked row by row, kept as columns.

200,000 rows as objects would be 200 MB, copied into every data worker; as columns they are some 20 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.annotations import Split
from hawkeye_core.training.stage1.rows import Motion, Region

MAX_LINE_BYTES = 65_536
"""Longest line: no row of sense comes near, and a file without line ends is not read into memory."""

BATCH_ROWS = 4096
"""Rows held as Python objects at a time."""

RowT = TypeVar("RowT", Region, Motion)


@dataclass(frozen=True, slots=True)
class Table:
    """N rows: a video, K numbers, a text each.

    Args:
        path: The file.
        unit: What stands before a row's number in messages.
        videos: The V different ids, in order of appearance.
        video_of: [N] int32, index into ``videos``.
        numbers: [N, K] float64; the box (K = 4, pixels), or start and end (K = 2, seconds).
        text: N expressions or captions as they were written.
        line: [N] int32 line (of JSON lines) or row (of Parquet) in the file, from 1.
    """

    path: str
    unit: str
    videos: tuple[str, ...]
    video_of: NDArray[np.int32]
    numbers: NDArray[np.float64]
    text: pa.ChunkedArray
    line: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.line)

    def video(self, row: int) -> str:
        """Id of a row's video."""
        return self.videos[self.video_of[row]]

    def words(self, row: int) -> str:
        """A row's expression or caption."""
        return str(self.text[row].as_py())

    def where(self, row: int) -> str:
        """``file:line`` of a row."""
        return f"{self.path}:{self.unit}{self.line[row]}"


def read_regions(path: str | Path, *, split: Split = "train") -> Table:
    """The regions of one split; ``numbers`` is the box.

    Raises:
        AnnotationError: The file is missing, empty or damaged, or a row is not a :class:`Region`; the message starts
            with ``file:line``.
    """
    remedy = 'a row is {"video": id, "box": [x1, y1, x2, y2] in pixels, "expression": text, "split": "train" or "test"}'
    return _read(
        Path(path), Region, split, remedy, key="regions", width=4, values=lambda r: r.box, text=lambda r: r.expression
    )


def read_motions(path: str | Path, *, split: Split = "train") -> Table:
    """The motions of one split; ``numbers`` is start and end.

    Raises:
        AnnotationError: As :func:`read_regions`.
    """
    remedy = 'a row is {"video": id, "start": s, "end": s, "caption": text, "split": "train" or "test"}'
    return _read(
        Path(path), Motion, split, remedy, key="motions", width=2, values=lambda r: (r.start, r.end),
        text=lambda r: r.caption,
    )  # fmt: skip


def _read(
    path: Path,
    model: type[RowT],
    split: Split,
    remedy: str,
    *,
    key: str,
    width: int,
    values: Callable[[RowT], tuple[float, ...]],
    text: Callable[[RowT], str],
) -> Table:
    unit = "row " if path.suffix == ".parquet" else ""
    ids: dict[str, int] = {}
    owner, numbers, lines = array("i"), array("d"), array("i")
    chunks: list[pa.Array] = []
    batch: list[str] = []
    seen = False
    for number, row in _rows(path, model, unit, remedy, key):
        seen = True
        if row.split != split:
            continue
        owner.append(ids.setdefault(row.video, len(ids)))
        numbers.extend(values(row))
        lines.append(number)
        batch.append(text(row))
        if len(batch) == BATCH_ROWS:
            chunks.append(pa.array(batch, pa.string()))
            batch = []
    if not seen:
        raise AnnotationError("has no row", path=path, remedy=remedy)
    return Table(
        path=str(path), unit=unit, videos=tuple(ids), video_of=np.array(owner, np.int32),
        numbers=np.array(numbers, np.float64).reshape(-1, width),
        text=pa.chunked_array([*chunks, pa.array(batch, pa.string())]), line=np.array(lines, np.int32),
    )  # fmt: skip


def _rows(path: Path, model: type[RowT], unit: str, remedy: str, key: str) -> Iterator[tuple[int, RowT]]:
    """Number and content of each row."""
    try:
        with path.open("rb") as file:
            if path.suffix == ".parquet":
                for number, record in _parquet_rows(file):
                    yield number, _checked(model.model_validate, record, f"{path}:{unit}{number}", remedy)
            else:
                for number, line in _json_lines(file, path):
                    yield number, _checked(model.model_validate_json, line, f"{path}:{unit}{number}", remedy)
    except FileNotFoundError as error:
        raise AnnotationError("no such table", path=path, remedy=f"set `{key}` to JSON lines or Parquet") from error
    except (OSError, pa.ArrowException) as error:
        raise AnnotationError(f"cannot be read: {error}", path=path) from error


def _json_lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty, without a byte-order mark."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise AnnotationError(
                f"the line is longer than {MAX_LINE_BYTES} bytes", path=f"{path}:{number}",
                remedy="write one JSON object a line, or Parquet under a name that ends in .parquet",
            )  # fmt: skip
        line = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if line:
            yield number, line


def _parquet_rows(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows as dictionaries, from 1; an empty optional value counts as left out."""
    number = 0
    for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS):
        for record in batch.to_pylist():
            number += 1
            optional = {name for name in ("split", "note") if record.get(name, "") is None}
            yield number, {name: value for name, value in record.items() if name not in optional}


def _checked(check: Callable[[Any], RowT], content: Any, where: str, remedy: str) -> RowT:
    try:
        return check(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AnnotationError(f"{place + ': ' if place else ''}{first['msg']}", path=where, remedy=remedy) from error
