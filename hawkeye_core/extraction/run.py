"""Extract videos into a feature store: what is missing, once, and never the same thing twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2

from feature_store.errors import StoreError
from feature_store.fingerprint import FAMILIES, Family
from feature_store.records import VideoSource
from feature_store.stats import StoreStats
from feature_store.store import FeatureStore
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import SidecarError, VideoError
from hawkeye_core.extraction.backends import Backends, get_backends
from hawkeye_core.extraction.columns import frame_columns
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.stream import SceneStream
from hawkeye_core.relation.vocabulary import vocabulary_metadata
from hawkeye_core.video.discover import find_videos
from hawkeye_core.video.prefetch import Prefetcher
from hawkeye_core.video.probe import VideoInfo, probe
from hawkeye_core.video.sampling import FrameSampler

Progress = Callable[[int, int | None], None]
Status = Literal["done", "partial", "failed", "cached"]

VIDEO_FAULTS = (
    OSError, MemoryError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, StoreError, cv2.error
)  # fmt: skip
"""What may go wrong with one video while the next one can still work; not the errors of the run as a whole."""


@dataclass(frozen=True)
class VideoPlan:
    """One video of a run: where it is, its id in the store, and what is missing."""

    path: str
    video_id: str
    sha256: str
    missing: tuple[Family, ...]


@dataclass(frozen=True)
class VideoResult:
    """What came of one video.

    Args:
        path: Source file.
        video_id: Id in the store.
        status: ``done``; ``partial`` (the file ends early; what could be read is stored); ``failed`` (nothing stored
            by this run); ``cached`` (everything was there).
        frames: Frames sampled by this run.
        seconds: Wall time of this run.
        error: Reason of ``failed`` or ``partial``.
        families: Family -> fingerprint digest of what the store now holds.
    """

    path: str
    video_id: str
    status: Status
    frames: int
    seconds: float
    error: str | None
    families: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def plan_videos(settings: ExtractSettings) -> list[VideoPlan]:
    """The videos the settings name, hashed, with their ids and what the store lacks of each."""
    store = FeatureStore.open(settings.store, create=True)
    backends = get_backends(settings)
    plans: list[VideoPlan] = []
    named: set[str] = set()
    for path in find_videos(settings.videos):
        plan = _plan(store, backends, str(path))
        # A second copy of a video needs no work of its own.
        plans.append(replace(plan, missing=()) if plan.video_id in named else plan)
        named.add(plan.video_id)
    return plans


def extract_video(
    settings: ExtractSettings, video: str | VideoPlan, *, progress: Progress | None = None
) -> VideoResult:
    """Extract what the store lacks of one video.

    Args:
        settings: The run's settings.
        video: A path, or a plan from :func:`plan_videos`.
        progress: Called with (frames done, frames expected or ``None``) after each batch.

    Returns:
        The result. A bad video comes back as ``failed`` and is recorded so in the store.

    Raises:
        OSError, MemoryError, RuntimeError: Passing faults of disk, memory or device; worth another try.
        WeightsError, BackendUnavailableError, ConfigError: The run as a whole cannot work.
    """
    begun = time.monotonic()
    backends = get_backends(settings)
    if isinstance(video, VideoPlan) and not video.missing:
        # Opening a store reads its whole catalog: not for each of a thousand videos that need nothing.
        return _cached(video, backends, begun)
    store = FeatureStore.open(settings.store, create=True)
    plan = video if isinstance(video, VideoPlan) else _plan(store, backends, video)
    if not plan.missing:
        return _cached(plan, backends, begun)
    try:
        frames, truncated = _extract(settings, store, backends, plan, progress)
    except (VideoError, SidecarError) as error:
        record_fault(settings, plan, str(error))
        return VideoResult(
            plan.path, plan.video_id, "failed", 0, time.monotonic() - begun, str(error), _held(plan, backends)
        )
    digests: dict[str, str] = {family: backends.fingerprints[family].digest for family in FAMILIES}
    status: Status = "partial" if truncated else "done"
    return VideoResult(plan.path, plan.video_id, status, frames, time.monotonic() - begun, truncated, digests)


def _held(plan: VideoPlan, backends: Backends) -> dict[str, str]:
    return {family: backends.fingerprints[family].digest for family in FAMILIES if family not in plan.missing}


def _cached(plan: VideoPlan, backends: Backends, begun: float) -> VideoResult:
    held = _held(plan, backends)
    return VideoResult(plan.path, plan.video_id, "cached", 0, time.monotonic() - begun, None, held)


def try_video(settings: ExtractSettings, plan: VideoPlan, *, progress: Progress | None = None) -> VideoResult:
    """As :func:`extract_video`, but a fault of this video comes back as ``failed`` too, and the store notes it.

    Raises:
        OSError: The fault cannot be noted, because the store cannot be written.
        WeightsError, BackendUnavailableError, ConfigError: The run as a whole cannot work.
    """
    begun = time.monotonic()
    try:
        return extract_video(settings, plan, progress=progress)
    except VIDEO_FAULTS as error:
        reason = f"{type(error).__name__}: {error}"
        record_fault(settings, plan, reason)
        return VideoResult(plan.path, plan.video_id, "failed", 0, time.monotonic() - begun, reason, {})


def record_fault(settings: ExtractSettings, plan: VideoPlan, reason: str) -> None:
    """Note in the store why a video could not be extracted.

    Features of the same content that are there keep their records: another run may have made them meanwhile, and a
    file that is out of reach today (an unmounted disk) says nothing against what was read from it.
    """
    store = FeatureStore.open(settings.store, create=True)
    fingerprints = get_backends(settings).fingerprints
    for family in plan.missing:
        held = store.find(plan.video_id, family, fingerprints[family].digest)
        if held is None or plan.sha256 not in ("", held.source.sha256):
            store.record_failure(_source(plan, settings), fingerprints[family], reason)


def settle(settings: ExtractSettings) -> StoreStats:
    """Remove what killed runs left half-written, compact the catalog, and return the store's statistics."""
    store = FeatureStore.open(settings.store, create=True)
    store.clean()
    store.compact()
    return store.stats()


def _plan(store: FeatureStore, backends: Backends, path: str) -> VideoPlan:
    try:
        sha256 = sha256_of(path) if Path(path).is_file() else ""
    except OSError:  # extracting it will say why
        sha256 = ""
    video_id = store.assign_id(path, sha256)
    missing = tuple(
        family
        for family in FAMILIES
        if not sha256 or store.find(sha256, family, backends.fingerprints[family].digest) is None
    )
    return VideoPlan(path, video_id, sha256, missing)


def _extract(
    settings: ExtractSettings, store: FeatureStore, backends: Backends, plan: VideoPlan, progress: Progress | None
) -> tuple[int, str | None]:
    """Decode once, run the missing families, commit them. Returns frames and why the file ended early, if it did."""
    info = probe(plan.path)
    if not plan.sha256:  # it could not be read when the run was planned
        plan = replace(plan, sha256=sha256_of(plan.path))
    expected = None if info.duration_s is None else max(1, round(info.duration_s * settings.fps))
    source = _source(plan, settings, info)
    stream = SceneStream(backends, plan.missing, stored_relations=_stored_relations(store, backends, plan))
    frames = 0
    with ExitStack() as stack:
        sampler = stack.enter_context(
            FrameSampler(plan.path, fps=settings.fps, batch_size=settings.batch_size, video_id=plan.video_id)
        )
        batches = stack.enter_context(closing(Prefetcher(sampler)))
        writers = {
            family: stack.enter_context(store.writer(source, backends.fingerprints[family], meta=vocabulary_metadata()))
            for family in plan.missing
        }
        for batch in batches:
            rows = frame_columns(batch)
            for family, columns in stream(batch).items():
                writers[family].append(rows, columns)
            frames += len(batch)
            if progress is not None:
                progress(frames, expected)
        reason = sampler.reason
        for writer in writers.values():
            writer.commit(status="partial" if reason else "done", error=reason)
    return frames, reason


def _source(plan: VideoPlan, settings: ExtractSettings, info: VideoInfo | None = None) -> VideoSource:
    """What the store keeps of the source file; without ``info`` for a file that could not be opened."""
    return VideoSource(
        video_id=plan.video_id,
        path=plan.path,
        sha256=plan.sha256,
        duration_s=(info.duration_s or 0.0) if info else 0.0,
        width=info.width if info else 0,
        height=info.height if info else 0,
        source_fps=(info.fps or 0.0) if info else 0.0,
        fps=settings.fps,
    )


def _stored_relations(store: FeatureStore, backends: Backends, plan: VideoPlan) -> Any:
    """A reader of the relations the store holds, when vision is to be computed from them."""
    if "vision" not in plan.missing or "relations" in plan.missing:
        return None
    digest = backends.fingerprints["relations"].digest

    def read(start: int, stop: int) -> Any:
        window = store.window_numpy(
            plan.video_id, start, stop, families=("relations",), fingerprints={"relations": digest}
        )
        return window.relations

    return read
