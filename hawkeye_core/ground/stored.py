"""A video in the store, and its windows, read one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from feature_store.fingerprint import FAMILIES, Family
from feature_store.store import FeatureStore
from feature_store.window import WindowColumns
from hawkeye_core.training.windows import WindowSample, WindowSpec, plan_windows


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """A video whose features are in a store.

    Args:
        video: As named by the user.
        store: Where the features are.
        video_id: Its id there.
        sha256: Of the file.
        fingerprints: Digest by family of the features that are meant; a store may hold several.
        n_frames: Sampled frames.
        fps: Frames sampled a second.
        note: Why the file is partial, or None.
        extracted: Frames that were computed for it just now; 0 if all was in the store.
    """

    video: str
    store: FeatureStore
    video_id: str
    sha256: str
    fingerprints: Mapping[str, str]
    n_frames: int
    fps: float
    note: str | None
    extracted: int = 0

    @classmethod
    def find(
        cls, store: FeatureStore, video: str, video_id: str, fingerprints: Mapping[str, str], *, extracted: int = 0
    ) -> StoredVideo:
        """The handle of a video that is in a store.

        Raises:
            VideoUnknownError: A family of it is not there.
        """
        chosen = dict(fingerprints)
        n_frames = store.n_frames(video_id, fingerprints=chosen)
        records = [store.catalog.current((video_id, family, chosen[family])) for family in FAMILIES]
        note = next((record.error for record in records if record and record.status == "partial"), None)
        source = next((record.source for record in records if record), store.source(video_id))
        return cls(video, store, video_id, source.sha256, chosen, n_frames, source.fps, note, extracted)

    @property
    def duration_s(self) -> float:
        """Seconds of what was sampled."""
        return self.n_frames / self.fps

    def columns(self, start: int, stop: int, families: Sequence[Family] = ("pose", "relations")) -> WindowColumns:
        """Frames [start, stop) as numpy arrays."""
        chosen = {str(family): self.fingerprints[family] for family in families}
        return self.store.window_numpy(self.video_id, start, stop, families=families, fingerprints=chosen)


class VideoWindows(Sequence[WindowSample]):
    """The windows of one video, cut as in training; each is read from the store when it is asked for.

    Args:
        handle: The video.
        length: Frames of a window.
        hop: Frames between the starts of two windows.
    """

    def __init__(self, handle: StoredVideo, *, length: int, hop: int) -> None:
        self.handle = handle
        self.specs = [
            WindowSpec(handle.video_id, start, stop, handle.fps)
            for start, stop in plan_windows(handle.n_frames, length=length, hop=hop)
        ]

    def __len__(self) -> int:
        return len(self.specs)

    @overload
    def __getitem__(self, index: int) -> WindowSample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[WindowSample]: ...
    def __getitem__(self, index: int | slice) -> WindowSample | Sequence[WindowSample]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        spec, handle = self.specs[index], self.handle
        window = handle.store.window(spec.video, spec.start, spec.stop, fingerprints=handle.fingerprints)
        return WindowSample(spec, window, ())

    def __iter__(self) -> Iterator[WindowSample]:
        return (self[place] for place in range(len(self)))
