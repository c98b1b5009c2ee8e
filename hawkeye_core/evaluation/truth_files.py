"""What predictions are scored against, without a model: annotated segments, and how long the videos are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_store.errors import StoreMissingError, VideoUnknownError
from feature_store.store import FeatureStore
from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.instructions.files import read_table
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.evaluation.result import Truth
from hawkeye_core.training.annotations import read_annotations

TABLE_REMEDY = (
    "give `--store` a feature store that has it, or `--annotations` the table stage2.parquet of `make datasets`, "
    "which knows lengths"
)
MAX_DURATION_S = 1e6
"""Longest video that is believed: eleven days."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """The annotated videos.

    Args:
        truth: Of the split that is evaluated.
        others: Ids of annotated videos that are not evaluated, of another split or sentiment.
        lengths: Where the lengths come from, in words.
        protocols: Choices of videos and times, where the table says so.
        videos: The same videos with what is told of their segments.
    """

    truth: Truth
    others: frozenset[str]
    lengths: str
    protocols: tuple[str, ...] = ()
    videos: tuple[VideoTruth, ...] = ()


@dataclass(frozen=True, slots=True)
class _Video:
    video: str
    split: str
    segments: Sequence[Segment]
    duration_s: float | None = None
    sentiment: str | None = None
    protocol: str = ""
    label: str = ""

    def told(self, duration_s: float) -> VideoTruth:
        """What is annotated, inside the video."""
        return VideoTruth.inside(self.video, duration_s, self.segments, label=self.label)


def read_truth(settings: EvalSettings) -> Annotated:
    """Segments and lengths of the videos of ``settings.split`` (and ``settings.sentiment``).

    The length of a video is that of its features in the store, where there is one and has it, else that of the table.

    Raises:
        AnnotationError: The annotations are missing or damaged, none is of the split, a video occurs twice or has no
            length anywhere, or a segment starts behind its video.
        StoreError: The store is damaged.
    """
    path = settings.annotations
    videos = _table(path) if Path(path).suffix.lower() == ".parquet" else _lines(path)
    if settings.sentiment is not None and any(item.sentiment is None for item in videos.values()):
        raise ConfigError("JSON lines do not say which sentiment a video is of", path=path,
                          remedy="give the table stage2.parquet, or leave `sentiment` out")  # fmt: skip
    chosen = [item for item in videos.values() if _is_chosen(item, settings)]
    if not chosen:
        of = f" and sentiment {settings.sentiment!r}" if settings.sentiment else ""
        raise AnnotationError(f"has no video of split {settings.split!r}{of}", path=path, remedy="choose another split")
    stored = stored_lengths([item.video for item in chosen], settings.store)
    durations = {item.video: _duration(item, stored, settings) for item in chosen}
    segments = {item.video: _inside(item, durations[item.video], path) for item in chosen}
    return Annotated(
        Truth(durations, segments),
        frozenset(videos) - frozenset(durations),
        _told(len(stored), len(chosen), settings),
        tuple(sorted({item.protocol for item in chosen if item.protocol})),
        tuple(item.told(durations[item.video]) for item in chosen),
    )


def _table(path: str) -> dict[str, _Video]:
    found: dict[str, _Video] = {}
    try:
        for row in read_table(path):
            if row.video in found:
                raise AnnotationError(f"video {row.video!r} occurs a second time", path=path, remedy="`make datasets`")
            found[row.video] = _Video(row.video, row.split, row.segments, row.duration_s, row.sentiment, row.protocol,
                                      row.label)  # fmt: skip
    except (ValueError, TypeError, OverflowError) as error:  # damage that Parquet's own checks let through
        raise AnnotationError(f"cannot be read: {error}", path=path, remedy="build it with `make datasets`") from error
    return found


def _lines(path: str) -> dict[str, _Video]:
    return {item.video: _Video(item.video, item.split, item.timeline()) for item in read_annotations(path)}


def _is_chosen(item: _Video, settings: EvalSettings) -> bool:
    return settings.split in ("all", item.split) and settings.sentiment in (None, item.sentiment)


def stored_lengths(videos: Sequence[str], url: str) -> dict[str, float]:
    """Lengths of those videos that the store has, in seconds; none where there is no store."""
    if not videos:
        return {}
    try:
        store = FeatureStore.open(url)
    except StoreMissingError:
        return {}
    found = {}
    for video in videos:
        try:
            found[video] = store.n_frames(video) / store.source(video).fps
        except VideoUnknownError:
            continue
    return found


def _duration(item: _Video, stored: Mapping[str, float], settings: EvalSettings) -> float:
    duration = stored.get(item.video, item.duration_s)
    if duration is None:
        said = f"the length of {item.video!r} stands neither there nor in the store {settings.store}"
        raise AnnotationError(said, path=settings.annotations, remedy=TABLE_REMEDY)
    if not 0 < duration <= MAX_DURATION_S:
        said = f"{item.video!r} is said to last {duration} s"
        raise AnnotationError(said, path=settings.annotations, remedy=TABLE_REMEDY)
    return duration


def _inside(item: _Video, duration_s: float, path: str) -> list[tuple[float, float]]:
    """The segments with their ends clipped to the video, as the evaluation of a model clips them."""
    for segment in item.segments:
        ordered = segment.start_s < segment.end_s and math.isfinite(segment.end_s) and segment.start_s >= 0
        if not ordered or segment.start_s >= duration_s:
            said = f"{item.video!r} lasts {duration_s:.1f} s; a segment is at {segment.start_s} to {segment.end_s} s"
            raise AnnotationError(said, path=path, remedy="correct the segment, or take the store of this video")
    return [(segment.start_s, min(segment.end_s, duration_s)) for segment in item.segments]


def _told(stored: int, videos: int, settings: EvalSettings) -> str:
    if stored == videos:
        return f"of the store {settings.store}"
    table = f"of {Path(settings.annotations).name}"
    return table if not stored else f"{stored} of the store {settings.store}, {videos - stored} {table}"
