"""The feature store: one object to write, find and read features of videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_store import layout, selection
from feature_store.catalog import Catalog
from feature_store.commit_log import CommitLog
from feature_store.errors import StoreError, StoreMissingError
from feature_store.fingerprint import FAMILIES, Family, Fingerprint
from feature_store.records import CommitRecord, VideoSource
from feature_store.remote_storage import open_storage
from feature_store.shard_cache import ShardCache
from feature_store.storage import Storage
from feature_store.window import Window, WindowColumns, to_columns, to_window
from feature_store.window_reader import WindowReader, unknown_video
from feature_store.writer import FeatureWriter

if TYPE_CHECKING:
    from feature_store.repair import Repair
    from feature_store.stats import StoreStats
    from feature_store.verify import Problem


class FeatureStore:
    """Features of videos in a folder or behind an fsspec URL. Make one with :meth:`open`.

    Reading is safe from several threads and after a fork; the object can be pickled to other processes. What other
    processes commit is seen after :meth:`refresh`.
    """

    def __init__(self, storage: Storage, *, memory_map: bool = True) -> None:
        self.storage = storage
        self._memory_map = memory_map
        self._log = CommitLog(storage)
        self._reader = WindowReader(self._log, ShardCache(storage, memory_map=memory_map), url=storage.url)

    @classmethod
    def open(cls, url: str | Path, *, create: bool = False, memory_map: bool = True) -> FeatureStore:
        """Open a store.

        Args:
            url: Folder, or any fsspec URL (``memory://``, ``file://``, ``s3://`` ...).
            create: Make it if there is none; a folder with other things in it is refused.
            memory_map: Read local shards by memory map; off, they are read like remote ones, with equal results.

        Raises:
            StoreMissingError: if there is no store at ``url``.
            StoreError: if it is damaged, or of a newer format.
        """
        storage = open_storage(url)
        try:
            marker = storage.read(layout.MARKER) if storage.exists() else None
        except FileNotFoundError:
            marker = None
        if marker is not None:
            layout.check_marker(marker, where=f"{storage.url}/{layout.MARKER}")
        elif create:
            _create(storage)
        else:
            raise StoreMissingError(
                f"{storage.url} is not a feature store: it has no {layout.MARKER}",
                remedy="give the folder that `make extract` wrote, or open it with create=True",
            )
        return cls(storage, memory_map=memory_map)

    def __repr__(self) -> str:
        return f"FeatureStore({self.storage.url!r}, {len(self.catalog.sources)} videos)"

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.storage.url, "memory_map": self._memory_map}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(open_storage(state["url"]), memory_map=state["memory_map"])  # type: ignore[misc]

    # What is in it

    @property
    def url(self) -> str:
        """Where it lies."""
        return self.storage.url

    @property
    def catalog(self) -> Catalog:
        """All records as last read."""
        return self._log.catalog

    def refresh(self) -> None:
        """Read the records that other processes have committed since."""
        self._log.refresh()

    def compact(self) -> None:
        """Write ``catalog.parquet``, which makes opening fast and which any tool can read."""
        self._log.compact()

    def records(self) -> list[CommitRecord]:
        """The latest record of every video, family and fingerprint, superseded content included."""
        return sorted(self.catalog.latest.values(), key=lambda record: record.name)

    def videos(self, *, families: Sequence[Family] = (), fingerprints: Mapping[str, str] | None = None) -> list[str]:
        """Ids of all videos, failed ones included; with ``families``, of those that have all of them to read."""
        if not families:
            return list(self.catalog.sources)
        choice = selection.choose(self.catalog, families, fingerprints=fingerprints)
        return [name for name in self.catalog.sources if all(self._usable(name, *item) for item in choice.items())]

    def _usable(self, video: str, family: Family, digest: str) -> bool:
        record = self.catalog.current((video, family, digest))
        return record is not None and record.readable

    def source(self, video: str) -> VideoSource:
        """The file a video came from; raises :class:`VideoUnknownError`."""
        if video not in self.catalog.sources:
            raise unknown_video(video, self.catalog, url=self.url)
        return self.catalog.sources[video]

    def find(self, video: str, family: Family, digest: str) -> CommitRecord | None:
        """The ``done`` or ``partial`` record of a video, if its shard is there with the size it had; else None.

        Args:
            video: SHA-256 of the video file (what an extraction should ask by), or a video id.
            family: Which family.
            digest: Digest of the fingerprint.
        """
        catalog = self.catalog
        record = catalog.current((catalog.by_sha256.get(video, video), family, digest))
        if record is None or not record.readable or self.storage.size(record.shard or "") != record.shard_bytes:
            return None
        return record

    def fingerprints(self, family: Family) -> dict[str, Fingerprint]:
        """Fingerprints with at least one readable video, by digest."""
        return selection.fingerprints_of(self.catalog, layout.check_family(family))

    def choose(
        self, families: Sequence[Family] = FAMILIES, *, fingerprints: Mapping[str, str] | None = None
    ) -> dict[Family, str]:
        """The digests that reading with these arguments uses; see :func:`feature_store.selection.choose`."""
        return selection.choose(self.catalog, families, fingerprints=fingerprints)

    # Writing

    def assign_id(self, path: str, sha256: str) -> str:
        """The id of a video file, stable from run to run; see :func:`feature_store.video_id.assign_id`.

        Ids are reserved in this process only: name all videos of a run in one place, then hand them out.
        """
        return self._log.assign_id(path, sha256)

    def writer(
        self, source: VideoSource, fingerprint: Fingerprint, *, meta: Mapping[str, str] | None = None
    ) -> FeatureWriter:
        """A writer of one family of one video, to be used in a ``with`` block and committed.

        Args:
            source: The video; its id from :meth:`assign_id`.
            fingerprint: What the features are made with; names the family.
            meta: Text for the shard's key-value metadata, such as vocabularies as JSON.
        """
        layout.check_family(fingerprint.family)
        return FeatureWriter(self.storage, self._log, source=source, fingerprint=fingerprint, meta=dict(meta or {}))

    def record_failure(self, source: VideoSource, fingerprint: Fingerprint, error: str) -> CommitRecord:
        """Note that a video could not be extracted, and why; the next run tries it again."""
        return self._log.append(source, fingerprint, status="failed", error=error)

    # Reading

    def n_frames(
        self, video: str, *, families: Sequence[Family] = FAMILIES, fingerprints: Mapping[str, str] | None = None
    ) -> int:
        """Sampled frames of a video; raises :class:`VideoUnknownError`."""
        return next(iter(self._reader.resolve(video, families=families, fingerprints=fingerprints).values())).n_frames

    def window(
        self, video: str, start: int, stop: int, *, families: Sequence[Family] = FAMILIES,
        fingerprints: Mapping[str, str] | None = None,
    ) -> Window:  # fmt: skip
        """Frames ``start`` to ``stop`` (not included) as torch tensors.

        Args:
            video: Id of the video.
            start: First sampled frame.
            stop: The frame after the last.
            families: Which features to read.
            fingerprints: Digest by family where there is more than one; see :meth:`choose`.

        Raises:
            VideoUnknownError: if the video or a family of it is not there.
            StoreError: if the range is empty or outside the video, or the fingerprints are ambiguous.
            ShardCorruptError: if a shard is missing or damaged.
        """
        arrays = self._reader.read(video, start, stop, families=families, fingerprints=fingerprints)
        return to_window(video, start, stop, arrays)

    def window_numpy(
        self, video: str, start: int, stop: int, *, families: Sequence[Family] = FAMILIES,
        fingerprints: Mapping[str, str] | None = None,
    ) -> WindowColumns:  # fmt: skip
        """Like :meth:`window`, as numpy arrays in the classes they were written from."""
        arrays = self._reader.read(video, start, stop, families=families, fingerprints=fingerprints)
        return to_columns(video, start, stop, arrays)

    # Care

    def verify(self, *, deep: bool = True) -> list[Problem]:
        """All that is wrong with the store; see :func:`feature_store.verify.verify`."""
        from feature_store.verify import verify

        self.refresh()
        return verify(self, deep=deep)

    def clean(self) -> list[str]:
        """Delete what killed writers left, and nothing else; returns the paths."""
        from feature_store.repair import clean

        self.refresh()
        return clean(self)

    def repair(self) -> list[Repair]:
        """Make what :meth:`verify` finds good, or due for extraction; see :func:`feature_store.repair.repair`."""
        from feature_store.repair import repair

        return repair(self)

    def stats(self) -> StoreStats:
        """Counts and sizes; see :class:`feature_store.stats.StoreStats`."""
        from feature_store.stats import collect_stats

        return collect_stats(self)


def _create(storage: Storage) -> None:
    ours = {*FAMILIES, layout.COMMITS, layout.CATALOG}
    foreign = [entry.name for entry in storage.entries("") if entry.name not in ours and not entry.name.startswith(".")]
    if foreign:
        raise StoreError(
            f"{storage.url} holds other things ({', '.join(foreign[:3])}) and is not a feature store",
            remedy="give an empty or a new folder",
        )
    storage.write(layout.MARKER, layout.marker_bytes())
