"""The store's memory: which records there are, who owns which id, and how the next record is written."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from feature_store.catalog import load_catalog, write_compacted
from feature_store.errors import StoreError
from feature_store.fingerprint import Fingerprint
from feature_store.records import CommitRecord, VideoSource
from feature_store.storage import Storage
from feature_store.video_id import KnownVideo, assign_id, normalise_path

_ATTEMPTS = 100


class CommitLog:
    """Reads and appends commit records; shared by the threads of a process."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.RLock()
        self._assigned: dict[str, KnownVideo] = {}
        self.catalog = load_catalog(storage)

    def refresh(self) -> None:
        """Read the records that other processes have committed since."""
        with self._lock:
            fresh = load_catalog(self._storage, known=self.catalog.records)
            if fresh.records.keys() != self.catalog.records.keys():
                self.catalog = fresh

    def compact(self) -> None:
        """Write all records to ``catalog.parquet``."""
        self.refresh()
        write_compacted(self._storage, self.catalog)

    def assign_id(self, path: str, sha256: str) -> str:
        """See ``FeatureStore.assign_id``."""
        with self._lock:
            known = self.catalog.known_videos | self._assigned
            name = assign_id(path, sha256, known)
            if name not in known or known[name].path == normalise_path(path):
                self._assigned[name] = KnownVideo(normalise_path(path), sha256)
            return name

    def append(self, source: VideoSource, fingerprint: Fingerprint, **what: Any) -> CommitRecord:
        """Write the next record of a video, family and fingerprint.

        Args:
            source: The video.
            fingerprint: Of the features.
            what: The remaining fields of :class:`CommitRecord`, from ``status`` on.
        """
        with self._lock:
            self._check_owner(source)
            source = replace(source, path=normalise_path(source.path))
            for _ in range(_ATTEMPTS):
                record = self._next(source, fingerprint, what)
                try:
                    self._storage.write_new(record.name.path, record.to_json())
                except FileExistsError:
                    self.refresh()  # another process was first
                    continue
                self.catalog = self.catalog.with_record(record)
                return record
        raise StoreError(f"{source.video_id}: {_ATTEMPTS} other writers were first", remedy="run fewer at a time")

    def begin_replacing(self, source: VideoSource, fingerprint: Fingerprint, shard_sha256: str) -> None:
        """Forget the shard that is about to be renamed over, unless the new one has the same bytes.

        Between that rename and the new record, the old record would otherwise stand for bytes it never described.
        """
        with self._lock:
            self._check_owner(source)
            old = self.catalog.latest.get((source.video_id, fingerprint.family, fingerprint.digest))
            if old is not None and old.readable and old.shard_sha256 != shard_sha256:
                self.append(old.source, fingerprint, status="failed", error="being replaced")

    def _check_owner(self, source: VideoSource) -> None:
        """Ids are reserved in one process only; here another's claim is noticed before anything is overwritten."""
        self.refresh()
        owner = self.catalog.sources.get(source.video_id)
        path = normalise_path(source.path)
        if owner and owner.sha256 and source.sha256 and owner.sha256 != source.sha256 and owner.path != path:
            raise StoreError(
                f"{source.path}: the id {source.video_id!r} belongs to {owner.path}",
                remedy="take the id from assign_id, after refresh()",
            )

    def _next(self, source: VideoSource, fingerprint: Fingerprint, what: Mapping[str, Any]) -> CommitRecord:
        old = self.catalog.latest.get((source.video_id, fingerprint.family, fingerprint.digest))
        created = _timestamp(after=self.catalog.created.get(source.video_id, ""))
        return CommitRecord(source, fingerprint, old.attempt + 1 if old else 1, created=created, **what)


def _timestamp(*, after: str) -> str:
    """Now in UTC, later than ``after`` even if this machine's clock is behind the one that wrote it."""
    now = datetime.now(UTC)
    if after:
        now = max(now, datetime.fromisoformat(after) + timedelta(microseconds=1))
    return now.isoformat(timespec="microseconds")
