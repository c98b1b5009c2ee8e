"""Files that killed writers left: half-written ones, and shards without a record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from feature_store.fingerprint import FAMILIES, Family
from feature_store.layout import COMMITS, TEMP_SUFFIX, digest_of_folder, family_folder
from feature_store.problem import Problem
from feature_store.storage import Entry

if TYPE_CHECKING:
    from feature_store.store import FeatureStore

REMOTE_GRACE_S = 3600.0
"""Object stores have no locks: an upload this young may still get its record."""


def leftovers(store: FeatureStore) -> Iterator[Problem]:
    """Half-written files and orphaned shards, except those of living writers."""
    for folder in ("", COMMITS):
        yield from _temporaries(store, folder)
    for family in FAMILIES:
        for entry in store.storage.entries(family):
            digest = digest_of_folder(entry.name)
            if entry.folder and digest:
                yield from _temporaries(store, family_folder(family, digest))
                yield from _orphans(store, family, digest)


def _temporaries(store: FeatureStore, folder: str) -> Iterator[Problem]:
    for entry in store.storage.entries(folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.startswith(".") and entry.name.endswith(TEMP_SUFFIX) and not store.storage.in_use(path):
            yield Problem("temporary", path, f"{entry.size} bytes that a writer never finished")


def _orphans(store: FeatureStore, family: Family, digest: str) -> Iterator[Problem]:
    folder = family_folder(family, digest)
    for entry in store.storage.entries(folder):
        name, dot, suffix = entry.name.rpartition(".")
        if dot and suffix == "parquet" and not _has_record(store, (name, family, digest)):
            path = f"{folder}/{entry.name}"
            if _is_abandoned(store, path, entry) and not _has_record(store, (name, family, digest)):
                yield Problem("orphan", path, "no commit record names this shard: its writer was killed")


def _has_record(store: FeatureStore, key: tuple[str, Family, str]) -> bool:
    record = store.catalog.latest.get(key)
    return record is not None and record.readable


def _is_abandoned(store: FeatureStore, path: str, entry: Entry) -> bool:
    """True if no writer can still give the file its record. One that just did is seen by the refresh."""
    if store.storage.in_use(path):
        return False
    if store.storage.local_root is None and entry.modified is not None:
        return time.time() - entry.modified > REMOTE_GRACE_S
    store.refresh()
    return True
