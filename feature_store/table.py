"""Between arrays by leaf and Arrow tables: the plain path, which every Parquet file can take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feature_store.fingerprint import Family
from feature_store.ragged import Arrays
from feature_store.schema import Leaf, leaves_of


def to_table(schema: pa.Schema, *, family: Family, video_id: str, arrays: Mapping[str, NDArray[Any]]) -> pa.Table:
    """Arrays as a table of ``schema``; values are not copied."""
    leaves = {leaf.column if not leaf.path else (leaf.column, leaf.path): leaf for leaf in leaves_of(family)}
    columns = []
    for field in schema:
        if field.name == "video":
            columns.append(pa.array([video_id] * len(arrays["frame"]), type=field.type))
        elif field.name in leaves:
            columns.append(_values(arrays[leaves[field.name].field], field.type))
        else:
            columns.append(_list_column(field, leaves=leaves, arrays=arrays))
    return pa.Table.from_arrays(columns, schema=schema)


def _list_column(field: pa.Field, *, leaves: Mapping[Any, Leaf], arrays: Mapping[str, NDArray[Any]]) -> pa.Array:
    parts = list(field.type.value_type)
    chosen = [leaves[field.name, part.name] for part in parts]
    values = [_values(arrays[leaf.field], part.type) for leaf, part in zip(chosen, parts, strict=True)]
    counts = arrays[chosen[0].count or ""]
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.StructArray.from_arrays(values, fields=parts), type=field.type
    )


def _values(array: NDArray[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_binary(kind):
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(array), [None, pa.py_buffer(np.ascontiguousarray(array))])
    if pa.types.is_fixed_size_list(kind):
        inner = array.reshape(-1, *array.shape[2:])
        return pa.FixedSizeListArray.from_arrays(_values(inner, kind.value_type), type=kind)
    return pa.array(array, type=kind)


def from_table(table: pa.Table, *, family: Family, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Arrays of a table that was cast to the family's schema; raises ``ValueError`` where a value is missing."""
    columns: dict[str, pa.Array] = {}
    arrays: Arrays = {}
    for leaf in leaves_of(family):
        if leaf.column not in columns:
            columns[leaf.column] = _one_chunk(table.column(leaf.column))
        column = columns[leaf.column]
        if leaf.path:
            column = _present(_present(column, leaf).flatten(), leaf).field(leaf.path)
        arrays[leaf.field] = _numpy(_present(column, leaf), leaf).reshape(-1, *shapes[leaf.field])
    return arrays


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """One array whose offset is 0, so that flattening and buffers need no care."""
    chunks = column.combine_chunks()
    return pa.concat_arrays(chunks.chunks) if isinstance(chunks, pa.ChunkedArray) else chunks


def _present(array: pa.Array, leaf: Leaf) -> pa.Array:
    if array.null_count:
        raise ValueError(f"column {leaf.column!r} has {array.null_count} missing values")
    return array


def _numpy(array: pa.Array, leaf: Leaf) -> NDArray[Any]:
    while pa.types.is_fixed_size_list(array.type):
        array = _present(array.flatten(), leaf)
    if pa.types.is_fixed_size_binary(array.type):
        width = array.type.byte_width
        buffer = array.buffers()[1]
        raw = np.frombuffer(buffer, np.uint8) if buffer is not None else np.zeros(0, np.uint8)
        return raw[array.offset * width : (array.offset + len(array)) * width].view(leaf.dtype).copy()
    return np.array(array.to_numpy(zero_copy_only=False), dtype=leaf.dtype)
