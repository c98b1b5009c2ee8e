"""Commit records: small immutable JSON files that say what is in the store, written last."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from feature_store.errors import StoreError
from feature_store.fingerprint import Family, Fingerprint
from feature_store.layout import RecordName, check_video_id, shard_path

Status = Literal["done", "partial", "failed"]
STATUSES: tuple[Status, ...] = ("done", "partial", "failed")

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class VideoSource:
    """The video file that features come from.

    Args:
        video_id: Its name in the store, from ``FeatureStore.assign_id``.
        path: Where the file was read.
        sha256: Hexadecimal SHA-256 of the file, or "" if it could not be read.
        duration_s: Seconds; 0 if unknown.
        width: Pixels of the upright frame; 0 if unknown.
        height: Pixels of the upright frame; 0 if unknown.
        source_fps: Frames a second in the file (nominal); 0 if unknown.
        fps: Frames sampled a second.
    """

    video_id: str
    path: str
    sha256: str
    duration_s: float
    width: int
    height: int
    source_fps: float
    fps: float = 8.0

    def __post_init__(self) -> None:
        check_video_id(self.video_id)
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise StoreError(f"{self.path}: {self.sha256!r} is not a SHA-256 (64 lower-case hexadecimal digits)")
        for name in ("duration_s", "width", "height", "source_fps", "fps"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise StoreError(f"{self.path}: {name} is {value!r}; it must be finite and not negative")
        if self.fps == 0:
            raise StoreError(f"{self.path}: fps is 0; it is the number of frames sampled a second")


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """One attempt at one family of one video. ``done`` and ``partial`` have a shard, ``failed`` has an error."""

    source: VideoSource
    fingerprint: Fingerprint
    attempt: int
    status: Status
    created: str  # UTC, ISO 8601 with microseconds: sorts as text
    n_frames: int = 0
    shard: str | None = None  # path in the store
    shard_bytes: int = 0
    shard_sha256: str = ""
    footer_crc32: int = 0  # CRC-32 of the Parquet footer: checked at every opening, since it says where all else is
    error: str | None = None

    @property
    def video_id(self) -> str:
        """The video's name in the store."""
        return self.source.video_id

    @property
    def family(self) -> Family:
        """pose, relations or vision."""
        return self.fingerprint.family

    @property
    def digest(self) -> str:
        """Digest of the fingerprint."""
        return self.fingerprint.digest

    @property
    def name(self) -> RecordName:
        """Where the record lies."""
        return RecordName(self.video_id, self.family, self.digest, self.attempt)

    @property
    def readable(self) -> bool:
        """True if a shard belongs to it."""
        return self.status != "failed"

    def to_json(self) -> bytes:
        """Indented JSON, one record a file."""
        value = dataclasses.asdict(self)
        value["fingerprint"] = json.loads(self.fingerprint.to_json())
        return (json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> CommitRecord:
        """Inverse of :meth:`to_json`; raises ``ValueError`` for anything it would not have written."""
        value = json.loads(data)
        if not isinstance(value, dict):
            raise ValueError("a commit record is a JSON object")
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> CommitRecord:
        """From the parsed JSON of :meth:`to_json`; raises ``ValueError`` if a field is missing, unknown or absurd."""
        try:
            record = cls(
                source=VideoSource(**value["source"]),
                fingerprint=Fingerprint.from_json(json.dumps(value["fingerprint"])),
                **{name: value[name] for name in value if name not in ("source", "fingerprint")},
            )
            _check(record)
        except (KeyError, TypeError, StoreError) as error:
            raise ValueError(f"not a commit record: {error}") from error
        return record


def _check(record: CommitRecord) -> None:
    """Raises ``ValueError`` for a record that contradicts itself: files are read by what it says."""
    if record.status not in STATUSES or not isinstance(record.created, str):
        raise ValueError(f"status {record.status!r}, created {record.created!r}")
    if not record.readable:
        return
    if record.shard != shard_path(record.family, record.digest, record.video_id):
        raise ValueError(f"its shard is said to be {record.shard!r}")
    sizes = (record.n_frames, record.shard_bytes, record.footer_crc32)
    if not all(isinstance(size, int) and size >= 0 for size in sizes) or record.n_frames < 1:
        raise ValueError(f"n_frames, shard_bytes, footer_crc32 are {sizes!r}")
    if not _SHA256.fullmatch(record.shard_sha256):
        raise ValueError(f"shard_sha256 {record.shard_sha256!r}")
