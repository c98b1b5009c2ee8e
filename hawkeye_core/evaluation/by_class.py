"""FNR by kind of crime (the paper's Table 2): Eq. 8 pooled over all frames of the videos of a class.

A video counts in the class of its folder, whatever a predicted segment calls itself: the paper asks how many anomalous
frames of a scene are missed, not how they are named. Normal videos have no positive frame and stand in no column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hawkeye_core.datasets.reconsim.formats.names import UCF_CLASSES, UCF_NORMAL, UCF_NORMAL_FOLDERS
from hawkeye_core.datasets.ucf_classes import PAPER_NAMES, TABLE_2, paper_name
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.metrics import (
    FPS,
    Detection,
    FrameCounts,
    Interval,
    count_frames,
    false_negative_rate,
    frame_mask,
)
from hawkeye_core.evaluation.result import Truth

NORMAL_LABELS = frozenset({UCF_NORMAL, *UCF_NORMAL_FOLDERS.values()})
"""Labels of normal videos."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One column of Table 2.

    Args:
        label: Folder of the class in UCF-Crime (``RoadAccidents``).
        heading: As the paper's Table 2 spells it (``Accident``).
        videos: How many videos of the split are of this class.
        counts: Frames of these videos at ``FPS``, added up.
    """

    label: str
    heading: str
    videos: int
    counts: FrameCounts

    @property
    def fnr(self) -> float:
        """Eq. 8, part of 1; not a number where the class has no positive frame (or no video)."""
        return false_negative_rate(self.counts)


def rows_by_class(detections: Sequence[Detection], truth: Truth, labels: Mapping[str, str]) -> tuple[ClassRow, ...]:
    """A row for each of the 13 classes, in the order of Table 2, also for those without a video.

    Args:
        detections: Of all videos; scores do not matter.
        truth: The videos.
        labels: Folder of each of these videos, as ``SourceVideo.label`` has it; normal ones are left out. May hold
            other videos, too.

    Raises:
        AnnotationError: A video has no label or one that UCF-Crime does not have, or a normal video has positive
            frames.
        ValueError: A segment is of no video of the split.
    """
    said: dict[str, list[Interval]] = {video: [] for video in truth.durations}
    for item in detections:
        if item.video not in said:
            raise ValueError(f"a segment of {item.video!r}, which is no video of the split")
        said[item.video].append((item.start_s, item.end_s))
    counts = dict.fromkeys(UCF_CLASSES, FrameCounts())
    videos = dict.fromkeys(UCF_CLASSES, 0)
    for video, duration in truth.durations.items():
        frames = round(duration * FPS)
        one = count_frames(frame_mask(truth.segments[video], frames), frame_mask(said[video], frames))
        label = _label(video, labels)
        if label not in NORMAL_LABELS:
            counts[label] += one
            videos[label] += 1
        elif one.positives:
            raise AnnotationError(
                f"{video} is of the normal class {label!r}, but has {one.positives} positive frames",
                remedy="correct its label or its segments",
            )
    order = sorted(UCF_CLASSES, key=lambda label: TABLE_2.index(PAPER_NAMES[label]))
    return tuple(ClassRow(label, PAPER_NAMES[label], videos[label], counts[label]) for label in order)


def pooled_counts(rows: Sequence[ClassRow]) -> FrameCounts:
    """Frames of all classes: their FNR is that of the whole split, where normal videos have nothing to miss."""
    return sum((row.counts for row in rows), FrameCounts())


def _label(video: str, labels: Mapping[str, str]) -> str:
    label = labels.get(video)
    if not isinstance(label, str):
        raise AnnotationError(
            f"{video} has no class", remedy="give the folder of every video, as the lists of UCF-Crime have it"
        )
    if label not in NORMAL_LABELS:
        paper_name(label)  # Raises for what is no class.
    return label
