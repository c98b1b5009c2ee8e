"""Finds the shards of a video and reads frames from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feature_store.catalog import Catalog
from feature_store.commit_log import CommitLog
from feature_store.errors import StoreError, VideoUnknownError
from feature_store.fingerprint import Family
from feature_store.layout import check_family
from feature_store.ragged import Arrays
from feature_store.records import CommitRecord
from feature_store.selection import choose
from feature_store.shard_cache import ShardCache

Records = dict[Family, CommitRecord]


class WindowReader:
    """Reads windows of the videos in a catalog.

    Args:
        log: Says what there is; what was resolved is remembered as long as its catalog stands.
        shards: Opens it.
        url: The store's name in error messages.
    """

    def __init__(self, log: CommitLog, shards: ShardCache, *, url: str) -> None:
        self._log = log
        self._shards = shards
        self._url = url
        self._resolved: tuple[Catalog, dict[Any, Records]] = (log.catalog, {})
        self._choices: tuple[Catalog, dict[Any, dict[Family, str]]] = (log.catalog, {})

    def read(
        self, video: str, start: int, stop: int, *, families: Sequence[Family], fingerprints: Mapping[str, str] | None
    ) -> dict[Family, Arrays]:
        """Fresh arrays by family and leaf, the first with the frames' own; see ``FeatureStore.window``."""
        records = self.resolve(video, families=families, fingerprints=fingerprints)
        n_frames = next(iter(records.values())).n_frames
        if not 0 <= start < stop <= n_frames:
            raise StoreError(f"frames {start} to {stop} are not a range of {video}, which has {n_frames} frames")
        arrays: dict[Family, Arrays] = {}
        for family, record in records.items():
            # The frame's own columns come from the first family; the others repeat them.
            arrays[family] = self._shards.get(record).read(start, stop, part="family" if arrays else "all")
        return arrays

    def resolve(self, video: str, *, families: Sequence[Family], fingerprints: Mapping[str, str] | None) -> Records:
        """The records to read, one a family, of equal length; see ``FeatureStore.window`` for the errors."""
        catalog, resolved = self._resolved
        if catalog is not self._log.catalog:
            catalog, resolved = self._resolved = (self._log.catalog, {})
        key = (video, tuple(families), tuple(sorted(fingerprints.items())) if fingerprints else None)
        records = resolved.get(key)
        if records is None:
            records = resolved[key] = self._find(catalog, video, families, fingerprints)
        return records

    def _find(
        self, catalog: Catalog, video: str, families: Sequence[Family], fingerprints: Mapping[str, str] | None
    ) -> Records:
        if not families:
            raise StoreError("no family was asked for; there are pose, relations and vision")
        choice = self._choice(catalog, tuple(check_family(family) for family in families), fingerprints)
        records = {family: self._readable(catalog, video, family, digest) for family, digest in choice.items()}
        if len({(record.n_frames, record.source.fps) for record in records.values()}) > 1:
            sizes = ", ".join(f"{name} {item.n_frames} at {item.source.fps:g} fps" for name, item in records.items())
            raise StoreError(f"{video}: the families differ in their frames: {sizes}", remedy="extract it again")
        return records

    def _choice(
        self, catalog: Catalog, families: tuple[Family, ...], fingerprints: Mapping[str, str] | None
    ) -> dict[Family, str]:
        """One choice for all videos: remembered, since it looks at every record."""
        key = (families, tuple(sorted(fingerprints.items())) if fingerprints else None)
        if self._choices[0] is not catalog:
            self._choices = (catalog, {})
        if key not in self._choices[1]:
            self._choices[1][key] = choose(catalog, families, fingerprints=fingerprints)
        return self._choices[1][key]

    def _readable(self, catalog: Catalog, video: str, family: Family, digest: str) -> CommitRecord:
        if video not in catalog.sources:
            raise unknown_video(video, catalog, url=self._url)
        record = catalog.current((video, family, digest))
        if record is None or not record.readable:
            reason = f": {record.error}" if record else ""
            raise VideoUnknownError(
                f"{video} has no {family} of fingerprint {digest}{reason}", remedy="extract it again"
            )
        return record


def unknown_video(video: str, catalog: Catalog, *, url: str) -> VideoUnknownError:
    """The error for a name that is no video of the store."""
    return VideoUnknownError(
        f"{url} has no video {video!r}; it has {len(catalog.sources)}", remedy="`hawkeye store ls` lists them"
    )
