"""Writes one shard: buffers frames to row groups, streams them to a hidden name, proves it can read them back."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from feature_store.columns import FrameColumns
from feature_store.errors import ShardCorruptError, StoreError
from feature_store.fingerprint import Fingerprint
from feature_store.mapped_shard import MappedShard, NotMappableError
from feature_store.ragged import Arrays, cut, join, to_arrays
from feature_store.schema import ROWS_PER_GROUP, Columns, arrow_schema, item_shapes, leaves_of
from feature_store.table import to_table

_GROUP_BYTES = 256 * 2**20
"""A row group ends before 512 frames if it holds this much: memory stays bounded, pages stay below their 2 GiB."""
_ONE_PAGE = 2**31 - 1
_HASH_BLOCK = 4 * 2**20


class ShardFileWriter:
    """One Parquet file in the making.

    Args:
        path: Where to write; an empty file may stand there.
        video_id: Value of the column ``video``.
        fingerprint: Its family decides the columns; goes to the file's metadata.
        meta: More key-value metadata.
    """

    def __init__(self, path: Path, *, video_id: str, fingerprint: Fingerprint, meta: Mapping[str, str]) -> None:
        self.path = path
        self.video_id = video_id
        self.family = fingerprint.family
        self.meta = {**meta, "video": video_id, "fingerprint": fingerprint.to_json()}
        self.n_frames = 0
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._parts: list[Arrays] = []
        self._checksums = {leaf.field: 0 for leaf in leaves_of(self.family)}

    def append(self, frames: FrameColumns, columns: Columns) -> None:
        """Add the next frames; numbers must go on without a gap. Raises :class:`StoreError` for wrong columns."""
        arrays = to_arrays(self.family, frames, columns)
        shapes = item_shapes(self.family, arrays)
        if self._shapes is None:
            self._shapes = shapes
        elif shapes != self._shapes:
            raise StoreError(f"{self.video_id}: token shapes changed from {self._shapes} to {shapes}")
        self._check_numbers(arrays)
        start = 0
        while start < len(arrays["frame"]):
            stop = min(len(arrays["frame"]), start + ROWS_PER_GROUP - self._buffered())
            # Copied, since the caller may fill the same arrays with the next batch.
            self._parts.append({name: part.copy() for name, part in cut(self.family, arrays, start, stop).items()})
            if self._buffered() >= ROWS_PER_GROUP or self._buffered_bytes() >= _GROUP_BYTES:
                self._flush()
            start = stop
        self.n_frames += len(arrays["frame"])

    def _check_numbers(self, arrays: Arrays) -> None:
        for offset, number in enumerate(arrays["frame"].tolist()):
            if number != self.n_frames + offset:
                raise StoreError(f"{self.video_id}: frame {number} follows frame {self.n_frames + offset - 1}")

    def _buffered(self) -> int:
        return sum(len(part["frame"]) for part in self._parts)

    def _buffered_bytes(self) -> int:
        return sum(array.nbytes for part in self._parts for array in part.values())

    def _flush(self) -> None:
        """Write what is buffered as one row group."""
        if not self._parts or self._shapes is None:
            return
        arrays = join(self._parts)
        self._parts = []
        if self._parquet is None:
            schema = arrow_schema(self.family, self._shapes, meta=self.meta)
            # Everything here makes the values of a leaf lie in one piece; see feature_store.mapped_shard.
            self._parquet = pq.ParquetWriter(
                self.path, schema, use_dictionary=False, compression="none", data_page_size=_ONE_PAGE,
                max_rows_per_page=_ONE_PAGE, write_statistics=False, write_page_checksum=True, data_page_version="1.0",
            )  # fmt: skip
        table = to_table(self._parquet.schema, family=self.family, video_id=self.video_id, arrays=arrays)
        self._parquet.write_table(table, row_group_size=ROWS_PER_GROUP)
        for field, before in self._checksums.items():
            self._checksums[field] = zlib.crc32(arrays[field].data.cast("B") if arrays[field].size else b"", before)

    def close(self) -> None:
        """Write the footer. Raises :class:`StoreError` if no frame was appended."""
        if self.n_frames == 0:
            raise StoreError(
                f"{self.video_id}: no frame was appended", remedy="record the video as failed (record_failure)"
            )
        self._flush()
        if self._parquet is not None:
            self._parquet.close()

    def abort(self) -> None:
        """Let go of the file without finishing it."""
        self._parts = []
        if self._parquet is not None:
            self._parquet.close()

    def check(self) -> None:
        """Read every leaf back by memory map and compare it with what was appended; :class:`ShardCorruptError`."""
        try:
            shard = MappedShard(self.path, family=self.family)
        except NotMappableError as error:
            raise ShardCorruptError(f"the shard just written is not laid out for memory maps: {error}") from error
        found = dict.fromkeys(self._checksums, 0)
        for start in range(0, shard.n_frames, ROWS_PER_GROUP):
            arrays = shard.read(start, min(start + ROWS_PER_GROUP, shard.n_frames))
            for field, array in arrays.items():
                found[field] = zlib.crc32(array.data.cast("B") if array.size else b"", found[field])
        wrong = [field for field, checksum in self._checksums.items() if found[field] != checksum]
        if shard.n_frames != self.n_frames or wrong:
            raise ShardCorruptError(f"{self.path}: read back differently: {', '.join(wrong) or 'number of frames'}")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
