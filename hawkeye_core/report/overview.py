"""All rows at a glance: F2 and mAP as bars, a dot for each seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hawkeye_core.evaluation.systems import Study, System
from hawkeye_core.report.comparisons import F2, MAP, value
from hawkeye_core.report.drawing import INK, LINE, PAPER, SERIES, SOFT, short, style, to_svg

MOST = 24
"""Rows that are drawn."""


def draw_overview(studies: Sequence[Study]) -> str:
    """Two columns of bars for each data set, as SVG; the first row in its colour, those without a model hollow."""
    panels = [(study, metric) for study in studies for metric in (F2, MAP)]
    rows = max(min(MOST, len(study.systems)) for study in studies)
    with style():
        figure = Figure(figsize=(9.0, 0.75 + 0.31 * rows), layout="constrained")
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for place, (axes, (study, metric)) in enumerate(zip(grid, panels, strict=True)):
            _draw(axes, study, metric, names=place % 2 == 0)
        return to_svg(figure)


def describe(studies: Sequence[Study]) -> str:
    """What the drawing shows, in words."""
    parts = []
    for study in studies:
        said = "; ".join(
            f"{system.label} {_text(system, F2)} and {_text(system, MAP)}" for system in study.systems[:MOST]
        )
        parts.append(f"F2 and mAP{f' on {study.data}' if study.data else ''}, %: {said}.")
    return " ".join(parts)


def _draw(axes: Axes, study: Study, metric: str, *, names: bool) -> None:
    systems = study.systems[:MOST]
    for row, system in enumerate(systems):
        values = _values(system, metric)
        if not values:
            continue
        tone = SERIES[0] if row == 0 else SOFT
        mean = sum(values) / len(values)
        filled = system.kind != "trivial"
        axes.barh(row, mean, height=0.62, facecolor=tone if filled else "none", edgecolor=tone, linewidth=1)
        if len(values) > 1:
            axes.plot(
                values, [row] * len(values), "o", color=INK, markersize=4.5, markeredgewidth=0.9, markeredgecolor=PAPER
            )
        axes.text(max(mean, *values) + 1.5, row, f"{mean:.1f}", va="center", fontsize=8.5, color=INK)
    axes.set_ylim(len(systems) - 0.4, -0.6)
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20))
    axes.set_yticks(range(len(systems)), [short(s.label, 30) for s in systems] if names else [""] * len(systems))
    axes.tick_params(axis="y", left=False, labelcolor=INK, labelsize=9)
    axes.tick_params(axis="x", labelsize=8.5)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", linewidth=0.6, color=LINE)
    axes.set_axisbelow(True)
    axes.set_title(f"{study.heading} {metric}, %".strip(), fontsize=10, loc="left", color=INK)


def _values(system: System, metric: str) -> list[float]:
    return [100 * value(run.row, metric) for run in system.runs if math.isfinite(value(run.row, metric))]


def _text(system: System, metric: str) -> str:
    values = _values(system, metric)
    return f"{sum(values) / len(values):.1f}" if values else "undefined"
