"""How far two sources of times agree.

Measured for a video on its frames: those in the segments of both sources over those in the segments of either
(temporal intersection over union, IoU). A frame k lies in a segment where start <= k / fps < end, as in
:mod:`hawkeye_core.evaluation.metrics`; frames are counted by the bounds of the segments, not one by one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, median

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.times import UCF_FPS, Times
from hawkeye_core.errors import AnnotationError

ALL = "all"
"""Class of the last row of a table: that of all videos."""

_CLASS = re.compile(r"[^\W\d]+?(?=_*\d|$)")

FrameRange = tuple[int, int]
"""First frame, and the one behind the last."""


@dataclass(frozen=True, slots=True)
class VideoAgreement:
    """One video.

    Args:
        video: Its id.
        both: Frames that both sources call anomalous.
        either: Frames that at least one does.
    """

    video: str
    both: int
    either: int

    @property
    def iou(self) -> float:
        """In [0, 1]; 1 where neither has a frame, because then they agree."""
        return self.both / self.either if self.either else 1.0


@dataclass(frozen=True)
class Agreement:
    """Of two sources.

    Args:
        names: Of the two.
        fps: Frames a second that were counted.
        videos: Those that both have, in the order of the first; at least one.
        only_first: Videos that the first alone has.
        only_second: Videos that the second alone has.
    """

    names: tuple[str, str]
    fps: float
    videos: tuple[VideoAgreement, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def mean_iou(self) -> float:
        """Every video counts alike."""
        return fmean(video.iou for video in self.videos)

    @property
    def median_iou(self) -> float:
        """Of the videos."""
        return median(video.iou for video in self.videos)

    @property
    def share_of_seconds(self) -> float:
        """Of the time that either calls anomalous, over all videos, what both do: long segments count more."""
        return _share(self.videos)

    @property
    def disjoint(self) -> int:
        """Videos in which the two have no frame in common."""
        return sum(video.both == 0 < video.either for video in self.videos)


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """A line of the table: one class, or :data:`ALL`.

    Args:
        label: Of the class.
        videos: How many both sources have.
        mean_iou: None without videos, as the next two.
        median_iou: Of the videos.
        share_of_seconds: As :attr:`Agreement.share_of_seconds`.
        only_first: How many the first source alone has.
        only_second: How many the second alone has.
    """

    label: str
    videos: int
    mean_iou: float | None
    median_iou: float | None
    share_of_seconds: float | None
    only_first: int
    only_second: int


def agreement(a: Times, b: Times, *, fps: float = UCF_FPS) -> Agreement:
    """Compare two sources on the videos that both have times for.

    A video that one of them has no times for is no disagreement here; it is counted as being in one only.

    Raises:
        AnnotationError: They have no video in common.
        ValueError: ``fps`` is not above 0.
    """
    if not 0 < fps < math.inf:
        raise ValueError(f"fps must be above 0, not {fps}")
    common = [video for video in a.segments if video in b.segments]
    if not common:
        raise AnnotationError(
            f"{a.name} and {b.name} have no video in common", remedy="compare sources of the same videos"
        )
    videos = []
    for video in common:
        first, second = frame_ranges(a.segments[video], fps=fps), frame_ranges(b.segments[video], fps=fps)
        both = shared_frames(first, second)
        videos.append(VideoAgreement(video, both, _size(first) + _size(second) - both))
    only_first = tuple(video for video in a.segments if video not in b.segments)
    only_second = tuple(video for video in b.segments if video not in a.segments)
    return Agreement((a.name, b.name), fps, tuple(videos), only_first, only_second)


def agreement_rows(found: Agreement) -> list[AgreementRow]:
    """The table by class, in alphabetical order, with :data:`ALL` last. A class is what a name begins with."""
    groups = {class_of(video) for video in (*(v.video for v in found.videos), *found.only_first, *found.only_second)}
    return [_row(found, label) for label in (*sorted(groups), ALL)]


def class_of(video: str) -> str:
    """``RoadAccidents001_x264`` -> ``RoadAccidents``; ``other`` where no letters stand in front."""
    match = _CLASS.match(video)
    return match.group().rstrip("_") if match else "other"


def frame_ranges(segments: Iterable[Segment], *, fps: float) -> list[FrameRange]:
    """Frames of the union of segments, as ranges in ascending order with a gap between each two."""
    ranges: list[FrameRange] = []
    for start, end in sorted((_frame(s.start_s, fps), _frame(s.end_s, fps)) for s in segments):
        if end <= start:
            continue
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], end))
        else:
            ranges.append((start, end))
    return ranges


def shared_frames(a: list[FrameRange], b: list[FrameRange]) -> int:
    """Number of frames in both, each as :func:`frame_ranges` gives it."""
    i = j = shared = 0
    while i < len(a) and j < len(b):
        shared += max(0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] <= b[j][1]:
            i += 1
        else:
            j += 1
    return shared


def _frame(seconds: float, fps: float) -> int:
    """The first frame k with k / fps >= seconds; the product alone would round across a frame's border."""
    k = math.ceil(seconds * fps)
    while (k - 1) / fps >= seconds:
        k -= 1
    while k / fps < seconds:
        k += 1
    return k


def _size(ranges: Iterable[FrameRange]) -> int:
    return sum(end - start for start, end in ranges)


def _share(videos: Iterable[VideoAgreement]) -> float:
    counted = list(videos)
    either = sum(video.either for video in counted)
    return sum(video.both for video in counted) / either if either else 1.0


def _row(found: Agreement, label: str) -> AgreementRow:
    def has(video: str) -> bool:
        return label == ALL or class_of(video) == label

    videos = [video for video in found.videos if has(video.video)]
    ious = [video.iou for video in videos]
    return AgreementRow(
        label=label,
        videos=len(videos),
        mean_iou=fmean(ious) if videos else None,
        median_iou=median(ious) if videos else None,
        share_of_seconds=_share(videos) if videos else None,
        only_first=sum(map(has, found.only_first)),
        only_second=sum(map(has, found.only_second)),
    )
