"""mAP that does not depend on the order of detections with equal scores.

ActivityNet's AP ranks the detections of all videos, so equal scores leave the result to whatever order they came in;
the row "all positive" has one score only. Here AP is averaged over all orders of equal scores: by drawing orders, and
exactly where that can be done.

**Exact form.** Let j be a rank, c(j) the hits among the first j detections, T the number of truths, and J(t) the last
rank with c(j) / j >= t (with c(J) = 0 where there is none). A hit at rank i counts with the highest precision from i
on, which is >= t just for i <= J(t). So

    AP = 1/T * sum over hits i of max over j >= i of c(j) / j = 1/T * integral from 0 to 1 of c(J(t)) dt.

Where the order changes no match (:func:`fixed_hits`), the hits of a group of n equal scores are k fixed ones, all
orders of hits and misses are equally likely, and c(j) is the same behind the group in every order. E[c(J(t))] then
follows from a recursion over (j, c). It is a step function of t with steps at fractions c/j only, so that the integral
is a finite sum.
Where detections of one video with equal scores compete for a truth, a hit depends on who is first; then draws remain.

Legend: N detections, R orders, n detections of a group of equal scores with k hits, F thresholds t.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.evaluation.metrics import (
    TIOUS,
    Detection,
    Interval,
    match_detections,
    mean_average_precision,
    temporal_iou,
)

F64 = NDArray[np.float64]

ORDERS = 1000
MAX_STEPS = 1_000_000_000
"""Steps of the recursion (ranks x hits x thresholds) above which the exact form is not tried: some ten seconds."""
CHUNK = 512
"""Thresholds handled together; bounds the memory."""


@dataclass(frozen=True, eq=False)
class OrderFreeMap:
    """AP at each threshold and their mean, under the keys of :func:`mean_average_precision`; parts of 1.

    Args:
        given: In the order given, as :func:`mean_average_precision` has it.
        drawn: [R] In each drawn order, the same orders for all keys.
        exact: Expectation over all orders; None where competition or size (``MAX_STEPS``) leave the draws only.
        tied: Detections whose score another one has, too.
    """

    given: Mapping[str, float]
    drawn: Mapping[str, F64]
    exact: Mapping[str, float | None]
    tied: int

    @property
    def mean(self) -> dict[str, float]:
        """Over the drawn orders."""
        return {key: float(values.mean()) for key, values in self.drawn.items()}

    @property
    def low(self) -> dict[str, float]:
        """Least of the drawn orders."""
        return {key: float(values.min()) for key, values in self.drawn.items()}

    @property
    def high(self) -> dict[str, float]:
        """Greatest of the drawn orders."""
        return {key: float(values.max()) for key, values in self.drawn.items()}

    @property
    def best(self) -> dict[str, float]:
        """To be printed: the exact expectation, or else the mean of the drawn orders."""
        return {key: mean if (value := self.exact[key]) is None else value for key, mean in self.mean.items()}


def order_free_map(
    truths: Mapping[str, Sequence[Interval]],
    detections: Sequence[Detection],
    *,
    seed: int,
    orders: int = ORDERS,
    tious: Sequence[float] = TIOUS,
) -> OrderFreeMap:
    """mAP over the orders of equal scores.

    Not a number where there are no truths, 0 where there are no detections; the same in every order without ties.

    Args:
        truths: Segments by video.
        detections: Predicted segments of all videos.
        seed: Of the drawn orders; the result depends on it and on the order given, not on anything else.
        orders: How many to draw.
        tious: Thresholds, above 0.

    Raises:
        ValueError: A score is not a number, no order is to be drawn, or a threshold is not above 0.
    """
    if orders < 1 or not tious or not all(tiou > 0 for tiou in tious):
        raise ValueError(f"needs at least one order and thresholds above 0, not {orders} and {tuple(tious)}")
    groups = tied_groups(detections)
    scores = np.array([item.score for item in detections], np.float64)
    generator = np.random.default_rng(seed)
    drawn_orders = [np.lexsort((generator.random(len(scores)), -scores)) for _ in range(orders)]
    total = sum(len(segments) for segments in truths.values())
    drawn: dict[str, F64] = {}
    exact: dict[str, float | None] = {}
    for tiou in tious:
        fixed = fixed_hits(truths, detections, tiou=tiou)
        drawn[f"{tiou:g}"] = np.array([
            _area(_hits(truths, detections, order, tiou) if fixed is None else fixed[order], total)
            for order in drawn_orders
        ])  # fmt: skip
        exact[f"{tiou:g}"] = (
            None if fixed is None else expected_area([(len(g), int(fixed[g].sum())) for g in groups], total)
        )
    drawn["mean"] = np.mean(list(drawn.values()), 0)
    found = [value for value in exact.values() if value is not None]
    exact["mean"] = float(np.mean(found)) if len(found) == len(exact) else None
    tied = sum(len(group) for group in groups if len(group) > 1)
    return OrderFreeMap(mean_average_precision(truths, detections, tious=tious), drawn, exact, tied)


def tied_groups(detections: Sequence[Detection]) -> list[list[int]]:
    """Indices of detections by score, falling; within a group in the order given.

    Raises:
        ValueError: A score is not a number.
    """
    wrong = [item for item in detections if math.isnan(item.score)]
    if wrong:
        raise ValueError(f"{wrong[0].video}: a score is not a number, which cannot be ranked")
    ranked = sorted(range(len(detections)), key=lambda i: -detections[i].score)
    return [list(group) for _, group in groupby(ranked, key=lambda i: detections[i].score)]


def fixed_hits(
    truths: Mapping[str, Sequence[Interval]], detections: Sequence[Detection], *, tiou: float
) -> NDArray[np.bool_] | None:
    """[N] whether each detection takes a truth, if that is so in every order of equal scores; else None.

    It is where no truth that is free when a group comes is within reach (tIoU >= ``tiou``) of two detections of it:
    then each takes its best one, whoever comes first.
    """
    free = {video: list(segments) for video, segments in truths.items()}
    hits = np.zeros(len(detections), bool)
    for group in tied_groups(detections):
        taken: list[tuple[str, int]] = []
        reached: set[tuple[str, int]] = set()
        for index in group:
            item = detections[index]
            overlaps = [temporal_iou(truth, (item.start_s, item.end_s)) for truth in free.get(item.video, [])]
            within = {(item.video, i) for i, overlap in enumerate(overlaps) if overlap >= tiou}
            if within & reached:
                return None
            reached |= within
            if within:
                hits[index] = True
                taken.append((item.video, int(np.argmax(overlaps))))
        for video, i in sorted(taken, reverse=True):
            free[video].pop(i)
    return hits


def expected_area(groups: Sequence[tuple[int, int]], total: int) -> float | None:
    """Mean AP over all orders of hits and misses within groups of equal scores; see the top of this file.

    Args:
        groups: Detections and hits of each group, by falling score.
        total: Number of truths.

    Returns:
        Not a number without truths; None where it would take more than ``MAX_STEPS``.
    """
    if total == 0:
        return math.nan
    size, found = (sum(group[i] for group in groups) for i in (0, 1))
    if found == 0:
        return 0.0
    # Up to the precision of the last rank, J is the last rank.
    last = found / size
    thresholds = _precisions(groups)
    thresholds = thresholds[thresholds > last]
    if len(thresholds) * sum(n * (k + 1) for n, k in groups) > MAX_STEPS:
        return None
    chunks = [thresholds[i : i + CHUNK] for i in range(0, len(thresholds), CHUNK)]
    reached = np.concatenate([np.zeros(0), *(_expected_found(groups, chunk) for chunk in chunks)])
    steps = np.diff(thresholds, prepend=last)
    return float((found * last + (steps * reached).sum()) / total)


def _precisions(groups: Sequence[tuple[int, int]]) -> F64:
    """Rising: each c / j that some order has."""
    values, size, found = [np.zeros(0)], 0, 0
    for n, k in groups:
        ranks = np.arange(1, n + 1)[:, None]
        hits = np.arange(k + 1)
        possible = (hits <= ranks) & (hits >= k - (n - ranks))
        values.append(((found + hits) / (size + ranks))[possible])
        size, found = size + n, found + k
    return np.unique(np.concatenate(values))


def _expected_found(groups: Sequence[tuple[int, int]], thresholds: F64) -> F64:
    """[F] E[c(J(t))].

    Followed forward: E_i(x) is the expectation of c at the last rank so far that reaches t, given that x of the first
    i of the group are hits. Of these i each is the last one equally often, so that rank i is a hit in x / i of cases:
    E_i(x) is found + x where (found + x) / (size + i) >= t, else x / i E_i-1(x - 1) + (1 - x / i) E_i-1(x).
    """
    expected = np.zeros(len(thresholds))
    size = found = 0
    for n, k in groups:
        rows = np.zeros((k + 2, len(thresholds)))  # Row x + 1 has E(x); row 0 is met with a weight of 0.
        rows[1] = expected
        for i in range(1, n + 1):
            x = np.arange(max(0, k - (n - i)), min(i, k) + 1)[:, None]
            one_less, same = rows[x[0, 0] : x[-1, 0] + 1], rows[x[0, 0] + 1 : x[-1, 0] + 2]
            reached = (found + x) / (size + i) >= thresholds
            same[:] = np.where(reached, found + x, x / i * one_less + (1 - x / i) * same)
        expected = rows[k + 1].copy()
        size, found = size + n, found + k
    return expected


def _hits(
    truths: Mapping[str, Sequence[Interval]], detections: Sequence[Detection], order: NDArray[np.intp], tiou: float
) -> NDArray[np.bool_]:
    return match_detections(truths, [detections[i] for i in order], tiou=tiou)


def _area(hits: NDArray[np.bool_], total: int) -> float:
    """AP of ranked hits, as in :mod:`hawkeye_core.evaluation.metrics`."""
    if total == 0:
        return math.nan
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(np.maximum.accumulate(precisions[::-1])[::-1][hits].sum() / total)
