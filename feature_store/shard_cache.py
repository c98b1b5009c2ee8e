"""Open shards, the least recently used closed first. Safe between threads and over a fork."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import NamedTuple

from feature_store.arrow_shard import ArrowShard
from feature_store.errors import ShardCorruptError
from feature_store.footer import REMEDY, footer_crc32, parquet_errors
from feature_store.mapped_shard import open_mapped
from feature_store.records import CommitRecord
from feature_store.shard import Shard
from feature_store.storage import Storage

OPEN_MAPS = 8192
"""Maps hold no file descriptor, only address space; Linux allows 65,530 a process."""
OPEN_FILES = 64


class _Key(NamedTuple):
    path: str
    sha256: str  # a shard that was replaced has another


class ShardCache:
    """Opens shards by their commit records and keeps them.

    After a fork the child starts with an empty cache: a pyarrow file shared with the parent would share its position.
    """

    def __init__(self, storage: Storage, *, memory_map: bool = True) -> None:
        self._storage = storage
        self._memory_map = memory_map and storage.local_root is not None
        self._limit = OPEN_MAPS if self._memory_map else OPEN_FILES
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._shards: OrderedDict[_Key, Shard] = OrderedDict()

    def get(self, record: CommitRecord) -> Shard:
        """The shard of a ``done`` or ``partial`` record; raises :class:`ShardCorruptError`."""
        if os.getpid() != self._pid:
            self._reset()  # the parent's lock may have been held by a thread that does not exist here
        key = _Key(record.shard or "", record.shard_sha256)
        with self._lock:
            found = self._shards.get(key)
            if found is not None:
                self._shards.move_to_end(key)
                return found
        shard = self._open(record)
        with self._lock:
            shard = self._shards.setdefault(key, shard)
            while len(self._shards) > self._limit:
                self._shards.popitem(last=False)
        return shard

    def _open(self, record: CommitRecord) -> Shard:
        path = record.shard or ""
        where = f"{self._storage.url}/{path}"
        size = self._storage.size(path)
        if size != record.shard_bytes:
            found = "is missing" if size is None else f"has {size} bytes"
            raise ShardCorruptError(f"{where} {found}; {record.shard_bytes} bytes were written", remedy=REMEDY)
        with parquet_errors(where), self._storage.open_input(path) as file:
            intact = footer_crc32(file) == record.footer_crc32
        if not intact:
            raise ShardCorruptError(f"{where} is damaged: its footer is not the one written", remedy=REMEDY)
        shard = self._open_file(path, where, record)
        if shard.n_frames != record.n_frames:
            raise ShardCorruptError(f"{where} has {shard.n_frames} frames; {record.n_frames} were written")
        return shard

    def _open_file(self, path: str, where: str, record: CommitRecord) -> Shard:
        root = self._storage.local_root
        if root is None:
            with parquet_errors(where):
                source = self._storage.open_input(path)
            return ArrowShard(source, family=record.family, where=where)
        mapped = open_mapped(root / path, family=record.family) if self._memory_map else None
        return mapped or ArrowShard(root / path, family=record.family, where=where)
