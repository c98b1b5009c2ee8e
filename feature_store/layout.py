"""Where everything lies in a store: names of folders and files, relative to its root, always with ``/``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from feature_store.errors import StoreError
from feature_store.fingerprint import FAMILIES, Family

FORMAT = "hawkeye-feature-store"
VERSION = 1
MARKER = "hawkeye-store.json"
CATALOG = "catalog.parquet"
COMMITS = "commits"
TEMP_SUFFIX = ".tmp"

_DIGEST = re.compile(r"[0-9a-f]{16}")
_VIDEO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True, order=True)
class RecordName:
    """The parts of a commit record's file name."""

    video_id: str
    family: Family
    digest: str
    attempt: int

    @property
    def path(self) -> str:
        """Path of the record in the store."""
        return f"{COMMITS}/{self.video_id}.{self.family}.{self.digest}.{self.attempt}.json"

    @classmethod
    def parse(cls, name: str) -> RecordName | None:
        """The parts of a file name in ``commits/``, or None if it is no record's name (a video id may hold dots)."""
        parts = name.rsplit(".", 4)
        if len(parts) != 5 or parts[4] != "json" or parts[1] not in FAMILIES or not _ATTEMPT.fullmatch(parts[3]):
            return None
        if not _VIDEO_ID.fullmatch(parts[0]) or not _DIGEST.fullmatch(parts[2]):
            return None
        return cls(parts[0], parts[1], parts[2], int(parts[3]))


def check_video_id(video_id: str) -> str:
    """Returns the id; raises :class:`StoreError` for anything that could leave the store's folders."""
    if not _VIDEO_ID.fullmatch(video_id):
        raise StoreError(
            f"{video_id!r} is not a video id: letters, digits, '.', '_' and '-', starting with a letter or digit",
            remedy="take the id from FeatureStore.assign_id or FeatureStore.videos",
        )
    return video_id


def check_family(family: str) -> Family:
    """Returns the family; raises :class:`StoreError` for an unknown one."""
    if family not in FAMILIES:
        raise StoreError(f"unknown feature family {family!r}; there are {', '.join(FAMILIES)}")
    return family


def check_digest(digest: str) -> str:
    """Returns the digest; raises :class:`StoreError` if it is not 16 hexadecimal digits."""
    if not _DIGEST.fullmatch(digest):
        raise StoreError(f"{digest!r} is not a fingerprint digest (16 hexadecimal digits)")
    return digest


def family_folder(family: Family, digest: str) -> str:
    """Folder of one family and fingerprint: a hive partition that every reader of Parquet data sets knows."""
    return f"{family}/fingerprint={digest}"


def shard_path(family: Family, digest: str, video_id: str) -> str:
    """The Parquet file of one video."""
    return f"{family_folder(family, digest)}/{video_id}.parquet"


def fingerprint_path(family: Family, digest: str) -> str:
    """The readable fingerprint of a folder; the underscore hides it from readers of Parquet data sets."""
    return f"{family_folder(family, digest)}/_fingerprint.json"


def digest_of_folder(name: str) -> str | None:
    """The digest in a folder name ``fingerprint=<digest>``, or None."""
    prefix, _, digest = name.partition("=")
    return digest if prefix == "fingerprint" and _DIGEST.fullmatch(digest) else None


def marker_bytes() -> bytes:
    """Content of the file that makes a folder a store."""
    return (json.dumps({"format": FORMAT, "version": VERSION}) + "\n").encode()


def check_marker(data: bytes, *, where: str) -> None:
    """Raises :class:`StoreError` unless ``data`` marks a store that this version of the code can read."""
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("format") != FORMAT or not isinstance(value.get("version"), int):
        raise StoreError(f"{where} is damaged: it does not name the format {FORMAT!r}", remedy="restore it from a copy")
    if value["version"] > VERSION:
        raise StoreError(
            f"{where} has format version {value['version']}; this code reads up to {VERSION}",
            remedy="update hawkeye",
        )
