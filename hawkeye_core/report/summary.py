"""The report in a few words and figures: what the first row reaches, and whom it is ahead of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hawkeye_core.evaluation.systems import Study, System
from hawkeye_core.report.blocks import Tile, TilesBlock
from hawkeye_core.report.comparisons import F2, FNR, MAP, Comparisons, column, value

TITLES = {FNR: "FNR", F2: "F2", MAP: "mAP"}
LOWER = frozenset({FNR})
"""Metrics of which less is better."""
BELOW = 0.05
"""Corrected p below which a difference is called sure."""


def lead(studies: Sequence[Study], comparisons: Comparisons) -> str:
    """One paragraph: numbers of the first row, and the sure differences in either direction."""
    parts = []
    for study in studies:
        ours, on = study.ours, f" of {study.data}" if study.data else ""
        parts.append(
            f"On {len(study.truth.durations)} videos{on} {ours.name} reaches F2 {_percent(mean(ours, F2))} and mAP "
            f"{_percent(mean(ours, MAP))}{_seeds(ours)}. {verdict(study, comparisons)}"
        )
        if ours.note:
            parts.append(f"{ours.note}: parts of it have random weights, so its numbers show that the path runs.")
    return " ".join(parts)


def verdict(study: Study, comparisons: Comparisons) -> str:
    """Measured rows that the first one is surely ahead of or behind in F2 or mAP, after the correction."""
    ahead: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    for metric in (F2, MAP):
        for one in comparisons.marked:
            if one.metric == column(study.heading, metric) and one.adjusted < BELOW:
                (ahead if one.difference > 0 else behind).setdefault(one.second, []).append(metric)
    rivals = [system.name for system in study.systems[1:] if system.kind != "trivial"]
    if not rivals:
        return "No other measured row stands beside it."
    if not ahead and not behind:
        return "No difference from another measured row in F2 or mAP is sure after the correction for several tests."
    said = [
        f"it is surely {where} {_listed(names)}" for where, names in (("ahead of", ahead), ("behind", behind)) if names
    ]
    text = f"{'; '.join(said)} (p < {BELOW:g} after correction)."
    return text[0].upper() + text[1:]


def tiles(study: Study, *, shown: bool) -> TilesBlock:
    """Key figures of the first row, each beside the best other measured row; ``shown``: with a heading."""
    others = [system for system in study.systems[1:] if system.kind != "trivial" and not system.note]
    found = []
    for metric in (F2, MAP, FNR):
        label = f"{TITLES[metric]}, %{' (lower is better)' if metric in LOWER else ''}"
        found.append(Tile(label, _number(mean(study.ours, metric)), _beside(others, metric)))
    seconds = _mean(run.seconds for run in study.ours.runs)
    if not math.isnan(seconds):
        found.append(Tile("inference, s a minute of video", f"{seconds:.1f}", "from stored features"))
    name = f"{study.ours.name}{f' on {study.data}' if study.data else ''}"
    return TilesBlock(f"Key figures of {name}", found, shown)


def mean(system: System, metric: str) -> float:
    """A metric over the seeds of a system, part of 1; NaN where it is undefined in all."""
    return _mean(value(run.row, metric) for run in system.runs)


def _beside(others: Sequence[System], metric: str) -> str:
    known = [(mean(system, metric), system.name) for system in others if not math.isnan(mean(system, metric))]
    if not known:
        return ""
    best = (min if metric in LOWER else max)(known, key=lambda item: item[0])
    return f"best other: {_number(best[0])}, {best[1]}"


def _listed(found: dict[str, list[str]]) -> str:
    return ", ".join(f"{name} in {' and '.join(metrics)}" for name, metrics in found.items())


def _seeds(system: System) -> str:
    return f" (mean over {len(system.runs)} seeds)" if len(system.runs) > 1 else ""


def _mean(values: Iterable[float]) -> float:
    found = [one for one in values if not math.isnan(one)]
    return math.fsum(found) / len(found) if found else math.nan


def _number(part: float) -> str:
    return "–" if math.isnan(part) else f"{100 * part:.1f}"  # noqa: RUF001 (a dash)


def _percent(part: float) -> str:
    return "–" if math.isnan(part) else f"{100 * part:.1f}\u00a0%"  # noqa: RUF001 (a dash)
