"""Figure 5 as pictures for a paper: one PNG a video, with what a panel of the page shows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hawkeye_core.answers.segments import Segment
from hawkeye_core.atomic import replacing
from hawkeye_core.report.drawing import EXPERTS, INK, LINE, PAPER, SOFT, TRUTH, colour, dash, short, style
from hawkeye_core.report.panels import Panel

WIDTH = 11.0
"""Inches."""
DPI = 150
NAME = 28
"""Characters of a name that are shown."""
BARS = 400
"""Segments of a system that are drawn."""


def write_panel(panel: Panel, path: Path) -> Path:
    """Draw a panel as PNG; the same panel gives the same bytes."""
    with style():
        figure = draw_panel(panel)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return path


def draw_panel(panel: Panel) -> Figure:
    """Strip of frames, a lane for the truth and each system, anomaly curves, router weights; one time axis."""
    frames = panel.pictures.frames
    has_curve = any(one.curve is not None for one in panel.systems)
    routers = [] if panel.router is None else [("action", panel.router.action), ("object", panel.router.object)]
    strip = _strip_height(frames[0].image, len(frames)) if frames else 0.0
    heights = [strip] * bool(frames) + [0.27 * (1 + len(panel.systems))] + [0.9] * has_curve + [0.45] * len(routers)
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.12 * len(heights) + 0.75), layout="constrained")
    rows = iter(figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    if frames:
        _draw_strip(next(rows), panel)
    lanes = next(rows)
    _draw_lanes(lanes, panel)
    last = lanes
    if has_curve:
        last = next(rows)
        _draw_curves(last, panel)
    for name, weights in routers:
        last = next(rows)
        _draw_router(last, name, weights, panel.duration_s)
    for axes in figure.axes[bool(frames) :]:
        axes.set_xlim(0, panel.duration_s)
        axes.tick_params(labelbottom=axes is last, labelsize=8.5)
    last.set_xlabel("seconds", fontsize=8.5)
    figure.suptitle(short(f"{panel.truth.video}: {panel.sentence}", 150), fontsize=9.5, x=0.01, ha="left")
    return figure


def _strip_height(image: NDArray[np.uint8], count: int) -> float:
    return float(min(3.0, (WIDTH - 1.6) / count * image.shape[0] / image.shape[1]))


def _draw_strip(axes: Axes, panel: Panel) -> None:
    """Frames side by side, each above its part of the time axis."""
    frames = panel.pictures.frames
    part = panel.duration_s / len(frames)
    for place, one in enumerate(frames):
        axes.imshow(one.image, extent=(place * part + 0.01 * part, (place + 0.99) * part, 0, 1), aspect="auto")
    axes.set_xlim(0, panel.duration_s)
    axes.set_ylim(0, 1)
    axes.axis("off")


def _draw_lanes(axes: Axes, panel: Panel) -> None:
    names = ["truth", *(one.name for one in panel.systems)]
    segments: list[Sequence[Segment]] = [panel.truth.segments]
    segments += [[segment for segment, _ in one.segments] for one in panel.systems]
    for row, found in enumerate(segments):
        tone = TRUTH if row == 0 else colour(row - 1)
        axes.broken_barh([(s.start_s, s.end_s - s.start_s) for s in found[:BARS]], (row - 0.36, 0.72), color=tone)
        axes.axhline(row, color=LINE, linewidth=0.6, zorder=0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [short(name, NAME) for name in names], fontsize=8.5, color=INK)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)


def _draw_curves(axes: Axes, panel: Panel) -> None:
    for place, one in reversed(list(enumerate(panel.systems))):
        if one.curve is not None:
            edges = np.minimum(np.arange(len(one.curve) + 1), panel.duration_s)
            width = 1.2 if place else 1.9
            axes.stairs(one.curve, edges, color=colour(place), linestyle=dash(place), linewidth=width, baseline=None)
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("P(anom.)", fontsize=8.5)
    axes.grid(axis="y", linewidth=0.5)


def _draw_router(axes: Axes, name: str, weights: NDArray[np.float32], duration_s: float) -> None:
    edges = np.minimum(np.arange(len(weights) + 1), duration_s)
    below = np.zeros(len(weights))
    for expert in range(weights.shape[1]):
        above = below + weights[:, expert]
        axes.stairs(
            above,
            edges,
            baseline=below,
            fill=True,
            color=EXPERTS[expert % len(EXPERTS)],
            edgecolor=PAPER,
            linewidth=0.5,
        )
        share = f"{expert + 1}: {100 * float(weights[:, expert].mean()):.0f} %"
        axes.text(1.005, (expert + 0.5) / weights.shape[1], share, color=SOFT, transform=axes.transAxes, fontsize=7.5,
                  va="center")  # fmt: skip
        below = above
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel(f"router\n{name}", fontsize=7.5, rotation=0, ha="right", va="center")
