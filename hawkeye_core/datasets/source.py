"""What an adapter reads off a data set's annotation files: videos with segments in seconds, and what was left out.

An adapter never opens a video. Whatever it changes or leaves out is counted as a :class:`Remark`, so that nothing is
guessed or dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hawkeye_core.answers.segments import Segment

Split = Literal["train", "val", "test"]
Deed = Literal["dropped", "clipped", "merged", "note"]
"""``dropped``: a video or segment is not there any more; ``clipped``: its times were changed; ``merged``: several
became one; ``note``: it is there as it was, and a reader should know something."""


FAR_S = 1.0
"""An end that lies further behind the video has a rule of its own among the remarks."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that an adapter did, or that a reader should know.

    Args:
        deed: What was done.
        rule: Which rule it was, in a few words that are the same for all like cases (``ends behind the video``).
        subject: The video, segment or line it is about.
        detail: The values.
    """

    deed: Deed
    rule: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """One video of a data set.

    Args:
        video: Its id: the stem of its file.
        split: Where the data set puts it.
        path: File below the data set's folder, with ``/``; its ending may be unknown (then without one).
        label: The data set's own word for it (``RoadAccidents``), or ``""``.
        segments: Anomalous stretches in seconds, ordered, not overlapping; ``None`` where no times are known.
        duration_s: As the annotation files say; None where they do not.
        fps: Likewise.
    """

    video: str
    split: Split
    path: str
    label: str = ""
    segments: tuple[Segment, ...] | None = ()
    duration_s: float | None = None
    fps: float | None = None

    @property
    def anomalous(self) -> bool:
        """Whether it has a segment, or is known to hold one somewhere."""
        return self.segments is None or bool(self.segments)


@dataclass(frozen=True)
class SourceVideos:
    """All videos of a data set, in the order of its lists.

    Args:
        name: ``tsl300``, ``ucf-crime``.
        protocol: Which choice of videos and times this is, to stand beside every number made with it.
        videos: Each id once.
        remarks: What was done to get here.
        files: SHA-256 of every file that was read, by its name below the data set's folder.
    """

    name: str
    protocol: str
    videos: tuple[SourceVideo, ...]
    remarks: tuple[Remark, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def of(self, split: Split) -> tuple[SourceVideo, ...]:
        """Those of one split."""
        return tuple(video for video in self.videos if video.split == split)

    def counted(self) -> Counter[tuple[Deed, str]]:
        """How often each rule was used."""
        return Counter((remark.deed, remark.rule) for remark in self.remarks)


def merged(segments: Iterable[Segment]) -> list[Segment]:
    """Segments ordered by start; those that overlap or touch become one, with the category and reason of the first."""
    found: list[Segment] = []
    for one in sorted(segments, key=lambda s: (s.start_s, s.end_s)):
        if found and one.start_s <= found[-1].end_s:
            last = found[-1]
            found[-1] = Segment(last.start_s, max(last.end_s, one.end_s), last.category, last.reason)
        else:
            found.append(one)
    return found


def fitted(
    segments: Iterable[Segment], *, subject: str, duration_s: float | None
) -> tuple[tuple[Segment, ...], list[Remark]]:
    """Segments that lie in the video, ordered, none overlapping; and what was done to get there.

    Args:
        segments: Each with start < end.
        subject: The video's id.
        duration_s: None: the length is unknown, and nothing is clipped.
    """
    inside: list[Segment] = []
    remarks: list[Remark] = []
    for one in segments:
        if duration_s is not None and one.end_s > duration_s:
            detail = f"{one.start_s:.3f} to {one.end_s:.3f} s, {one.end_s - duration_s:.3f} s over {duration_s:.3f} s"
            if one.start_s >= duration_s:
                remarks.append(Remark("dropped", "segment behind the video", subject, detail))
                continue
            far = one.end_s - duration_s > FAR_S
            rule = f"ends more than {FAR_S:g} s behind the video" if far else "ends behind the video"
            remarks.append(Remark("clipped", rule, subject, detail))
            one = Segment(one.start_s, duration_s, one.category, one.reason)
        inside.append(one)
    united = merged(inside)
    if len(united) < len(inside):
        times = ", ".join(f"{one.start_s:.3f} to {one.end_s:.3f} s" for one in inside)
        detail = f"{len(inside)} became {len(united)}: {times}"
        remarks.append(Remark("merged", "segments overlap or touch", subject, detail))
    return tuple(united), remarks
