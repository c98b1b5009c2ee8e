"""The annotated videos, and which file each of them is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_store.video_id import KnownVideo, assign_id, normalise_path, safe_stem
from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.instructions.files import read_table
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError, ConfigError, VideoMissingError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.training.annotations import read_annotations
from hawkeye_core.video.discover import find_videos


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """One video of an annotation file.

    Args:
        video: Its id.
        split: ``train``, ``test`` or ``val``.
        segments: Ordered, as annotated: an end may lie behind the video.
        duration_s: As the annotations say, None where they do not.
        label: The data set's word for the video, or ``""``.
        protocol: Choice of videos and times, where the table has one.
    """

    video: str
    split: str
    segments: tuple[Segment, ...]
    duration_s: float | None = None
    label: str = ""
    protocol: str = ""


def read_videos(settings: EvalSettings, split: str) -> list[AnnotatedVideo]:
    """Videos of a split (and of ``settings.sentiment``), in the order of the annotations: JSON lines or the table.

    Raises:
        AnnotationError: The file is missing or damaged, a video occurs twice, or none is of the split.
        ConfigError: A sentiment is asked for of JSON lines, which do not say it.
    """
    path = settings.annotations
    if Path(path).suffix.lower() == ".parquet":
        found = list(_of_table(path, settings.sentiment))
    elif settings.sentiment is not None:
        raise ConfigError("JSON lines do not say which sentiment a video is of", path=path,
                          remedy="give the table stage2.parquet, or leave `sentiment` out")  # fmt: skip
    else:
        found = [AnnotatedVideo(item.video, item.split, tuple(item.timeline())) for item in read_annotations(path)]
    counts = Counter(item.video for item in found)
    twice = next((video for video, count in counts.items() if count > 1), None)
    if twice is not None:
        raise AnnotationError(f"video {twice!r} occurs a second time", path=path, remedy="`make datasets`")
    chosen = [item for item in found if split in ("all", item.split)]
    if not chosen:
        of = f" and sentiment {settings.sentiment!r}" if settings.sentiment else ""
        raise AnnotationError(f"has no video of split {split!r}{of}", path=path, remedy="choose another split")
    return chosen


def video_files(folder: str | Path) -> dict[str, Path]:
    """Video files by the id that extraction gives them when it is run on this folder with a new store.

    That is the stem, made safe for paths. Files of one stem are told apart by their content, which is only then read:
    the first keeps the stem, the others get a part of their SHA-256 behind it.

    Raises:
        VideoMissingError: There is no such folder, or no video in it.
    """
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in find_videos([folder]):
        by_stem[safe_stem(str(path)).casefold()].append(path)
    found: dict[str, Path] = {}
    for paths in by_stem.values():
        if len(paths) == 1:
            found[safe_stem(str(paths[0]))] = paths[0]
            continue
        known: dict[str, KnownVideo] = {}
        for path in paths:
            digest = sha256_of(path) if path.is_file() else ""
            video = assign_id(str(path), digest, known)
            known.setdefault(video, KnownVideo(normalise_path(str(path)), digest))
            found.setdefault(video, path)
    return found


def locate(videos: Sequence[AnnotatedVideo], folder: str | Path, *, annotations: str) -> dict[str, Path]:
    """The file of each annotated video that has one.

    Raises:
        VideoMissingError: There is no such folder, no video in it, or none of the annotated ones.
    """
    files = video_files(folder)
    found = {item.video: files[item.video] for item in videos if item.video in files}
    if not found:
        raise VideoMissingError(
            f"has {len(files)} videos, such as {min(files)!r}, and none of the {len(videos)} that {annotations} names, "
            f"such as {videos[0].video!r}",
            path=folder,
            remedy="name the files as the annotations do (id and an ending), or give another --videos or --split",
        )
    return found


def _of_table(path: str, sentiment: str | None) -> Iterator[AnnotatedVideo]:
    try:
        for row in read_table(path):
            if sentiment in (None, row.sentiment):
                yield AnnotatedVideo(row.video, row.split, tuple(row.segments), row.duration_s, row.label, row.protocol)
    except (ValueError, TypeError, OverflowError) as error:  # damage that Parquet's own checks let through
        raise AnnotationError(f"cannot be read: {error}", path=path, remedy="build it with `make datasets`") from error
