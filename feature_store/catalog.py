"""What the store holds: the commit records, and a compacted copy of them that is only ever a cache."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Mapping
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from feature_store.errors import StoreError
from feature_store.fingerprint import Family, Fingerprint
from feature_store.layout import CATALOG, COMMITS, RecordName
from feature_store.records import CommitRecord, VideoSource
from feature_store.storage import Storage
from feature_store.video_id import KnownVideo

_LOG = logging.getLogger(__name__)

Key = tuple[str, Family, str]
"""Video id, family, digest."""

_SCHEMA = pa.schema(
    [
        ("name", pa.string()), ("video_id", pa.string()), ("family", pa.string()), ("digest", pa.string()),
        ("attempt", pa.int32()), ("status", pa.string()), ("created", pa.string()), ("path", pa.string()),
        ("sha256", pa.string()), ("duration_s", pa.float64()), ("width", pa.int32()), ("height", pa.int32()),
        ("source_fps", pa.float64()), ("fps", pa.float64()), ("n_frames", pa.int64()), ("shard", pa.string()),
        ("shard_bytes", pa.int64()), ("shard_sha256", pa.string()), ("footer_crc32", pa.int64()),
        ("error", pa.string()), ("fingerprint", pa.string()),
    ]
)  # fmt: skip
_SOURCE = ("video_id", "path", "sha256", "duration_s", "width", "height", "source_fps", "fps")
_PLAIN = ("attempt", "status", "created", "n_frames", "shard", "shard_bytes", "shard_sha256", "footer_crc32", "error")


class Catalog:
    """An immutable view of all records.

    Args:
        records: By file name. Damaged files are there too, as failures.
    """

    def __init__(self, records: Mapping[str, CommitRecord]) -> None:
        self.records = dict(records)
        self.latest: dict[Key, CommitRecord] = {}
        newest: dict[str, CommitRecord] = {}
        for record in sorted(self.records.values(), key=lambda record: record.attempt):
            self.latest[record.video_id, record.family, record.digest] = record
            known = newest.get(record.video_id)
            if known is None or _is_newer(record, known):
                newest[record.video_id] = record
        self.sources = {video_id: newest[video_id].source for video_id in sorted(newest)}
        self.created = {video_id: record.created for video_id, record in newest.items()}

    @cached_property
    def known_videos(self) -> dict[str, KnownVideo]:
        """Path and SHA-256 of the current content of every video."""
        return {name: KnownVideo(source.path, source.sha256) for name, source in self.sources.items()}

    @cached_property
    def by_sha256(self) -> dict[str, str]:
        """Ids by the SHA-256 of their current content."""
        return {source.sha256: name for name, source in self.sources.items() if source.sha256}

    def current(self, key: Key) -> CommitRecord | None:
        """The latest record of a video, family and digest, unless the video's file has new content since."""
        record = self.latest.get(key)
        return record if record is not None and self.is_current(record) else None

    def is_current(self, record: CommitRecord) -> bool:
        """True if no later attempt and no newer content of the video superseded the record."""
        return (
            self.latest.get((record.video_id, record.family, record.digest)) == record
            and record.source.sha256 == self.sources[record.video_id].sha256
        )

    def readable(self, family: Family) -> list[CommitRecord]:
        """Current ``done`` and ``partial`` records of a family, by video."""
        found = [
            record
            for key, record in self.latest.items()
            if key[1] == family and record.readable and self.is_current(record)
        ]
        return sorted(found, key=lambda record: record.name)

    def with_record(self, record: CommitRecord) -> Catalog:
        """This catalog and one record more."""
        return Catalog({**self.records, record.name.path.rsplit("/", 1)[-1]: record})


def _is_newer(record: CommitRecord, known: CommitRecord) -> bool:
    """Later ones say what a video's file is now; those that could not read the file say nothing about it."""
    return (record.source.sha256 != "", record.created) > (known.source.sha256 != "", known.created)


def load_catalog(storage: Storage, *, known: Mapping[str, CommitRecord] | None = None) -> Catalog:
    """Read the commit records, as many as possible from ``known`` or else from the compacted copy.

    A missing, stale or damaged copy costs time only: what it lacks is read from the records themselves, and what it
    has but the folder has not is dropped.
    """
    names = [entry.name for entry in storage.entries(COMMITS) if RecordName.parse(entry.name)]
    have = known if known is not None else _read_compacted(storage)
    records = {name: have[name] for name in names if name in have}
    missing = [name for name in names if name not in records]
    for name, data in zip(missing, storage.read_many([f"{COMMITS}/{name}" for name in missing]), strict=True):
        if data is not None:
            records[name] = read_record(name, data)
    return Catalog(records)


def read_record(name: str, data: bytes) -> CommitRecord:
    """Parse a commit record; a damaged one counts as a failure of its video, so that it is extracted again."""
    parts = RecordName.parse(name)
    if parts is None:
        raise StoreError(f"{name} is not the name of a commit record")
    try:
        record = CommitRecord.from_json(data)
        if record.name != parts:
            raise ValueError(f"it is the record of {record.name.path}")
    except ValueError as error:
        _LOG.warning("commit record %s is damaged: %s", name, error)
        return _damaged(parts, str(error))
    return record


class _NamedFingerprint(Fingerprint):
    """A fingerprint of which only the digest is known."""

    @cached_property
    def digest(self) -> str:
        """The one in the record's file name."""
        return self.version


def _damaged(parts: RecordName, reason: str) -> CommitRecord:
    return CommitRecord(
        source=VideoSource(parts.video_id, path="", sha256="", duration_s=0, width=0, height=0, source_fps=0),
        fingerprint=_NamedFingerprint(parts.family, backend="unknown", version=parts.digest, weights="unknown"),
        attempt=parts.attempt,
        status="failed",
        created="",
        error=f"commit record damaged: {reason}",
    )


def write_compacted(storage: Storage, catalog: Catalog) -> None:
    """Replace ``catalog.parquet`` by all records, atomically; any tool can read it."""
    rows = [_row(name, record) for name, record in sorted(catalog.records.items()) if not is_damaged(record)]
    sink = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    storage.write(CATALOG, sink.getvalue())


def is_damaged(record: CommitRecord) -> bool:
    """True for the stand-in of a record file that could not be parsed."""
    return isinstance(record.fingerprint, _NamedFingerprint)


def _row(name: str, record: CommitRecord) -> dict[str, object]:
    row: dict[str, object] = {field: getattr(record.source, field) for field in _SOURCE}
    row |= {field: getattr(record, field) for field in _PLAIN}
    return row | {
        "name": name, "family": record.family, "digest": record.digest, "fingerprint": record.fingerprint.to_json()
    }  # fmt: skip


def _read_compacted(storage: Storage) -> dict[str, CommitRecord]:
    try:
        return parse_compacted(storage.read(CATALOG))
    except FileNotFoundError:
        return {}
    except StoreError as error:
        _LOG.warning("%s", error)
        return {}


def parse_compacted(data: bytes) -> dict[str, CommitRecord]:
    """Records in ``catalog.parquet`` by name; raises :class:`StoreError` if it is damaged."""
    try:
        # Without threads: pyarrow starts its pool for a few rows, and a process that ends soon after (a command with an
        # error) aborts in the pool's destructor on a busy machine, 8 times of 12.
        file = pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True, pre_buffer=False)
        rows = file.read(use_threads=False).to_pylist()
        return dict(_parse_rows(rows))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{CATALOG} is damaged ({error}); the commit records are used", remedy="store.compact()"
        ) from error


def _parse_rows(rows: Iterable[dict[str, object]]) -> Iterable[tuple[str, CommitRecord]]:
    for row in rows:
        value: dict[str, object] = {field: row[field] for field in _PLAIN}
        value["source"] = {field: row[field] for field in _SOURCE}
        value["fingerprint"] = json.loads(str(row["fingerprint"]))
        record = CommitRecord.from_dict(value)
        name = record.name.path.rsplit("/", 1)[-1]
        if name != row["name"]:
            raise ValueError(f"row {row['name']!r} holds the record {name!r}")
        yield name, record
