"""Metrics of temporal grounding, for comparison with other work: mean IoU, and R@1 at thresholds of temporal IoU.

* One segment a query: IoU is the length of the intersection over that of the union. R@1 at tIoU m is the share of
  queries whose first answer has an IoU of at least m (Gao et al., TALL, ICCV 2017; its code compares with >=), mIoU the
  mean IoU over all queries. TALL's code divides by the hull, which is the union where the segments overlap; where they
  do not, it goes below 0, and ours is 0.
* Several segments a query: IoU of the two unions, the measure of set against set, in which order and splits do not
  matter. There is no settled form of it; this is the one by which :mod:`hawkeye_core.datasets.agreement` compares
  sources of times, on seconds in place of frames. The share of queries of at least m is given as for one segment.

A query without an answer (unparsed, or none found) has IoU 0 and stays in the mean: saying nothing is no way out.
The paper reports neither measure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hawkeye_core.evaluation.metrics import Interval, temporal_iou

RECALL_TIOUS = (0.3, 0.5, 0.7)
"""Thresholds of R@1 in work on grounding."""

MAX_S = 1e9
"""Times further from 0 are refused: beyond any video, and lengths of intervals must stay finite."""


@dataclass(frozen=True, slots=True)
class GroundingScore:
    """Over some queries.

    Args:
        queries: How many were scored.
        unanswered: How many of them got no segment.
        undefined: How many were left out, because no time is to be found and none was said (sets only).
        mean_iou: Part of 1; not a number without queries.
        recall_at_1: Share of the queries with an IoU of at least a threshold, under the keys ``0.3`` ...; likewise.
    """

    queries: int
    unanswered: int
    undefined: int
    mean_iou: float
    recall_at_1: Mapping[str, float]


def score_moments(
    truths: Mapping[str, Interval], predicted: Mapping[str, Interval | None], *, tious: Sequence[float] = RECALL_TIOUS
) -> GroundingScore:
    """One true segment a query against one predicted segment.

    A segment without length, true or predicted, has IoU 0 with everything.

    Args:
        truths: Seconds by query.
        predicted: Seconds by query; none, or no entry: no answer.
        tious: Thresholds.

    Raises:
        ValueError: A prediction is of no query, or :func:`checked_interval` says so.
    """
    _require_known(truths, predicted)
    ious, unanswered = [], 0
    for query, truth in truths.items():
        answer = predicted.get(query)
        checked_interval(truth, query)
        unanswered += answer is None
        ious.append(0.0 if answer is None else temporal_iou(truth, checked_interval(answer, query)))
    return _score(ious, unanswered, 0, tious)


def score_sets(
    truths: Mapping[str, Sequence[Interval]],
    predicted: Mapping[str, Sequence[Interval]],
    *,
    tious: Sequence[float] = RECALL_TIOUS,
) -> GroundingScore:
    """All true segments of a query (or video) against all predicted ones, by :func:`union_iou`.

    Where there is nothing to find, any prediction has IoU 0, and none is undefined and left out: with it counted as 1,
    the 150 normal of the 290 test videos of UCF-Crime would give a mean of 0.52 to who says nothing at all.

    Args:
        truths: Seconds by query.
        predicted: Seconds by query; no entry: no segments.
        tious: Thresholds.

    Raises:
        ValueError: As :func:`score_moments`.
    """
    _require_known(truths, predicted)
    ious, unanswered, undefined = [], 0, 0
    for query, truth in truths.items():
        answer = predicted.get(query, ())
        iou = union_iou((checked_interval(s, query) for s in answer), (checked_interval(s, query) for s in truth))
        if math.isnan(iou):
            undefined += 1
            continue
        unanswered += not answer
        ious.append(iou)
    return _score(ious, unanswered, undefined, tious)


def union_iou(first: Iterable[Interval], second: Iterable[Interval]) -> float:
    """Seconds in both sets over seconds in either; a second that lies in several segments of a set counts once.

    Equals :func:`temporal_iou` for one segment in each. Not a number where neither set has any length.

    Args:
        first: Start and end in seconds, in any order, overlapping or not.
        second: Likewise.
    """
    a, b = _union(first), _union(second)
    i = j = 0
    both = 0.0
    while i < len(a) and j < len(b):
        both += max(0.0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] <= b[j][1]:
            i += 1
        else:
            j += 1
    either = _length(a) + _length(b) - both
    return min(1.0, both / either) if either > 0 else math.nan


def checked_interval(interval: Interval, what: str) -> Interval:
    """The interval itself.

    Raises:
        ValueError: A time is not a number or beyond ``MAX_S``, or the end lies before the start.
    """
    start, end = interval
    if not -MAX_S <= start <= end <= MAX_S:
        raise ValueError(f"{what}: {start} to {end} s must be times within {MAX_S:g} s, the end not before the start")
    return interval


def _score(ious: Sequence[float], unanswered: int, undefined: int, tious: Sequence[float]) -> GroundingScore:
    count = len(ious)
    recalls = {f"{tiou:g}": sum(iou >= tiou for iou in ious) / count if count else math.nan for tiou in tious}
    return GroundingScore(count, unanswered, undefined, math.fsum(ious) / count if count else math.nan, recalls)


def _require_known(truths: Mapping[str, object], predicted: Mapping[str, object]) -> None:
    unknown = [query for query in predicted if query not in truths]
    if unknown:
        raise ValueError(f"predictions of {len(unknown)} unknown queries, such as {unknown[0]!r}")


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    """In ascending order, a gap between each two, none without length."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _length(union: Iterable[Interval]) -> float:
    return sum(end - start for start, end in union)
