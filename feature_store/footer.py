"""Footer of a shard: opened with the errors of this package, and the item shapes it implies."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from feature_store.errors import ShardCorruptError
from feature_store.fingerprint import Family
from feature_store.schema import F2, leaves_of

REMEDY = "`hawkeye store verify` lists what is damaged; extract the video again to replace it"

_MAGIC = b"PAR1"
_TRAILER = 8  # length of the footer, magic


@contextmanager
def parquet_errors(where: str) -> Iterator[None]:
    """Turn whatever pyarrow raises about a file into :class:`ShardCorruptError` that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ShardCorruptError(f"{where} is missing", remedy=REMEDY) from error
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, MemoryError, OverflowError) as error:
        raise ShardCorruptError(f"{where} cannot be read: {error}", remedy=REMEDY) from error


def open_parquet(source: str | IO[bytes], *, where: str, verify_pages: bool = False) -> pq.ParquetFile:
    """Open a file and read its footer; raises :class:`ShardCorruptError` naming ``where``."""
    with parquet_errors(where):
        return pq.ParquetFile(source, page_checksum_verification=verify_pages)


def footer_crc32(file: IO[bytes]) -> int:
    """CRC-32 of the footer with its length and the magic bytes behind it; 0 if the file has none.

    A flipped bit there could send a reader anywhere; some end pyarrow's process instead of raising.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TRAILER))
    tail = file.read(_TRAILER)
    length = int.from_bytes(tail[:4], "little")
    if len(tail) < _TRAILER or tail[4:] != _MAGIC or length > size - _TRAILER:
        return 0
    file.seek(size - _TRAILER - length)
    return zlib.crc32(file.read(length + _TRAILER))


def column_numbers(metadata: Any) -> dict[str, int]:
    """Number of each leaf column by its path."""
    schema = metadata.schema
    return {schema.column(index).path: index for index in range(len(schema))}


def shapes_from_footer(metadata: Any, *, family: Family, where: str) -> dict[str, tuple[int, ...]]:
    """Shape of one item of every leaf; for vision it follows from the widths of the fixed-size binary columns."""
    numbers = column_numbers(metadata)
    shapes: dict[str, tuple[int, ...]] = {}
    width = 0
    for leaf in leaves_of(family):
        if leaf.item is not None:
            shapes[leaf.field] = leaf.item
            continue
        masked = _cell_width(metadata, numbers.get("masked_token"), where)
        width = masked // F2.itemsize
        if leaf.field == "frame_tokens":
            cell = _cell_width(metadata, numbers.get("frame_tokens"), where)
            if cell % masked:
                raise ShardCorruptError(f"{where}: frame tokens of {cell} bytes are no multiple of {masked}")
            shapes[leaf.field] = (cell // masked, width)
        else:
            shapes[leaf.field] = (width,)
    return shapes


def _cell_width(metadata: Any, number: int | None, where: str) -> int:
    """Bytes of a fixed-size binary column."""
    column = None if number is None else metadata.schema.column(number)
    if column is None or column.physical_type != "FIXED_LEN_BYTE_ARRAY" or column.length < 2 or column.length % 2:
        raise ShardCorruptError(f"{where} has no vision tokens as fixed-size binary of float16", remedy=REMEDY)
    return int(column.length)
