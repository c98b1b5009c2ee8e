"""What baselines are scored against: annotated segments and the lengths that decoding measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.source import Remark
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.baselines.annotated import AnnotatedVideo
from hawkeye_core.evaluation.baselines.clips import VideoLength
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.metrics import FPS
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.evaluation.result import Truth
from hawkeye_core.evaluation.truth_files import stored_lengths

CUT = "cut or damaged video"
BEHIND = "annotated behind the end of a cut video (counted as missed)"
UNKNOWN = "no length is known (left out)"


@dataclass(frozen=True, slots=True)
class Judged:
    """The videos that are scored.

    Args:
        videos: In the order of the annotations.
        remarks: What a reader should know of lengths.
    """

    videos: tuple[VideoTruth, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def truth(self) -> Truth:
        """Lengths and segments, as the metrics take them."""
        return Truth(
            {item.video: item.duration_s for item in self.videos},
            {item.video: [(one.start_s, one.end_s) for one in item.segments] for item in self.videos},
        )


def judge(
    videos: Sequence[AnnotatedVideo], measured: Mapping[str, VideoLength], settings: EvalSettings
) -> Judged:  # fmt: skip
    """Lengths and segments of the videos.

    A video is as long as its file, measured; where that is missing or cannot be used, as the store ``settings.store``
    or the annotations say, else up to its last annotated second; one without any of these has nothing to be missed and
    is left out.

    Args:
        videos: The annotated ones.
        measured: Lengths of those whose file can be used.
        settings: Of the evaluation.

    Raises:
        AnnotationError: A segment starts behind a file that is whole, or no video is left.
        StoreError: The store is damaged.
    """
    stored = stored_lengths([item.video for item in videos if item.video not in measured], settings.store)
    kept: list[VideoTruth] = []
    remarks: list[Remark] = []
    for item in videos:
        last = max((segment.end_s for segment in item.segments), default=0.0)
        length = measured.get(item.video)
        if length is None:
            duration = stored.get(item.video) or item.duration_s or last
            if duration <= 0:
                remarks.append(Remark("dropped", UNKNOWN, item.video))
                continue
            duration = max(duration, *(segment.start_s + 1 / FPS for segment in item.segments), 0.0)
        else:
            duration, said = _of_file(item, length, last, settings.annotations)
            remarks += said
        kept.append(VideoTruth.inside(item.video, duration, item.segments, label=item.label))
    if not kept:
        raise AnnotationError("the length of none of its videos is known", path=settings.annotations,
                              remedy="give `--videos` the folder of their files")  # fmt: skip
    return Judged(tuple(kept), tuple(remarks))


def _of_file(
    item: AnnotatedVideo, length: VideoLength, last: float, path: str
) -> tuple[float, list[Remark]]:  # fmt: skip
    duration = length.frames / FPS
    remarks = [] if length.cut is None else [Remark("note", CUT, item.video, length.cut)]
    behind = _behind(item.segments, duration)
    if behind is None:
        return duration, remarks
    if length.cut is None:
        said = f"{item.video!r} lasts {duration:.1f} s; a segment is at {behind.start_s} to {behind.end_s} s"
        raise AnnotationError(said, path=path, remedy="correct the segment, or give the file that it was made for")
    return last, [*remarks, Remark("note", BEHIND, item.video, f"{behind.start_s} s of {duration:.1f} s")]


def _behind(segments: Sequence[Segment], duration_s: float) -> Segment | None:
    return next((segment for segment in segments if segment.start_s >= duration_s), None)
