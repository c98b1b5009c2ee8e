"""Whether evaluation folders can stand in one table: the same videos, lengths, segments and split."""

from __future__ import annotations

from collections.abc import Sequence

from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.folder import Evaluation
from hawkeye_core.evaluation.metrics import Interval
from hawkeye_core.evaluation.protocol import Protocol, VideoTruth

CLOSE_S = 1e-6
"""Times that are apart by no more are the same."""


def require_same_protocol(evaluations: Sequence[Evaluation]) -> None:
    """Check that all folders have the same videos, lengths, segments and split; the order of videos may differ.

    Raises:
        AnnotationError: Two have not; it names both and the first difference.
    """
    first, *others = evaluations
    for other in others:
        difference = _difference(first.protocol, other.protocol)
        if difference:
            raise AnnotationError(
                f"is of another protocol than {first.folder}: {difference}",
                path=other.folder,
                remedy="evaluate both on the same annotations and split, or make two reports",
            )


def _difference(first: Protocol, other: Protocol) -> str:
    """The first difference in words; empty if there is none."""
    if first.split != other.split:
        return f"its split is {other.split!r}, that of the latter {first.split!r}"
    ours, theirs = ({one.video: one for one in protocol.videos} for protocol in (first, other))
    if ours.keys() != theirs.keys():
        only = next((video for video in ours if video not in theirs), None)
        if only is not None:
            return f"{only!r} is among the {len(ours)} videos of the latter and not among these {len(theirs)}"
        only = next(video for video in theirs if video not in ours)
        return f"{only!r} is among these {len(theirs)} videos and not among the {len(ours)} of the latter"
    for video, one in ours.items():
        two = theirs[video]
        if abs(one.duration_s - two.duration_s) > CLOSE_S:
            return f"{video!r} lasts {two.duration_s:.3f} s here and {one.duration_s:.3f} s there"
        if not _same_times(_times(one), _times(two)):
            return f"{video!r} has segments {_shown(_times(two))} here and {_shown(_times(one))} there"
        if one.category != two.category:
            return f"{video!r} is of category {two.category!r} here and {one.category!r} there"
    return ""


def _times(video: VideoTruth) -> list[Interval]:
    return sorted((s.start_s, s.end_s) for s in video.segments)


def _same_times(first: Sequence[Interval], other: Sequence[Interval]) -> bool:
    return len(first) == len(other) and all(
        abs(a[0] - b[0]) <= CLOSE_S and abs(a[1] - b[1]) <= CLOSE_S for a, b in zip(first, other, strict=True)
    )


def _shown(times: Sequence[Interval]) -> str:
    some = ", ".join(f"{start:.3f}-{end:.3f}" for start, end in times[:4])
    return f"[{some}{', ...' if len(times) > 4 else ''}]"
