"""Videos of the data sets to stage 2's instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.instructions.phrasing import QUESTIONS, question_for
from hawkeye_core.datasets.instructions.rows import Instruction, Sentiment
from hawkeye_core.datasets.source import Remark, SourceVideo, SourceVideos
from hawkeye_core.errors import AnnotationError

SENTIMENT_OF: dict[str, Sentiment] = {"tsl300": "S-S", "ucf-crime": "S-D"}

Reason = Callable[[str, Segment], str]
"""From a video's id and a segment without a reason to one, or to an empty text."""

NO_TIMES = "anomalous, but no times are known"
NO_REASON = "no reason is known"


@dataclass(frozen=True)
class Stage2:
    """Instructions in the order of their sources, and what was left out."""

    rows: tuple[Instruction, ...]
    remarks: tuple[Remark, ...]


def stage2_rows(
    sources: Sequence[SourceVideos], *, seed: int, phrasings: int = len(QUESTIONS), reason: Reason | None = None
) -> Stage2:
    """A row a video of all sources.

    Args:
        sources: Read by the adapters.
        seed: Of the phrasings.
        phrasings: How many are used.
        reason: Says why, where a source does not.

    Raises:
        AnnotationError: A source of no known sentiment, or a video id that occurs in two sources.
    """
    rows: list[Instruction] = []
    remarks: list[Remark] = []
    owner: dict[str, str] = {}
    for source in sources:
        sentiment = SENTIMENT_OF.get(source.name)
        if sentiment is None:
            raise AnnotationError(f"{source.name!r} is neither S-S nor S-D", remedy=f"one of {', '.join(SENTIMENT_OF)}")
        for video in source.videos:
            if (other := owner.setdefault(video.video, source.name)) != source.name:
                raise AnnotationError(f"video {video.video!r} occurs in {other} and in {source.name}")
            if video.segments is None:
                remarks.append(Remark("dropped", NO_TIMES, video.video, source.name))
                continue
            segments = tuple(_reasoned(video, segment, reason) for segment in video.segments)
            remarks += [Remark("note", NO_REASON, video.video) for segment in segments if not segment.reason]
            rows.append(
                Instruction(
                    video=video.video,
                    path=video.path,
                    source=source.name,
                    sentiment=sentiment,
                    protocol=source.protocol,
                    split=video.split,
                    label=video.label,
                    segments=segments,
                    question=question_for(video.video, seed=seed, phrasings=phrasings),
                    duration_s=video.duration_s,
                    fps=video.fps,
                )
            )
    return Stage2(tuple(rows), tuple(remarks))


def _reasoned(video: SourceVideo, segment: Segment, reason: Reason | None) -> Segment:
    if segment.reason or reason is None:
        return segment
    return replace(segment, reason=reason(video.video, segment))
