"""The data sets that the settings name, read by their adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from hawkeye_core.datasets.anomaly_boxes import read_anomaly_boxes
from hawkeye_core.datasets.anomaly_text import read_anomaly_texts
from hawkeye_core.datasets.glance import read_glances, times_of_glances
from hawkeye_core.datasets.hivau import read_hivau
from hawkeye_core.datasets.instructions.config import DatasetSettings, TimesSource, Tsl300Settings, UcfCrimeSettings
from hawkeye_core.datasets.source import Remark, SourceVideo, SourceVideos, fitted
from hawkeye_core.datasets.times import Times
from hawkeye_core.datasets.tsl300 import read_tsl300
from hawkeye_core.datasets.ucf_crime import read_ucf_crime, with_times
from hawkeye_core.errors import ConfigError

TRAIN_EVENTS = "hivau70k_ucf_train_events_compact.json"
TEST_EVENTS = "hivau70k_ucf_test_events_compact.json"
SUMMARIES = "hivau70k_ucf_train_video_summary_anomalous.json"
GLANCES = "glancevad_ucf_glance_annotations.csv"

NORMAL = "normal training video, not used by the paper"


def read_sources(settings: DatasetSettings) -> list[SourceVideos]:
    """The videos of stage 2's sets, scene-sparsity first.

    Raises:
        AnnotationError: A file is missing or wrong.
        ConfigError: Settings contradict each other.
    """
    found = []
    if settings.tsl300 is not None:
        found.append(scene_sparsity(settings.tsl300))
    if settings.ucf_crime is not None:
        found.append(scene_density(settings.ucf_crime))
    return found


def scene_sparsity(settings: Tsl300Settings) -> SourceVideos:
    """TSL-300."""
    return read_tsl300(settings.annotations, exclude=settings.exclude)


def scene_density(settings: UcfCrimeSettings) -> SourceVideos:
    """UCF-Crime with times for its training videos; durations from HIVAU-70k where its files are there."""
    videos = read_ucf_crime(settings.annotations, protocol=settings.protocol)
    if not settings.normal_training:
        videos = _without_normal_training(videos)
    if settings.times != "none":
        times = read_times(settings)
        known = {video.video for video in videos.of("train") if video.segments is None}
        segments = {name: found for name, found in times.segments.items() if name in known}
        videos = _with_durations(videos, times.durations)
        videos = with_times(videos, segments, protocol=f"{videos.protocol}, training times from {times.name}")
        remarks = (*videos.remarks, *times.remarks)
        videos = replace(videos, remarks=remarks, files={**videos.files, **times.files})
    return _timed_test(videos, Path(settings.annotations) / TEST_EVENTS)


def read_times(settings: UcfCrimeSettings, source: TimesSource | None = None) -> Times:
    """Times of the training videos, from the source that the settings name or from another one.

    Raises:
        ConfigError: The source needs a file that is not given.
        AnnotationError: The file is missing or wrong.
    """
    folder = Path(settings.annotations)
    given = Path(settings.times_file) if settings.times_file and source in (None, settings.times) else None
    match source or settings.times:
        case "hivau-70k":
            summaries = Path(settings.summaries) if settings.summaries else folder / SUMMARIES
            there = bool(settings.summaries) or summaries.is_file()
            return read_hivau(given or folder / TRAIN_EVENTS, summaries=summaries if there else None)
        case "glancevad":
            events = folder / TRAIN_EVENTS
            durations = read_hivau(events).durations if events.is_file() else None
            return times_of_glances(read_glances(given or folder / GLANCES), durations=durations)
        case "texts" if given is not None:
            return read_anomaly_texts(given)
        case "boxes" if given is not None:
            return read_anomaly_boxes(given)
        case other:
            raise ConfigError(
                f"ucf_crime.times={other} has no file of its own", remedy="set ucf_crime.times_file to its file"
            )


def named_times(source: str, folder: Path, file: Path | None = None) -> Times:
    """Times of UCF-Crime's training videos from a source by name, for `hawkeye data agreement`.

    Raises:
        ConfigError: No such source, or it needs a file that is not given.
        AnnotationError: The file is missing or wrong.
    """
    names = [name for name in get_args(TimesSource) if name != "none"]
    if source not in names:
        raise ConfigError(f"no source of times {source!r}", remedy=f"one of {', '.join(names)}")
    settings = UcfCrimeSettings.model_validate(
        {"annotations": str(folder), "times": source, "times_file": "" if file is None else str(file)}
    )
    return read_times(settings)


def _without_normal_training(videos: SourceVideos) -> SourceVideos:
    left_out = [video for video in videos.of("train") if not video.anomalous]
    remarks = [Remark("dropped", NORMAL, video.video) for video in left_out]
    names = {video.video for video in left_out}
    kept = tuple(video for video in videos.videos if video.video not in names)
    return replace(videos, videos=kept, remarks=(*videos.remarks, *remarks))


def _with_durations(videos: SourceVideos, durations: Mapping[str, float]) -> SourceVideos:
    """Durations where the set itself states none; times behind them are clipped."""
    found: list[SourceVideo] = []
    remarks: list[Remark] = []
    for video in videos.videos:
        duration = durations.get(video.video)
        if video.duration_s is not None or duration is None:
            found.append(video)
            continue
        segments = video.segments
        if segments is not None:
            segments, done = fitted(segments, subject=video.video, duration_s=duration)
            remarks += done
        found.append(replace(video, duration_s=duration, segments=segments))
    return replace(videos, videos=tuple(found), remarks=(*videos.remarks, *remarks))


def _timed_test(videos: SourceVideos, events: Path) -> SourceVideos:
    if not events.is_file():
        return videos
    times = read_hivau(events)
    return replace(_with_durations(videos, times.durations), files={**videos.files, **times.files})
