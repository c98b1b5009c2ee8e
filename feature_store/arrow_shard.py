"""A shard read by pyarrow: remote files, and files that other tools wrote or compressed."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from typing import IO

import pyarrow as pa

from feature_store.errors import ShardCorruptError
from feature_store.fingerprint import Family
from feature_store.footer import REMEDY, open_parquet, parquet_errors, shapes_from_footer
from feature_store.ragged import Arrays, cut, join
from feature_store.schema import F2, FRAME_FIELDS, arrow_schema, leaves_of
from feature_store.shard import Part
from feature_store.table import from_table

_DECODED_GROUPS = 2
"""Row groups kept decoded: neighbouring windows share one, a window across a border needs two."""


class ArrowShard:
    """A shard decoded row group by row group; threads take turns, since a ParquetFile serves one at a time.

    Args:
        source: Local path, or a readable and seekable file.
        family: Which columns to expect.
        where: Name of the file for error messages.
    """

    def __init__(self, source: Path | IO[bytes], *, family: Family, where: str) -> None:
        self.family = family
        self.where = where
        self._lock = threading.Lock()
        self._file = open_parquet(str(source) if isinstance(source, Path) else source, where=where)
        metadata = self._file.metadata
        self.n_frames = int(metadata.num_rows)
        self._starts = [0]
        with parquet_errors(where):
            for number in range(metadata.num_row_groups):
                self._starts.append(self._starts[-1] + metadata.row_group(number).num_rows)
            if self._starts[-1] != self.n_frames or sorted(self._starts) != self._starts:
                raise ValueError(f"its row groups do not make up {self.n_frames} rows")
        self.shapes = self._shapes()
        self._decoded: OrderedDict[int, Arrays] = OrderedDict()

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Item shapes; tokens that a tool rewrote as plain binary say their width by their first cell."""
        schema = self._file.schema_arrow
        missing = sorted({leaf.column for leaf in leaves_of(self.family)} - set(schema.names))
        if missing:
            raise ShardCorruptError(f"{self.where} has no column {', '.join(missing)}", remedy=REMEDY)
        if self.family != "vision" or pa.types.is_fixed_size_binary(schema.field("masked_token").type):
            return shapes_from_footer(self._file.metadata, family=self.family, where=self.where)
        with parquet_errors(self.where):
            first = next(self._file.iter_batches(batch_size=1, columns=["frame_tokens", "masked_token"]))
            tokens, masked = (len(first.column(name)[0].as_py()) for name in ("frame_tokens", "masked_token"))
            width = masked // F2.itemsize
            shapes = {leaf.field: leaf.item for leaf in leaves_of(self.family) if leaf.item is not None}
            return shapes | {
                "frame_tokens": (tokens // masked, width), "masked_token": (width,), "object_tokens": (width,)
            }  # fmt: skip

    def read(self, start: int, stop: int, *, part: Part = "all") -> Arrays:
        """Copies of the leaves of frames ``start`` to ``stop``."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, stop - 1) - 1
        with self._lock:
            parts = [self._cut(number, start, stop) for number in range(first, last + 1)]
        left_out = FRAME_FIELDS if part == "family" else frozenset()
        return {name: array.copy() for name, array in join(parts).items() if name not in left_out}

    def _cut(self, number: int, start: int, stop: int) -> Arrays:
        begin, end = self._starts[number], self._starts[number + 1]
        return cut(self.family, self._group(number), max(start, begin) - begin, min(stop, end) - begin)

    def _group(self, number: int) -> Arrays:
        if number in self._decoded:
            self._decoded.move_to_end(number)
            return self._decoded[number]
        with parquet_errors(self.where):
            arrays = self._decode(number)
        self._decoded[number] = arrays
        while len(self._decoded) > _DECODED_GROUPS:
            self._decoded.popitem(last=False)
        return arrays

    def _decode(self, number: int) -> Arrays:
        schema = arrow_schema(self.family, self.shapes)
        schema = schema.remove(schema.get_field_index("video"))
        table = self._file.read_row_group(number, columns=schema.names, use_threads=False).select(schema.names)
        arrays = from_table(_cast(table, schema), family=self.family, shapes=self.shapes)
        for leaf in leaves_of(self.family):
            rows = int(arrays[leaf.count].sum()) if leaf.count else len(arrays["frame"])
            if len(arrays[leaf.field]) != rows or (leaf.field.startswith("n_") and (arrays[leaf.field] < 0).any()):
                raise ValueError(f"column {leaf.column!r} disagrees with the counts in {leaf.count!r}")
        return arrays


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """To the store's own types, whether lists came as large lists or tokens as plain binary."""
    if table.schema.equals(schema):
        return table
    return table.cast(pa.schema([_optional(field) for field in schema]))


def _optional(field: pa.Field) -> pa.Field:
    """The field with everything in it nullable, as other tools write it; Arrow refuses to cast that away."""
    kind = field.type
    if pa.types.is_fixed_size_list(kind):
        kind = pa.list_(_optional(kind.value_field), kind.list_size)
    elif pa.types.is_list(kind):
        kind = pa.list_(_optional(kind.value_field))
    elif pa.types.is_struct(kind):
        kind = pa.struct([_optional(part) for part in kind])
    return pa.field(field.name, kind)
