"""Loss curves as inline SVG (the paper's Figure 4)."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hawkeye_core.errors import HawkeyeError

COLOURS = ("#1a5fb4", "#c64600", "#26a269", "#813d9c", "#986a44", "#3d3846")
DASHES = ("-", "--", "-.", ":")
"""Curves differ in both, so that colour alone tells nothing."""


def read_losses(run: str | Path, *, key: str = "lm_loss") -> list[float]:
    """A value of every step of a training run, from its ``metrics.jsonl``.

    Raises:
        HawkeyeError: There is no such file, or it holds no such value.
    """
    path = Path(run) / "metrics.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [float(values[key]) for values in map(json.loads, lines) if key in values]
    except FileNotFoundError as error:
        raise HawkeyeError("has no metrics", path=path, remedy="train first (`hawkeye train`)") from error
    except ValueError as error:
        raise HawkeyeError(f"cannot be read: {error}", path=path) from error
    if not found:
        raise HawkeyeError(f"holds no {key!r}", path=path)
    return found


def has_steps(run: str | Path, *, key: str) -> bool:
    """Whether a run has metrics of steps: none that is not there, nor a mean of runs (`hawkeye model average`)."""
    path = Path(run) / "metrics.jsonl"
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    return '"lr"' in text or f'"{key}"' in text


def smooth(values: Sequence[float], *, decay: float = 0.9) -> list[float]:
    """Exponential moving average without the bias of its beginning."""
    mean, weight, found = 0.0, 0.0, []
    for value in values:
        mean, weight = decay * mean + (1 - decay) * value, decay * weight + (1 - decay)
        found.append(mean / weight)
    return found


def loss_curves(curves: Mapping[str, Sequence[float]], *, ylabel: str = "next-token loss") -> str:
    """One curve a run over its steps, smoothed, the raw values behind it; SVG with text as text."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "hawkeye", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for index, (name, values) in enumerate(curves.items()):
            colour = COLOURS[index % len(COLOURS)]
            steps = np.arange(1, len(values) + 1)
            axes.plot(steps, values, color=colour, alpha=0.2, linewidth=0.8)
            axes.plot(steps, smooth(values), DASHES[index % len(DASHES)], color=colour, label=name, linewidth=1.8)
        axes.set_xlabel("step")
        axes.set_ylabel(ylabel)
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
