"""F2 and mAP of the rows over seeds, and how sure the full model's lead is, from the evaluation folders. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hawkeye_core.ablation.config import AblationSettings
from hawkeye_core.ablation.variants import HAWKEYE
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.evaluation.result_files import RESULTS
from hawkeye_core.evaluation.significance import Comparison, correct, statement, summarise, t_test

METRICS = ("F2", "mAP")


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one run, parts of 1."""

    f2: float
    mean_ap: float

    def __getitem__(self, metric: str) -> float:
        return self.f2 if metric == "F2" else self.mean_ap


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of a study.

    Args:
        scores: By key of the row and seed; rows without any evaluation have an empty table.
        compared: Hawkeye minus the other rows, on the seeds that both have; p corrected over all of them.
    """

    scores: Mapping[str, Mapping[int, Scores]]
    compared: tuple[Comparison, ...]


def read_found(settings: AblationSettings, done: Mapping[str, Sequence[int]]) -> Found:
    """Read the results of evaluations.

    Args:
        settings: Of the study.
        done: Seeds whose evaluation is done, by key of the row.

    Raises:
        HawkeyeError: Results of one are missing or damaged.
    """
    scores = {
        row.key: {seed: read_scores(settings.paths.evaluation(row, seed)) for seed in done.get(row.key, ())}
        for row in settings.rows
    }
    return Found(scores, tuple(_compare(settings, scores)))


def read_scores(folder: Path) -> Scores:
    """F2 and mean AP of the first row of ``results.json``.

    Raises:
        HawkeyeError: It is missing or damaged.
    """
    path = folder / RESULTS
    remedy = "run `make ablation` again after removing that folder and its stamp in `done`"
    try:
        row: Any = json.loads(path.read_text(encoding="utf-8"))["rows"][0]
        values = [row["f2"], row["mean_ap"]["mean"]]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise HawkeyeError(f"no results: {error}", path=path, remedy=remedy) from error
    numbers = [math.nan if value is None else value for value in values]
    if not all(isinstance(value, float | int) and not isinstance(value, bool) for value in numbers):
        raise HawkeyeError(f"F2 and mAP must be numbers, not {values}", path=path, remedy=remedy)
    return Scores(*map(float, numbers))


def summary_table(settings: AblationSettings, found: Found) -> Table:
    """A line a row: seeds, mean and standard deviation over them, and the mark of the full model's difference."""
    videos = "test" if settings.select == "test" else "validation"
    graphs = "graphs made of the truth" if settings.graphs == "oracle" else "graphs extracted from the pixels"
    table = Table(
        title=f"ReconSim {settings.preset!r}, {videos} videos, {graphs}, %", title_justify="left",
        caption_justify="left",
        caption="Mean and standard deviation over seeds. Marks: Hawkeye is ahead of the row, in brackets behind it. "
        + statement(found.compared),
    )  # fmt: skip
    for name in ("", "seeds", "F2", "", "mAP", ""):
        table.add_column(name, justify="right" if name in ("seeds", *METRICS) else "left")
    marks = {(one.second, one.metric): _mark(one) for one in found.compared}
    for row in settings.rows:
        scores = found.scores[row.key].values()
        cells = [(_spread([one[metric] for one in scores]), marks.get((row.name, metric), "")) for metric in METRICS]
        table.add_row(row.name, str(len(scores)), *cells[0], *cells[1])
    return table


def _mark(one: Comparison) -> str:
    return f"({one.mark})" if one.mark and one.difference < 0 else one.mark


def _spread(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return "-"
    one = summarise(finite)
    return f"{100 * one.mean:.1f}" + ("" if math.isnan(one.std) else f" ± {100 * one.std:.1f}")


def _compare(settings: AblationSettings, scores: Mapping[str, Mapping[int, Scores]]) -> list[Comparison]:
    """Hawkeye against every other row that has a seed in common with it."""
    ours = scores.get(HAWKEYE.key, {})
    found = []
    for row in settings.rows:
        common = sorted(set(ours) & set(scores[row.key]))
        if row.key == HAWKEYE.key or not common:
            continue
        for metric in METRICS:
            pair = [{seed: values[seed][metric] for seed in common} for values in (ours, scores[row.key])]
            found.append(t_test(*pair, names=(HAWKEYE.name, row.name), metric=metric, unit="seeds"))
    return correct(found)
