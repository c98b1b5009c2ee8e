"""Counts and sizes of a store."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feature_store.fingerprint import FAMILIES, Family, Fingerprint
from feature_store.records import STATUSES, CommitRecord, Status

if TYPE_CHECKING:
    from feature_store.catalog import Catalog
    from feature_store.store import FeatureStore


@dataclass(frozen=True, slots=True)
class FingerprintStats:
    """What was extracted under one fingerprint."""

    family: Family
    digest: str
    backend: str
    weights: str
    trained: bool
    videos: int
    frames: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StoreStats:
    """A store in numbers.

    Args:
        url: Where it lies.
        videos: Videos it knows, failed ones included.
        frames: Sampled frames that can be read (a frame counts once, however many families have it).
        hours: Hours of sampled video.
        bytes: Bytes of readable shards by family.
        statuses: Videos by status: ``failed`` if any family failed, else ``partial`` if any is, else ``done``.
        fingerprints: One entry a family and fingerprint that can be read.
        trained: False if any of the features come from networks with random weights.
    """

    url: str
    videos: int
    frames: int
    hours: float
    bytes: dict[Family, int]
    statuses: dict[Status, int]
    fingerprints: list[FingerprintStats]
    trained: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON values only."""
        return dataclasses.asdict(self)


def collect_stats(store: FeatureStore) -> StoreStats:
    """Count what the catalog of a store knows; opens no shard."""
    readable = {family: store.catalog.readable(family) for family in FAMILIES}
    longest: dict[str, CommitRecord] = {}
    for record in (record for records in readable.values() for record in records):
        known = longest.get(record.video_id)
        longest[record.video_id] = record if known is None or record.n_frames > known.n_frames else known
    fingerprints = [item for family in FAMILIES for item in _by_fingerprint(readable[family])]
    statuses = Counter(video_statuses(store.catalog).values())
    return StoreStats(
        url=store.url,
        videos=len(store.catalog.sources),
        frames=sum(record.n_frames for record in longest.values()),
        hours=sum(record.n_frames / record.source.fps for record in longest.values()) / 3600,
        bytes={family: sum(record.shard_bytes for record in records) for family, records in readable.items()},
        statuses={status: statuses[status] for status in STATUSES},
        fingerprints=fingerprints,
        trained=all(item.trained for item in fingerprints),
    )


def video_statuses(catalog: Catalog) -> dict[str, Status]:
    """Status of every video over its families: the worst of their latest records.

    Records of superseded content do not count. Of several fingerprints of a family, the one recorded last does.
    """
    last: dict[tuple[str, Family], CommitRecord] = {}
    for record in sorted(catalog.latest.values(), key=lambda record: record.created):
        if not record.source.sha256 or catalog.is_current(record):
            last[record.video_id, record.family] = record
    found: dict[str, set[Status]] = {video_id: set() for video_id in catalog.sources}
    for record in last.values():
        found[record.video_id].add(record.status)
    order: tuple[Status, ...] = ("failed", "partial", "done")
    return {
        name: next((status for status in order if status in statuses), "failed") for name, statuses in found.items()
    }


def _by_fingerprint(records: list[CommitRecord]) -> list[FingerprintStats]:
    by_digest: dict[str, list[CommitRecord]] = {}
    for record in records:
        by_digest.setdefault(record.digest, []).append(record)
    return [_fingerprint_stats(digest, by_digest[digest]) for digest in sorted(by_digest)]


def _fingerprint_stats(digest: str, records: list[CommitRecord]) -> FingerprintStats:
    fingerprint: Fingerprint = records[0].fingerprint
    return FingerprintStats(
        family=fingerprint.family,
        digest=digest,
        backend=fingerprint.backend,
        weights=fingerprint.weights,
        trained=fingerprint.trained,
        videos=len(records),
        frames=sum(record.n_frames for record in records),
        bytes=sum(record.shard_bytes for record in records),
    )
