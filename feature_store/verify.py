"""What is wrong with a store: damaged, missing and left-over files."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feature_store.catalog import is_damaged, parse_compacted
from feature_store.errors import ShardCorruptError, StoreError
from feature_store.fingerprint import FAMILIES, Fingerprint
from feature_store.footer import footer_crc32, open_parquet
from feature_store.layout import CATALOG, COMMITS, fingerprint_path
from feature_store.leftovers import leftovers
from feature_store.page import PageError, read_page
from feature_store.problem import Problem
from feature_store.records import CommitRecord
from feature_store.storage import Storage

if TYPE_CHECKING:
    from feature_store.store import FeatureStore

_HASH_BLOCK = 4 * 2**20


def verify(store: FeatureStore, *, deep: bool = True) -> list[Problem]:
    """All problems, none for a store in order. Files that a living writer holds are none.

    Args:
        store: The store, refreshed.
        deep: Read every byte of every shard: SHA-256, and the page checksums, which say where a byte is wrong.
            Otherwise only presence and size.
    """
    return [
        *_catalog_problems(store),
        *_record_problems(store),
        *(problem for record in _readable(store) for problem in _shard_problems(store.storage, record, deep=deep)),
        *leftovers(store),
    ]


def _readable(store: FeatureStore) -> list[CommitRecord]:
    return [record for family in FAMILIES for record in store.catalog.readable(family)]


def _catalog_problems(store: FeatureStore) -> Iterator[Problem]:
    try:
        parse_compacted(store.storage.read(CATALOG))
    except FileNotFoundError:
        return
    except StoreError as error:
        yield Problem("catalog", CATALOG, error.message)


def _record_problems(store: FeatureStore) -> Iterator[Problem]:
    for name, record in sorted(store.catalog.records.items()):
        if is_damaged(record):
            yield Problem("record", f"{COMMITS}/{name}", record.error or "", record)
    for family in FAMILIES:
        for digest in sorted(store.fingerprints(family)):
            path = fingerprint_path(family, digest)
            if not _is_fingerprint(store.storage, path, digest):
                yield Problem("fingerprint", path, "missing or damaged")


def _is_fingerprint(storage: Storage, path: str, digest: str) -> bool:
    try:
        return Fingerprint.from_json(storage.read(path).decode()).digest == digest
    except (FileNotFoundError, ValueError, TypeError):
        return False


def _shard_problems(storage: Storage, record: CommitRecord, *, deep: bool) -> Iterator[Problem]:
    path = record.shard or ""
    size = storage.size(path)
    if size is None:
        yield Problem("missing", path, f"{record.video_id}: the shard of a {record.status} record is gone", record)
    elif size != record.shard_bytes:
        yield Problem("damaged", path, f"{size} bytes instead of {record.shard_bytes}", record)
    elif deep and _sha256(storage, path) != record.shard_sha256:
        found = _damage(storage, record)
        yield Problem("damaged", path, f"SHA-256 differs from the commit record: {found}", record)


def _sha256(storage: Storage, path: str) -> str:
    digest = hashlib.sha256()
    with storage.open_input(path) as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _damage(storage: Storage, record: CommitRecord) -> str:
    """Where in a shard the damage is. A damaged footer is not given to pyarrow: what it says cannot be trusted."""
    path = record.shard or ""
    with storage.open_input(path) as file:
        if footer_crc32(file) != record.footer_crc32:
            return "the footer is wrong"
    return "; ".join(_bad_pages(storage, path)) or "no page is wrong, so bytes between them are"


def _bad_pages(storage: Storage, path: str) -> Iterator[str]:
    """Which columns of which row groups fail their page checksums (CRC-32 of the page as stored)."""
    data = _map(storage, path)
    try:
        metadata = open_parquet(pa.BufferReader(data), where=path).metadata
    except ShardCorruptError as error:
        yield error.message
        return
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if not _pages_are_good(memoryview(data).cast("B"), chunk):
                yield f"page of {chunk.path_in_schema}, row group {group}"


def _map(storage: Storage, path: str) -> pa.Buffer:
    if storage.local_root is None:
        return pa.py_buffer(storage.read(path))
    with pa.memory_map(str(storage.local_root / path)) as file:
        return file.read_buffer()


def _pages_are_good(data: memoryview, chunk: Any) -> bool:
    position, end = chunk.data_page_offset, chunk.data_page_offset + chunk.total_compressed_size
    try:
        while position < end:
            page = read_page(data, position)
            position = page.body + page.size
            if page.crc is not None and zlib.crc32(data[page.body : position]) != page.crc:
                return False
    except PageError:
        return False
    return True
