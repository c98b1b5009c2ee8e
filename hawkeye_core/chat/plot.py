"""The anomaly curve with the segments, as lines of a terminal and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hawkeye_core.answers.segments import Segment
from hawkeye_core.atomic import replacing

HEIGHT = 8
"""Lines of the curve."""
BLOCKS, BAR = " ▁▂▃▄▅▆▇█", "━"
ASCII_BLOCKS, ASCII_BAR = " ...:::##", "="
MARGIN = 6
"""Columns in front of it."""


def curve_lines(
    curve: Sequence[float], segments: Sequence[Segment], *, duration_s: float, width: int, plain: bool = False
) -> list[str]:
    """The curve from 0 to 1 over the video, the segments as bars below, and the time.

    A column is the highest value of the seconds that it covers, so that no peak is lost.

    Args:
        curve: One value a second of the video, at least one.
        segments: On the clock of the video.
        duration_s: Of the video.
        width: Columns of the terminal.
        plain: ASCII only.
    """
    columns = max(width - MARGIN, 10)
    blocks, bar = (ASCII_BLOCKS, ASCII_BAR) if plain else (BLOCKS, BAR)
    seconds = duration_s / columns
    levels = [round(_highest(curve, seconds * c, seconds * (c + 1)) * HEIGHT * 8) for c in range(columns)]
    lines = []
    for row in reversed(range(HEIGHT)):
        label = {HEIGHT - 1: "1.0", 0: "0.0"}.get(row, "")
        lines.append(f"{label:>4}  " + "".join(blocks[min(max(level - 8 * row, 0), 8)] for level in levels))
    marks = [" "] * columns
    for segment in segments:
        first = min(int(segment.start_s / seconds), columns - 1)
        for column in range(first, max(min(int(segment.end_s / seconds + 0.5), columns), first + 1)):
            marks[column] = bar
    end = f"{duration_s:.1f} s"
    lines += [" " * MARGIN + "".join(marks), " " * MARGIN + "0.0 s".ljust(columns - len(end)) + end]
    return [line.rstrip() for line in lines]


def write_plot(
    path: str | Path, curve: Sequence[float], segments: Sequence[Segment], *, duration_s: float, title: str
) -> Path:
    """The same as a PNG picture of 1000 x 300 pixels.

    Raises:
        OSError: It cannot be written; nothing is left of it.
    """
    from matplotlib.figure import Figure

    from hawkeye_core.report.drawing import PAPER, SERIES, TRUTH, short, style

    with style():
        figure = Figure(figsize=(10.0, 3.0), layout="constrained", facecolor=PAPER)
        axes = figure.add_subplot()
        edges = [min(float(second), duration_s) for second in range(len(curve) + 1)]
        axes.stairs(curve, edges, color=SERIES[0], linewidth=1.8)
        for segment in segments:
            axes.axvspan(segment.start_s, segment.end_s, color=TRUTH, alpha=0.2, linewidth=0)
            late = segment.start_s > 0.7 * duration_s  # its words would leave the picture on the right
            axes.text(
                segment.end_s if late else segment.start_s, 1.01, short(segment.category, 30), fontsize=8.0,
                ha="right" if late else "left", va="bottom", color=TRUTH,
            )  # fmt: skip
        axes.set_xlim(0, duration_s)
        axes.set_ylim(0, 1)
        axes.set_xlabel("seconds")
        axes.set_ylabel("P(anomalous)")
        axes.set_title(short(title, 80), loc="left", fontsize=10.0, pad=16.0)
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=100, facecolor=PAPER, metadata={"Software": None})
    return Path(path)


def _highest(curve: Sequence[float], start_s: float, end_s: float) -> float:
    first = min(int(start_s), len(curve) - 1)
    return min(max(max(curve[first : max(int(end_s - 1e-9) + 1, first + 1)]), 0.0), 1.0)
