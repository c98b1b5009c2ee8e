"""Our system against every other row of a table: which tests, which family, which marks.

The tests that Table 1 marks are one family: for a measured row the paired t-test over seeds where both systems have
the same two or more seeds, else the t-test over videos (FNR) and the bootstrap over videos (F2, mAP). All other tests,
among them those of rows without a model, are a second family: printed, corrected by themselves, not marked in Table 1.

Legend: R draws, V videos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.evaluation.bootstrap import draw_videos
from hawkeye_core.evaluation.per_video import DrawnMetrics, drawn_metrics, mean_over_seeds, video_values
from hawkeye_core.evaluation.result import Row, Truth
from hawkeye_core.evaluation.scored_run import Run
from hawkeye_core.evaluation.significance import Comparison, bootstrap_test, correct, t_test
from hawkeye_core.evaluation.systems import Study, System
from hawkeye_core.progress import step_progress

FNR, F2, MAP = "FNRs", "F2", "mAP"
"""Metrics by the names of their columns in Table 1."""
CELLS = 4_000_000
"""Detections times draws that are weighed at once; bounds the memory of the bootstrap."""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Both families, each corrected by itself.

    Args:
        marked: Behind the marks of Table 1.
        others: For reading along.
    """

    marked: tuple[Comparison, ...]
    others: tuple[Comparison, ...]


def compare_systems(studies: Sequence[Study], *, seed: int, draws: int) -> Comparisons:
    """All tests of all data sets.

    Args:
        studies: One a data set.
        seed: Of the draws, and of the order in which segments of equal scores are ranked in them.
        draws: R.
    """
    marked: list[Comparison] = []
    others: list[Comparison] = []
    with step_progress() as bar:
        task = bar.add_task("compare", total=sum(len(study.systems) for study in studies), note="")
        for study in studies:
            counts = draw_videos(len(study.truth.durations), seed=seed, draws=draws)
            ours = _drawn(study.ours, study.truth, counts, seed)
            bar.advance(task)
            for other in study.systems[1:]:
                bar.update(task, note=other.name)
                tests = _Tests(study, other)
                seeds = tests.over_seeds()
                videos = tests.over_videos()
                drawn = tests.by_bootstrap(ours, _drawn(other, study.truth, counts, seed))
                if other.kind == "trivial":
                    others += [*videos, *drawn]
                elif seeds:
                    marked += seeds
                    others += [*videos, *drawn]
                else:
                    first = [one for one in videos if one.metric.endswith(FNR)]
                    marked += [*first, *drawn]
                    others += [one for one in videos if one not in first]
                bar.advance(task)
    return Comparisons(tuple(correct(marked)), tuple(correct(others)))


def column(heading: str, metric: str) -> str:
    """Title of a column of Table 1."""
    return f"{heading} {metric}".strip()


@dataclass(frozen=True, slots=True)
class _Tests:
    """Our system against one other."""

    study: Study
    other: System

    @property
    def names(self) -> tuple[str, str]:
        return self.study.ours.name, self.other.name

    def over_seeds(self) -> list[Comparison]:
        """None where the seeds are not the same two or more."""
        ours, other = self.study.ours, self.other
        if len(ours.seeds) < 2 or ours.seeds != other.seeds:
            return []
        return [
            t_test(_by_seed(ours, metric), _by_seed(other, metric), names=self.names,
                   metric=column(self.study.heading, metric), unit="seeds")
            for metric in (FNR, F2, MAP)
            if all(np.isfinite(value(run.row, metric)) for system in (ours, other) for run in system.runs)
        ]  # fmt: skip

    def over_videos(self) -> list[Comparison]:
        ours, other = (
            [video_values(run.detections, self.study.truth) for run in system.runs]
            for system in (self.study.ours, self.other)
        )
        pairs = (
            (FNR, mean_over_seeds([one.fnr for one in ours]), mean_over_seeds([one.fnr for one in other])),
            (F2, mean_over_seeds([one.f2 for one in ours]), mean_over_seeds([one.f2 for one in other])),
        )
        return [
            t_test(first, second, names=self.names, metric=column(self.study.heading, metric), unit="videos")
            for metric, first, second in pairs
        ]

    def by_bootstrap(self, ours: Sequence[DrawnMetrics], other: Sequence[DrawnMetrics]) -> list[Comparison]:
        videos = len(self.study.truth.durations)
        pairs = (
            (F2, [one.f2 for one in ours], [one.f2 for one in other]),
            (MAP, [one.mean_ap for one in ours], [one.mean_ap for one in other]),
        )
        return [
            bootstrap_test(first, second, names=self.names, metric=column(self.study.heading, metric), videos=videos)
            for metric, first, second in pairs
        ]


def value(row: Row, metric: str) -> float:
    """A metric of a row, part of 1."""
    return {FNR: row.fnr, F2: row.f2, MAP: row.mean_ap["mean"]}[metric]


def _by_seed(system: System, metric: str) -> dict[int, float]:
    return {run.seed: value(run.row, metric) for run in system.runs if run.seed is not None}


def _drawn(system: System, truth: Truth, counts: NDArray[np.int64], seed: int) -> list[DrawnMetrics]:
    return [_of_run(run, truth, counts, seed) for run in system.runs]


def _of_run(run: Run, truth: Truth, counts: NDArray[np.int64], seed: int) -> DrawnMetrics:
    """Pooled metrics on all draws, some draws at a time; equal scores rank in a drawn order, not in the list's."""
    order = np.random.default_rng(seed).permutation(len(run.detections))
    detections = [run.detections[place] for place in order]
    step = max(1, CELLS // max(1, len(detections)))
    parts = [drawn_metrics(detections, truth, counts[start : start + step]) for start in range(0, len(counts), step)]
    return DrawnMetrics(*(_joined(getattr(part, name) for part in parts) for name in ("fnr", "f2", "mean_ap")))


def _joined(parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(list(parts))
