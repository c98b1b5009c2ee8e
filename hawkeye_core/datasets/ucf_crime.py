"""UCF-Crime's lists and official test times (Sultani et al., CVPR 2018), and times of other sources for training: S-D.

Read are ``Anomaly_Train.txt``, ``Anomaly_Test.txt`` and ``Temporal_Anomaly_Annotation.txt`` of
github.com/WaqasSultani/AnomalyDetectionCVPR2018; their layout stands in
:mod:`hawkeye_core.datasets.reconsim.formats.ucf_crime`. Training videos that are anomalous have no official times.

**Seconds.** Frame numbers f are thirtieths of a second: both start and end become f / 30, the end not included. So the
number of positive frames of a segment is end - start, which over all 290 videos makes 84,189. The same seconds stand
for 138 of the 156 segments in HIVAU-70k's test file, none with (f - 1) / 30. What differs elsewhere:

* The official evaluation (``Evaluate_Anomaly_Detector.m``) counts frames from 1, takes the end in and stops at the
  video's last frame: a start 1/30 s earlier and 84,338 positive frames with HIVAU-70k's frame counts.
* Five ends lie one or two frames behind the video by HIVAU-70k's frame counts (Arson011, Arson016, Explosion033,
  Fighting003, Shooting015). Stopping there without taking the end in leaves 84,182 frames. 84,189 does not stop there.

All three are counted by :func:`positive_frames`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NoReturn

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name, read_lines
from hawkeye_core.datasets.reconsim.formats.names import UCF_NORMAL, ucf_path
from hawkeye_core.datasets.source import Remark, SourceVideo, SourceVideos, Split, fitted, merged
from hawkeye_core.datasets.ucf_classes import CATEGORY_TEXTS, temporal_class
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

Protocol = Literal["ucf-290", "ucf-140"]
PROTOCOLS: tuple[Protocol, ...] = ("ucf-290", "ucf-140")
"""All test videos; only the anomalous ones of them, which section 4.1 of the paper speaks of."""

FPS = 30.0
"""Frames a second of the temporal annotation."""
LISTS: Mapping[Split, str] = {"train": "Anomaly_Train.txt", "test": "Anomaly_Test.txt"}
TEMPORAL = "Temporal_Anomaly_Annotation.txt"
FIELDS = ("name", "class", "start", "end", "start", "end")
MAX_S = 1e6

_FRAME = re.compile(r"-1|[1-9][0-9]{0,6}")
_REMEDY = "take the files of github.com/WaqasSultani/AnomalyDetectionCVPR2018 as they are"


@dataclass(frozen=True, slots=True)
class _Timed:
    where: str
    label: str
    """As the temporal annotation calls the class."""
    segments: tuple[Segment, ...]
    remarks: tuple[Remark, ...]


def read_ucf_crime(folder: str | Path, *, protocol: Protocol = "ucf-290") -> SourceVideos:
    """Videos in the order of the lists, training first. ``label`` is the folder of the video.

    Anomalous training videos have no known times (``segments`` is None) until :func:`with_times`; normal videos have
    no segments. The files say nothing of duration and frame rate.

    Args:
        folder: Holds the three files.
        protocol: ``ucf-140`` leaves the normal test videos out; the training videos are the same.

    Raises:
        AnnotationError: A file is missing or not in its format, a video is listed twice or in another place than
            UCF-Crime has for its name, list and temporal annotation are not about the same test videos, or they
            contradict each other.
        ValueError: No such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"no protocol {protocol!r}; use one of {', '.join(PROTOCOLS)}")
    folder = Path(folder)
    paths: dict[Split, dict[str, str]] = {split: _listed(folder / name, split) for split, name in LISTS.items()}
    times = _temporal(folder / TEMPORAL)
    both = sorted(set(paths["train"]) & set(paths["test"]))
    if both:
        _refuse(f"{both[0]} is a training video, too", folder / LISTS["test"])
    _same_videos(folder, paths["test"], times)

    videos: list[SourceVideo] = []
    remarks: list[Remark] = []
    for video, path in paths["train"].items():
        label = path.split("/")[0]
        videos.append(SourceVideo(video, "train", path, label, None if label in CATEGORY_TEXTS else ()))
    for video, path in paths["test"].items():
        label, timed = path.split("/")[0], times[video]
        if temporal_class(label) != timed.label:
            _refuse(f"{video} is {timed.label!r} here and {label!r} in {LISTS['test']}", timed.where)
        if protocol == "ucf-140" and timed.label == UCF_NORMAL:
            remarks.append(Remark("dropped", "normal test video", video, protocol))
            continue
        remarks += timed.remarks
        videos.append(SourceVideo(video, "test", path, label, timed.segments))
    files = {name: sha256_of(folder / name) for name in (*LISTS.values(), TEMPORAL)}
    return SourceVideos("ucf-crime", protocol, tuple(videos), tuple(remarks), files)


def with_times(videos: SourceVideos, times: Mapping[str, Sequence[Segment]], *, protocol: str) -> SourceVideos:
    """The same videos with the times of another source for the training videos that have none.

    An anomalous video for which the source has no time is dropped with a remark, and so is one whose times all lie
    behind its end. A segment without a category gets that of the video's label. ``files`` stay as they are: the caller
    knows from which file the times came.

    Args:
        videos: As :func:`read_ucf_crime` gives them.
        times: Segments in seconds by video; fitted into the video where its duration is known. A normal video may
            stand in it with none.
        protocol: Of the result; names the source of the times.

    Raises:
        AnnotationError: A video is unknown, is no training video, is normal and has times here, or has times already;
            or a segment is empty, reversed, negative, longer than a million seconds or no number.
    """
    known = {video.video: video for video in videos.videos}
    for name, segments in times.items():
        _check(known.get(name), name, segments)
    found: list[SourceVideo] = []
    remarks = list(videos.remarks)
    for video in videos.videos:
        if video.split != "train" or video.segments is not None:
            found.append(video)
            continue
        category = CATEGORY_TEXTS.get(video.label, video.label)
        given = [s if s.category else replace(s, category=category) for s in times.get(video.video, ())]
        inside, done = fitted(given, subject=video.video, duration_s=video.duration_s)
        remarks += done
        if inside:
            found.append(replace(video, segments=inside))
        else:
            remarks.append(Remark("dropped", "anomalous training video without times", video.video, protocol))
    return replace(videos, protocol=protocol, videos=tuple(found), remarks=tuple(remarks))


def positive_frames(
    segments: Iterable[Segment], *, n_frames: int | None = None, ends: Literal["open", "closed"] = "open"
) -> int:
    """Positive frames of a video at 30 fps; frames in two segments count once.

    Args:
        segments: As :func:`read_ucf_crime` gives them: their times are frame numbers / 30.
        n_frames: Frames of the video, to stop there; None: do not stop, as for 84,189.
        ends: ``open``: a segment has the frames start <= f < end, counted from 0; ``closed``: start <= f <= end,
            counted from 1, as in the official evaluation.

    Raises:
        ValueError: ``n_frames`` is not above 0.
    """
    if n_frames is not None and n_frames < 1:
        raise ValueError(f"n_frames must be above 0, not {n_frames}")
    total = 0
    for one in merged(segments):
        start, end = round(one.start_s * FPS), round(one.end_s * FPS)
        last = end if n_frames is None else min(end, n_frames)
        total += max(0, last - start + (ends == "closed"))
    return total


def _listed(path: Path, split: Split) -> dict[str, str]:
    """Path by video, in the order of the list."""
    found: dict[str, str] = {}
    for where, line in read_lines(path, remedy=_REMEDY):
        text = line.strip()
        video = plain_name(text.rpartition("/")[2].removesuffix(".mp4"), where=where, remedy=_REMEDY)
        try:
            expected = ucf_path(video, split=split)
        except AnnotationError as error:
            raise AnnotationError(error.message, path=where, remedy=_REMEDY) from error
        if text != expected:
            _refuse(f"{text[:120]!r} is not where UCF-Crime has this {split} video, {expected}", where)
        if video in found:
            _refuse(f"{video} occurs a second time", where)
        found[video] = text
    return found


def _temporal(path: Path) -> dict[str, _Timed]:
    found: dict[str, _Timed] = {}
    for where, line in read_lines(path, remedy=_REMEDY):
        fields = line.split()
        if len(fields) != len(FIELDS):
            _refuse(f"has {len(fields)} fields, not {len(FIELDS)}: {', '.join(FIELDS)}", where)
        video = plain_name(fields[0].removesuffix(".mp4"), where=where, remedy=_REMEDY)
        if video in found:
            _refuse(f"{video} occurs a second time", where)
        found[video] = _timed(video, fields[1], fields[2:], where)
    return found


def _timed(video: str, label: str, numbers: Sequence[str], where: str) -> _Timed:
    for text in numbers:
        if not _FRAME.fullmatch(text):
            _refuse(f"{text[:40]!r} is neither a frame, counted from 1, nor -1 for absent", where)
    if label != UCF_NORMAL and label not in CATEGORY_TEXTS:
        _refuse(f"{label[:60]!r} is no class of UCF-Crime", where)
    frames = [int(text) for text in numbers]
    segments: list[Segment] = []
    remarks: list[Remark] = []
    for start, end in ((frames[0], frames[1]), (frames[2], frames[3])):
        if start == end == -1:
            continue
        if min(start, end) == -1 or end < start:
            _refuse(f"a segment must have a start and an end after it, not {start} to {end}", where)
        if label == UCF_NORMAL:
            _refuse(f"{video} is normal, but has a segment, {start} to {end}", where)
        if end == start:
            remarks.append(Remark("clipped", "ends in its first frame; made one frame long", video, f"frame {start}"))
            end = start + 1
        segments.append(Segment(start / FPS, end / FPS, CATEGORY_TEXTS[label]))
    if not segments and label != UCF_NORMAL:
        _refuse(f"{video} is {label[:40]!r}, but has no segment", where)
    inside, done = fitted(segments, subject=video, duration_s=None)
    return _Timed(where, label, inside, (*remarks, *done))


def _same_videos(folder: Path, listed: Mapping[str, str], times: Mapping[str, _Timed]) -> None:
    missing = [video for video in listed if video not in times]
    if missing:
        _refuse(f"has no line for {len(missing)} test videos, such as {missing[0]}", folder / TEMPORAL)
    for video, timed in times.items():
        if video not in listed:
            _refuse(f"{video} is not in {LISTS['test']}", timed.where)


def _check(video: SourceVideo | None, name: str, segments: Sequence[Segment]) -> None:
    fault = ""
    if video is None:
        fault = "is no video of the data set"
    elif video.split != "train":
        fault = f"is a {video.split} video, whose times are official"
    elif segments and video.segments is not None:
        fault = "has times already" if video.segments else "is a normal video, but has times here"
    for one in segments:
        if not 0 <= one.start_s < one.end_s <= MAX_S:
            fault = fault or f"must have segments that end after their start, not {one.start_s} to {one.end_s} s"
    if fault:
        raise AnnotationError(
            f"times of another source: {name[:120]!r} {fault}", remedy="correct the times, or leave this video out"
        )


def _refuse(message: str, path: str | Path) -> NoReturn:
    raise AnnotationError(message, path=path, remedy=_REMEDY)
