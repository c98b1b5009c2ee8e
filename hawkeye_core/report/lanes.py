"""Drawings of a panel that share one time axis: bars, anomaly curves, router weights. SVG of numbers only.

Legend: S seconds of the video, N experts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.answers.segments import Segment
from hawkeye_core.report.blocks import LaneBar
from hawkeye_core.report.drawing import short

WIDE, HIGH = 1000, 100
"""Units of a drawing; it is stretched to its lane."""
EDGE = 5
"""Units above and below a curve, so that a line at 0 or 1 is seen whole."""
BINS = 240
"""Most steps of a drawn curve; longer ones show the highest value of each part."""
BARS = 60
"""Most bars of a lane; beyond, segments nearer than a pixel or so are drawn as one."""
TITLE, WORDS = 160, 40
"""Most letters of a bar's title, and of the words in it."""
TICKS = 8
TONES = 8
"""Colours of systems in the page's style."""

F64 = NDArray[np.float64]


def tone(place: int) -> str:
    """Class of the colour of the system in a place of the table."""
    return f"t{place % TONES + 1}"


def ticks(duration_s: float) -> list[tuple[float, str]]:
    """Round instants of a time axis, at most ``TICKS`` + 1: place in percent, and text."""
    step = next(
        step for power in range(-1, 7) for step in (10**power, 2 * 10**power, 5 * 10**power)
        if duration_s / step <= TICKS
    )  # fmt: skip
    count = math.floor(duration_s / step + 1e-9)
    decimals = 0 if step >= 1 else 1
    return [(100 * k * step / duration_s, f"{k * step:.{decimals}f} s") for k in range(count + 1)]


def bars(segments: Sequence[tuple[Segment, float | None]], duration_s: float) -> list[LaneBar]:
    """Bars of some segments ordered by start; of very many, neighbours are joined and lose their words."""
    if len(segments) > BARS:
        return _joined(segments, duration_s)
    found = []
    for segment, score in segments:
        sure = "" if score is None else f" {score:.2f}"
        words = f"{segment.category}{sure}".strip()
        detail = f", {segment.reason}" if segment.reason else ""
        title = short(f"{words}{detail}", TITLE)
        found.append(_bar(segment.start_s, segment.end_s, duration_s, short(words, WORDS), title))
    return found


def curve_svg(curves: Sequence[tuple[str, F64]], duration_s: float) -> str:
    """Curves of P(anomalous) as steps over the seconds, 0 below and 1 on top; the first in front.

    Args:
        curves: Class of the colour, and [S] values.
        duration_s: Of the video; the last second may be a part of one.
    """
    lines = "".join(
        f'<path class="{name}" d="{_steps(values, duration_s)}"/>' for name, values in reversed(list(curves))
    )
    middle = f'<path class="grid" d="M0 {HIGH / 2:g}H{WIDE}"/>'
    box = f"0 {-EDGE} {WIDE} {HIGH + 2 * EDGE}"
    return f'<svg class="curve" viewBox="{box}" preserveAspectRatio="none">{middle}{lines}</svg>'


def router_svg(weights: NDArray[np.float32], duration_s: float) -> str:
    """Shares of the experts by second, the first at the bottom.

    Args:
        weights: [S, N] that add up to 1 in each second.
        duration_s: Of the video.
    """
    values = np.array(weights, np.float64)
    values = values / np.maximum(values.sum(1, keepdims=True), 1e-9)
    edges = _edges(len(values), duration_s)
    parts = _pooled_mean(values)
    shown = _edges_of_parts(edges, len(parts))
    tops = np.concatenate([np.zeros((len(parts), 1)), np.cumsum(parts, 1)], 1)  # [bins, N + 1]
    paths = []
    for expert in range(values.shape[1]):
        rects = "".join(
            f"M{left:.1f} {HIGH * (1 - low):.1f}V{HIGH * (1 - high):.1f}H{right:.1f}V{HIGH * (1 - low):.1f}Z"
            for left, right, low, high in zip(shown, shown[1:], tops[:, expert], tops[:, expert + 1], strict=False)
        )
        paths.append(f'<path class="e{expert % TONES + 1}" d="{rects}"/>')
    return f'<svg class="router" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none">{"".join(paths)}</svg>'


def _bar(start: float, end: float, duration_s: float, text: str, title: str) -> LaneBar:
    left = 100 * start / duration_s
    times = f"{start:.1f} to {end:.1f} s"
    return LaneBar(left, max(0.3, 100 * (end - start) / duration_s), text, f"{times}: {title}" if title else times)


def _joined(segments: Sequence[tuple[Segment, float | None]], duration_s: float) -> list[LaneBar]:
    gap = duration_s / (4 * BARS)
    spans: list[list[float]] = []
    for segment, _ in segments:
        if spans and segment.start_s <= spans[-1][1] + gap:
            spans[-1][1] = max(spans[-1][1], segment.end_s)
        else:
            spans.append([segment.start_s, segment.end_s])
    return [_bar(start, end, duration_s, "", "") for start, end in spans]


def _edges(seconds: int, duration_s: float) -> F64:
    """[S + 1] borders of the seconds in units of the drawing; the last ends with the video."""
    return np.minimum(np.arange(seconds + 1), duration_s) * WIDE / duration_s


def _edges_of_parts(edges: F64, parts: int) -> list[float]:
    seconds = len(edges) - 1
    return [float(edges[math.ceil(k * seconds / parts)]) for k in range(parts + 1)]


def _parts(seconds: int) -> list[slice]:
    count = min(seconds, BINS)
    return [slice(math.ceil(k * seconds / count), math.ceil((k + 1) * seconds / count)) for k in range(count)]


def _pooled_mean(values: F64) -> F64:
    return np.stack([values[part].mean(0) for part in _parts(len(values))])


def _steps(values: F64, duration_s: float) -> str:
    heights = [HIGH * (1 - min(1.0, max(0.0, float(values[part].max())))) for part in _parts(len(values))]
    borders = _edges_of_parts(_edges(len(values), duration_s), len(heights))
    return "".join(
        f"{'M' if not k else 'L'}{left:.1f} {height:.1f}H{right:.1f}"
        for k, (left, right, height) in enumerate(zip(borders, borders[1:], heights, strict=False))
    )
