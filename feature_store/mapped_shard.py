"""A local shard read by memory map, straight to the leaves.

With required fields, PLAIN encoding, no compression and one data page a column chunk, the values of a leaf stand
contiguously at the end of its chunk. Row offsets of ragged leaves are the running sum of their count column. So a
window is a few slices of the map. Nothing is taken on trust: encodings come from the footer, and the page header must
agree with the footer on where the first value lies.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feature_store.errors import ShardCorruptError
from feature_store.fingerprint import Family
from feature_store.footer import column_numbers, open_parquet, parquet_errors, shapes_from_footer
from feature_store.page import PageError, read_page, values_start
from feature_store.ragged import Arrays, join
from feature_store.schema import FRAME_FIELDS, Leaf, leaves_of
from feature_store.shard import Part

_PHYSICAL = {"i4": "INT32", "f4": "FLOAT", "f8": "DOUBLE", "f2": "FIXED_LEN_BYTE_ARRAY"}
_PLAIN, _DATA_PAGE = 0, 0


class NotMappableError(Exception):
    """The file may be good Parquet, but its values do not lie as a memory map needs them."""


class _Group:
    """One row group: a view of the map for every leaf, and for ragged ones the first item of each row."""

    __slots__ = ("family_plan", "plan", "start", "stop")

    def __init__(self, start: int, stop: int, plan: list[tuple[str, NDArray[Any], list[int] | None]]) -> None:
        self.start = start
        self.stop = stop
        self.plan = plan
        self.family_plan = [step for step in plan if step[0] not in FRAME_FIELDS]

    def read(self, start: int, stop: int, part: Part) -> Arrays:
        first, last = start - self.start, stop - self.start
        arrays: Arrays = {}
        for field, view, offsets in self.plan if part == "all" else self.family_plan:
            if offsets is None:
                arrays[field] = view[first:last].copy()
            else:
                arrays[field] = view[offsets[first] : offsets[last]].copy()
        return arrays


class MappedShard:
    """A shard in this machine's memory map; safe to share between threads and over a fork.

    Args:
        path: The Parquet file.
        family: Which columns to expect.

    Raises:
        NotMappableError: if the file is laid out otherwise (compressed, several pages ...).
        ShardCorruptError: if it is no Parquet file.
    """

    def __init__(self, path: Path, *, family: Family) -> None:
        self.family = family
        self.where = str(path)
        with parquet_errors(self.where):
            with pa.memory_map(self.where) as file:  # closing frees the descriptor, the buffer keeps the map
                self._buffer = file.read_buffer()
            data = memoryview(self._buffer).cast("B")
        with open_parquet(pa.BufferReader(self._buffer), where=self.where) as parquet:
            metadata = parquet.metadata
        self.n_frames = int(metadata.num_rows)
        try:
            self.shapes = shapes_from_footer(metadata, family=family, where=self.where)
            self._groups = _Plan(data, metadata, family=family, shapes=self.shapes).groups()
        except (PageError, ShardCorruptError) as error:
            raise NotMappableError(f"{self.where}: {error}") from error
        self._starts = [group.start for group in self._groups]

    def read(self, start: int, stop: int, *, part: Part = "all") -> Arrays:
        """Copies of the leaves of frames ``start`` to ``stop``; a slice for each, over as many row groups as needed."""
        group = self._groups[bisect_right(self._starts, start) - 1]
        if stop <= group.stop:
            return group.read(start, stop, part)
        parts = [
            group.read(max(start, group.start), min(stop, group.stop), part)
            for group in self._groups
            if group.start < stop and start < group.stop
        ]
        return join(parts)


class _Plan:
    """Finds the leaves of every row group."""

    def __init__(self, data: memoryview, metadata: Any, *, family: Family, shapes: dict[str, tuple[int, ...]]) -> None:
        self.data = data
        self.metadata = metadata
        self.shapes = shapes
        self.leaves = leaves_of(family)
        self.numbers = column_numbers(metadata)
        missing = [leaf.parquet_path for leaf in self.leaves if leaf.parquet_path not in self.numbers]
        if missing:
            raise NotMappableError(f"no column {', '.join(missing)}")

    def groups(self) -> list[_Group]:
        """Every row group, in order."""
        groups, start = [], 0
        for number in range(self.metadata.num_row_groups):
            row_group = self.metadata.row_group(number)
            stop = start + row_group.num_rows
            if row_group.num_rows > 0:
                groups.append(self._group(row_group, start, stop))
            start = stop
        if start != self.metadata.num_rows:
            raise PageError(f"row groups have {start} rows, the file {self.metadata.num_rows}")
        return groups

    def _group(self, row_group: Any, start: int, stop: int) -> _Group:
        offsets: dict[str, list[int]] = {}
        for leaf in self.leaves:
            if leaf.field.startswith("n_"):
                counts = self._view(row_group, leaf, stop - start)
                if (counts < 0).any():
                    raise PageError(f"{leaf.field} holds a negative count")
                offsets[leaf.field] = [0, *np.cumsum(counts, dtype=np.int64).tolist()]
        plan: list[tuple[str, NDArray[Any], list[int] | None]] = []
        for leaf in self.leaves:
            rows = offsets[leaf.count] if leaf.count else None
            view = self._view(row_group, leaf, rows[-1] if rows else stop - start)
            plan.append((leaf.field, view, rows))
        return _Group(start, stop, plan)

    def _view(self, row_group: Any, leaf: Leaf, items: int) -> NDArray[Any]:
        """The leaf's values in this row group, [items, *shape]."""
        number = self.numbers[leaf.parquet_path]
        chunk = row_group.column(number)
        column = self.metadata.schema.column(number)
        plain = set(chunk.encodings) <= {"PLAIN", "RLE", "BIT_PACKED"} and not chunk.has_dictionary_page
        if chunk.compression != "UNCOMPRESSED" or not plain or chunk.physical_type != _PHYSICAL[leaf.dtype.str[1:]]:
            raise NotMappableError(f"{chunk.path_in_schema} is {chunk.physical_type}, {chunk.compression}")
        shape = self.shapes[leaf.field]
        values = items * int(np.prod(shape, dtype=np.int64))
        end = chunk.data_page_offset + chunk.total_compressed_size
        if not 0 < chunk.data_page_offset < end <= len(self.data):
            raise PageError(f"{chunk.path_in_schema} is said to lie outside the file")
        begin = end - values * leaf.dtype.itemsize
        page = read_page(self.data, chunk.data_page_offset)
        if page.kind != _DATA_PAGE or page.encoding != _PLAIN or page.num_values != chunk.num_values:
            raise NotMappableError(f"{chunk.path_in_schema} is not one plain data page")
        first = values_start(
            self.data, page, max_repetition=column.max_repetition_level, max_definition=column.max_definition_level
        )
        if page.body + page.size != end or first != begin:
            raise PageError(f"{chunk.path_in_schema}: footer, page header and counts disagree on where its values lie")
        return np.frombuffer(self.data, leaf.dtype, count=values, offset=begin).reshape(items, *shape)


def open_mapped(path: Path, *, family: Family) -> MappedShard | None:
    """The shard by memory map, or None if its layout needs the plain reader."""
    try:
        return MappedShard(path, family=family)
    except NotMappableError:
        return None
