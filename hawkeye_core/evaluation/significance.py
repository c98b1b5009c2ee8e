"""Whether one system is ahead of another: several seeds, paired t-tests, a paired bootstrap, Holm's correction.

Three tests, each for what it can answer. Over seeds: does training again give the same order? Over videos: would other
videos (for metrics that each video has, FNR and F2)? Bootstrap over videos: the same for metrics pooled over the split
and for mAP, which no single video has. All p-values are two-sided.

The marks are the paper's bounds (its text states p < 0.01 and p < 0.05): ``**`` and ``*``, here after the correction.
Whatever cannot be tested has p = NaN, no mark, and a note that says why.

Legend: S seeds, R draws, V videos, M comparisons of one family.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from scipy import stats

from hawkeye_core.evaluation.bootstrap import DRAWS, F64, compare, draw_videos

CONFIDENCE = 0.95
MARKS: tuple[tuple[float, str], ...] = ((0.01, "**"), (0.05, "*"))
"""Bound that p lies below, and its mark; the strictest first."""

_EQUAL = 1e-12  # part of the largest value that differences may be apart by rounding alone

Test = Literal["t-test over seeds", "t-test over videos", "bootstrap over videos"]
Unit = Literal["seeds", "videos"]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric over seeds, in its own unit.

    Args:
        n: Seeds.
        mean: Over them.
        std: Standard deviation with n - 1; NaN for one seed, as the intervals are.
        t_low: Lower end of Student's 95 % interval of the mean.
        t_high: Its upper end.
        boot_low: Lower end of the 95 % percentile bootstrap interval; too narrow for a handful of seeds.
        boot_high: Its upper end.
    """

    n: int
    mean: float
    std: float = math.nan
    t_low: float = math.nan
    t_high: float = math.nan
    boot_low: float = math.nan
    boot_high: float = math.nan


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of two systems, first minus second.

    Args:
        first: Name of the first system.
        second: Name of the second.
        metric: Which metric, with its data set where there are several.
        test: How it was tested.
        n: Pairs that were tested: seeds or videos.
        difference: First minus second.
        low: Lower end of the 95 % interval of the difference; NaN without a test.
        high: Its upper end.
        p: Two-sided, uncorrected; NaN without a test.
        note: Why there was no test, or what was left out; empty if nothing.
        adjusted: p after the correction over the family; NaN before :func:`correct`, and without a test.
    """

    first: str
    second: str
    metric: str
    test: Test
    n: int
    difference: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    note: str = ""
    adjusted: float = math.nan

    @property
    def mark(self) -> str:
        """``**``, ``*`` or nothing, by the corrected p; it tells nothing of the direction."""
        return mark(self.adjusted)


def summarise(values: Sequence[float], *, seed: int = 0, draws: int = DRAWS) -> Summary:
    """Mean, spread and 95 % intervals of one metric over seeds.

    Equal values have a spread of 0 and intervals without width.

    Args:
        values: [S] one a seed.
        seed: Of the bootstrap's draws.
        draws: R.

    Raises:
        ValueError: There are no values, or one is not finite.
    """
    found = _finite(values)
    if not len(found):
        raise ValueError("no values to summarise")
    mean = float(found.mean())
    if len(found) == 1:
        return Summary(1, mean)
    if np.ptp(found) == 0:
        same = float(found[0])  # sums of equal values differ from them by rounding
        return Summary(len(found), same, 0.0, same, same, same, same)
    std = float(found.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(found) - 1)) * std / math.sqrt(len(found))
    drawn = draw_videos(len(found), seed=seed, draws=draws)[1:] @ found / len(found)
    low, high = np.percentile(drawn, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Summary(len(found), mean, std, mean - half, mean + half, float(low), float(high))


def t_test(
    first: Mapping[Key, float], second: Mapping[Key, float], *, names: tuple[str, str], metric: str, unit: Unit
) -> Comparison:
    """Paired t-test (``scipy.stats.ttest_rel``) over seeds or videos.

    Pairs with a NaN (a video in which the metric is undefined) are left out and counted in the note. All pairs equal:
    p is 1. Fewer than two pairs, or the same difference in every pair: no test, since there is no variance.

    Args:
        first: Value of the first system by seed or video.
        second: Of the second, with the same keys.
        names: Of the two systems.
        metric: What the values are.
        unit: What the keys are.

    Raises:
        ValueError: The keys differ, there are none, or a value is infinite.
    """
    if first.keys() != second.keys() or not first:
        raise ValueError(f"{names[0]} has {unit} {_some(first)}, {names[1]} has {_some(second)}: pairs need the same")
    pairs = np.array([(first[key], second[key]) for key in first], np.float64)
    kept = pairs[~np.isnan(pairs).any(1)]
    _finite(kept.ravel())
    dropped = len(pairs) - len(kept)
    left_out = f"{dropped} of {len(pairs)} {unit} left out: the metric is undefined there" if dropped else ""
    test: Test = "t-test over seeds" if unit == "seeds" else "t-test over videos"
    apart = kept[:, 0] - kept[:, 1]
    plain = Comparison(*names, metric, test, len(kept), float(apart.mean()) if len(kept) else math.nan, note=left_out)
    if len(kept) < 2:
        return _with_note(plain, f"no test: {len(kept)} {unit[:-1] if len(kept) == 1 else unit}, at least 2 needed")
    if np.ptp(apart) <= _EQUAL * np.abs(kept).max():
        if np.abs(apart).max() <= _EQUAL * np.abs(kept).max():
            return _with_note(replace(plain, difference=0.0, low=0.0, high=0.0, p=1.0), "all pairs are equal")
        return _with_note(plain, "no test: the difference is the same in every pair")
    result = stats.ttest_rel(kept[:, 0], kept[:, 1])
    interval = result.confidence_interval(CONFIDENCE)
    return replace(plain, low=float(interval.low), high=float(interval.high), p=float(result.pvalue))


def bootstrap_test(
    first: Sequence[F64], second: Sequence[F64], *, names: tuple[str, str], metric: str, videos: int
) -> Comparison:
    """Paired bootstrap over videos; the metric of a system is its mean over seeds on each draw.

    The two-sided p is twice the smaller share of draws on either side of 0, at least 2 / (R + 1).

    Args:
        first: [S] runs of the first system, each [1 + R] from :func:`~hawkeye_core.evaluation.bootstrap.resample`.
        second: Those of the second, which may have another number of seeds, on the same draws.
        names: Of the two systems.
        metric: What was resampled.
        videos: V, of which there must be two for a test.

    Raises:
        ValueError: A system has no run, the draws differ in number, or a value is not finite.
    """
    if not first or not second or len({run.shape for run in (*first, *second)}) != 1 or len(first[0]) < 2:
        raise ValueError(f"{names[0]} and {names[1]} need runs on the same draws")
    means = [_finite(np.stack(runs)).mean(0) for runs in (first, second)]
    found = compare(means[0], means[1])
    plain = Comparison(*names, metric, "bootstrap over videos", videos, found.value)
    if videos < 2:
        return _with_note(plain, f"no test: {videos} video, at least 2 needed")
    p = min(1.0, 2 * min(found.p, compare(means[1], means[0]).p))
    return replace(plain, low=found.low, high=found.high, p=p)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): adjusted p-values in the order given, at most 1.

    Of M tests, the k-th smallest p (from 0) is multiplied by M - k and never falls below the one before it; comparing
    the results with a level keeps the chance of any false mark in the family below that level. NaN stays NaN and does
    not count: nothing was tested there.

    Raises:
        ValueError: A p lies outside 0..1.
    """
    values = np.asarray(p, np.float64)
    if ((values < 0) | (values > 1)).any():
        raise ValueError(f"p-values must lie in 0..1: {list(p)}")
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    adjusted = np.full(len(values), math.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)))
    return [float(value) for value in adjusted]


def correct(family: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of one family with their corrected p-values; the family is all that one table marks."""
    return [replace(one, adjusted=p) for one, p in zip(family, holm([one.p for one in family]), strict=True)]


def mark(p: float) -> str:
    """``**`` below 0.01, ``*`` below 0.05, else (NaN too) nothing."""
    return next((sign for bound, sign in MARKS if p < bound), "")


def statement(family: Sequence[Comparison]) -> str:
    """What a footnote must say of a corrected family: tests, pairs, correction, and what was not tested."""
    tested = [one for one in family if not math.isnan(one.p)]
    if not tested:
        return f"No significance test: {'; '.join(_unique(one.note for one in family)) or 'nothing was compared'}."
    how = _unique(f"paired {one.test} (n = {one.n})" for one in tested)
    signs = ", ".join(f"{sign} p < {bound:g}" for bound, sign in MARKS)
    text = f"{signs}: {', '.join(how)}, two-sided, Holm's correction over {len(tested)} comparisons."
    if len(tested) < len(family):
        text += f" Not tested: {len(family) - len(tested)}."
    notes = _unique(one.note for one in family)
    return f"{text} Notes: {'; '.join(notes)}." if notes else text


def _finite(values: Sequence[float] | F64) -> F64:
    found = np.asarray(values, np.float64)
    if not np.isfinite(found).all():
        raise ValueError(f"not finite: {found[~np.isfinite(found)].tolist()[:5]}")
    return found


def _with_note(one: Comparison, note: str) -> Comparison:
    return replace(one, note=f"{note}; {one.note}" if one.note else note)


def _some(values: Mapping[Key, float]) -> str:
    return ", ".join(list(map(str, values))[:4]) + (", ..." if len(values) > 4 else "") or "none"


def _unique(texts: Iterable[str]) -> list[str]:
    """In the order of first appearance, without empty ones."""
    return [text for text in dict.fromkeys(texts) if text]
