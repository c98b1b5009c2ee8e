"""Commits the features of one family of one video: shard first, record last."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from feature_store.columns import FrameColumns
from feature_store.commit_log import CommitLog
from feature_store.errors import StoreError
from feature_store.fingerprint import Fingerprint
from feature_store.footer import footer_crc32
from feature_store.layout import fingerprint_path, shard_path
from feature_store.records import CommitRecord, VideoSource
from feature_store.schema import Columns
from feature_store.shard_writer import ShardFileWriter, sha256_of
from feature_store.storage import Storage, locked


class FeatureWriter:
    """Context manager from ``FeatureStore.writer``: append frames, then commit.

    Leaving the block without :meth:`commit`, by an error or not, deletes what was written. A lock on the file, held
    until the record stands, tells ``FeatureStore.clean`` that the writer lives; it goes with the process.
    """

    def __init__(
        self,
        storage: Storage,
        log: CommitLog,
        *,
        source: VideoSource,
        fingerprint: Fingerprint,
        meta: Mapping[str, str],
    ) -> None:
        self._storage = storage
        self._source = source
        self._fingerprint = fingerprint
        self._meta = meta
        self._log = log
        self._shard = shard_path(fingerprint.family, fingerprint.digest, source.video_id)
        self._stack = contextlib.ExitStack()
        self._file: ShardFileWriter | None = None
        self._temporary: Path | None = None

    def __enter__(self) -> Self:
        self._temporary = self._storage.temporary(self._shard)
        self._stack.enter_context(locked(self._temporary))
        self._file = ShardFileWriter(
            self._temporary, video_id=self._source.video_id, fingerprint=self._fingerprint, meta=self._meta
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._file is not None:
                self._file.abort()
        finally:
            self._file = None
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)
            self._stack.close()

    @property
    def n_frames(self) -> int:
        """Frames appended so far."""
        return self._open().n_frames

    def append(self, frames: FrameColumns, columns: Columns) -> None:
        """Add the next frames, any number at a time.

        Raises:
            StoreError: for columns of another family, wrong types or shapes, or a gap in the frame numbers.
        """
        self._open().append(frames, columns)

    def commit(self, status: Literal["done", "partial"] = "done", *, error: str | None = None) -> CommitRecord:
        """Make the shard durable, prove it readable, then write its commit record. Ends the writer.

        Args:
            status: ``partial`` for a truncated video of which this is what could be read.
            error: Why it is partial.

        Raises:
            StoreError: if nothing was appended, or another video was committed under this id meanwhile.
            ShardCorruptError: if the disk gives back other bytes than were written.
        """
        file = self._open()
        if status not in ("done", "partial") or self._temporary is None:
            raise StoreError(f"status {status!r}: a shard is 'done' or 'partial'; use record_failure for a failure")
        file.close()
        file.check()
        sha256, size = sha256_of(self._temporary), self._temporary.stat().st_size
        with self._temporary.open("rb") as written:
            footer = footer_crc32(written)
        self._write_fingerprint()
        self._log.begin_replacing(self._source, self._fingerprint, sha256)
        self._storage.publish(self._temporary, self._shard)
        record = self._log.append(
            self._source, self._fingerprint, status=status, n_frames=file.n_frames, shard=self._shard,
            shard_bytes=size, shard_sha256=sha256, footer_crc32=footer, error=error,
        )  # fmt: skip
        self._file = None
        return record

    def _open(self) -> ShardFileWriter:
        if self._file is None:
            raise StoreError("the writer is not open: use it in a with block, and not after commit()")
        return self._file

    def _write_fingerprint(self) -> None:
        path = fingerprint_path(self._fingerprint.family, self._fingerprint.digest)
        if self._storage.size(path) is None:
            self._storage.write(path, (self._fingerprint.to_json() + "\n").encode())
