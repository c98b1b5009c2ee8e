"""Figure 4: training losses of all variants over steps, with a band over seeds and their inflection points."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hawkeye_core.report.convergence import F64, Inflection, LossCurve, inflection, smoothed
from hawkeye_core.report.drawing import colour, dash, short, style, to_svg

POINTS = 400
"""Most points of a drawn curve."""


@dataclass(frozen=True, slots=True, eq=False)
class Convergence:
    """A loss curve as Figure 4 shows it.

    Args:
        curve: As logged.
        each: [S, T] smoothed, one a seed.
        mean: [T] smoothed mean over seeds.
        spread: [T] standard deviation of ``each`` over seeds; 0 for one.
        points: Inflection point of each seed.
        point: Of the mean.
    """

    curve: LossCurve
    each: F64
    mean: F64
    spread: F64
    points: tuple[Inflection, ...]
    point: Inflection


def loss_name(key: str) -> str:
    """A value of ``metrics.jsonl`` in words."""
    return {"lm_loss": "next-token loss", "loss": "training loss", "balance_loss": "balancing loss"}.get(key, key)


def converge(curve: LossCurve, *, width: float) -> Convergence:
    """Smooth a curve and find where it bends, by the rules of :mod:`.convergence`."""
    each = smoothed(curve.steps, curve.runs, width=width)
    mean = each.mean(0)  # smoothing is linear: the mean of smoothed curves is the smoothed mean
    spread = each.std(0, ddof=1) if len(each) > 1 else np.zeros_like(mean)
    points = tuple(inflection(curve.steps, one) for one in each)
    return Convergence(curve, each, mean, spread, points, inflection(curve.steps, mean))


def draw_convergence(found: Sequence[Convergence], *, label: str) -> str:
    """All curves as SVG; the raw mean pale behind the smoothed one, a ring at each inflection point."""
    with style():
        figure = Figure(figsize=(9.0, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for place, one in enumerate(found):
            _draw(axes, one, place)
        lowest = min(float(one.mean.min()) for one in found)
        if lowest > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("training step")
        axes.set_ylabel(label)
        axes.grid(alpha=0.6, linewidth=0.6)
        axes.legend(loc="upper right", ncols=2 if len(found) > 4 else 1)
        return to_svg(figure)


def convergence_csv(found: Sequence[Convergence]) -> str:
    """``name,step,runs,mean,smoothed,std``: every step of every curve."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["name", "step", "runs", "mean", "smoothed", "std"])
    for one in found:
        raw = one.curve.mean
        for place, step in enumerate(one.curve.steps):
            values = (f"{value:.6g}" for value in (raw[place], one.mean[place]))
            spread = f"{one.spread[place]:.6g}" if len(one.each) > 1 else ""
            writer.writerow([one.curve.name, f"{step:.0f}", len(one.each), *values, spread])
    return out.getvalue()


def describe(found: Sequence[Convergence], *, label: str) -> str:
    """What the figure shows, in words."""
    parts = []
    for one in found:
        bend = (
            "" if math.isnan(one.point.step) else f", bending at step {one.point.step:.0f} (loss {one.point.loss:.2f})"
        )
        parts.append(f"{one.curve.name} falls from {one.mean[0]:.2f} to {one.mean[-1]:.2f}{bend}")
    return f"Curves of the {label} over training steps, one a system. {'; '.join(parts)}."


def _draw(axes: Axes, one: Convergence, place: int) -> None:
    keep = np.unique(np.linspace(0, len(one.mean) - 1, min(POINTS, len(one.mean))).round().astype(int))
    steps, mean, spread = one.curve.steps[keep], one.mean[keep], one.spread[keep]
    tone = colour(place)
    if len(one.each) > 1:
        low = np.maximum(mean - spread, mean * 0.05) if mean.min() > 0 else mean - spread
        axes.fill_between(steps, low, mean + spread, color=tone, alpha=0.18, linewidth=0)
    axes.plot(steps, one.curve.mean[keep], color=tone, alpha=0.22, linewidth=0.7)
    seeds = f" ({len(one.each)} seeds)" if len(one.each) > 1 else ""
    axes.plot(steps, mean, dash(place), color=tone, linewidth=1.9, label=f"{short(one.curve.name, 40)}{seeds}")
    if not math.isnan(one.point.step):
        axes.plot([one.point.step], [one.point.loss], "o", color=tone, markersize=8, markerfacecolor="none",
                  markeredgewidth=1.8)  # fmt: skip
