"""Figure 4 in numbers: training losses over steps, smoothed, and where they bend (the paper's inflection values).

The paper (section 5.4) states the loss "at the convergence inflection point" and does not say how the point is found.
Here, for a curve of T steps:

1. **Mean over seeds** at each step that all runs of the name have.
2. **Smoothing**: the mean with Gaussian weights around each step, of a standard deviation of ``width`` x T steps (at
   least half a step); the weights are cut off at four deviations and at the ends of the run, and add up to 1.
3. **Inflection point**: both axes scaled to 0..1 (first to last step, lowest to highest smoothed loss), it is the step
   at which the smoothed loss lies farthest below the straight line between its ends: where a falling curve turns from
   steep to flat (the knee of Satopaa et al., "Finding a Kneedle in a Haystack", ICDCSW 2011). It does not change when
   an axis is stretched. It depends on where the run ends, as any such point must: compare runs of equal length.
   Where the curve nowhere lies farther below the line than ``LEAST`` of its height there is none.

Legend: S runs (seeds) of one name, T steps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import HawkeyeError

F64 = NDArray[np.float64]

METRICS = "metrics.jsonl"
"""Losses of a training run, a line a step."""
LEAST = 0.05
"""Part of its height that a curve must lie below the line between its ends to have an inflection point."""
CUT = 4.0
"""Standard deviations at which the weights of smoothing end."""
MAX_BYTES = 512 * 2**20
"""Largest ``metrics.jsonl``."""
PAPER: tuple[tuple[str, float], ...] = (("Hawkeye", 1.05), ("Video-LLaVA", 2.06), ("w/o Pre-tuning", 4.1))
"""Losses at the inflection point that the paper's section 5.4 states."""


@dataclass(frozen=True, slots=True, eq=False)
class LossCurve:
    """Losses of one name.

    Args:
        name: Of the system.
        steps: [T] that all its runs have, rising.
        runs: [S, T] losses as they were logged.
    """

    name: str
    steps: F64
    runs: F64

    @property
    def mean(self) -> F64:
        """[T] over seeds."""
        return self.runs.mean(0)


@dataclass(frozen=True, slots=True)
class Inflection:
    """Where a smoothed loss curve bends.

    Args:
        step: At which it does; NaN where it does not.
        loss: The smoothed loss there.
        depth: How far below the line between its ends, part of its height.
        final: The smoothed loss of the last step.
    """

    step: float
    loss: float
    depth: float
    final: float


def read_curve(name: str, runs: Sequence[str | Path], *, key: str) -> LossCurve:
    """Losses of the runs of one name.

    Raises:
        HawkeyeError: A run has no metrics or no such value, a line is damaged, or the runs share fewer than 3 steps.
    """
    found = [_read_losses(Path(run) / METRICS, key) for run in runs]
    common = sorted(set(found[0]).intersection(*found[1:]))
    if len(common) < 3:
        raise HawkeyeError(
            f"the runs of {name!r} share {len(common)} steps with {key!r}", path=runs[0],
            remedy="give runs of one length under one name, at least 3 steps long",
        )  # fmt: skip
    return LossCurve(name, np.array(common, np.float64), np.array([[one[step] for step in common] for one in found]))


def smoothed(steps: F64, values: F64, *, width: float) -> F64:
    """[..., T] smoothed by rule 2 of this module; works along the last axis.

    Args:
        steps: [T] rising.
        values: [..., T]
        width: Standard deviation as a part of the run (last step minus first).
    """
    deviation = max(0.5, width * float(steps[-1] - steps[0]))
    found = np.empty_like(values, np.float64)
    first = np.searchsorted(steps, steps - CUT * deviation)
    last = np.searchsorted(steps, steps + CUT * deviation, side="right")
    for place, (start, stop) in enumerate(zip(first, last, strict=True)):
        weights = np.exp(-0.5 * ((steps[start:stop] - steps[place]) / deviation) ** 2)
        found[..., place] = values[..., start:stop] @ weights / weights.sum()
    return found


def inflection(steps: F64, losses: F64) -> Inflection:
    """The inflection point of a smoothed curve by rule 3 of this module; of equal depths the first."""
    final = float(losses[-1])
    height = float(losses.max() - losses.min())
    if height <= 0 or len(steps) < 3:
        return Inflection(math.nan, math.nan, 0.0, final)
    across = (steps - steps[0]) / (steps[-1] - steps[0])
    line = losses[0] + across * (losses[-1] - losses[0])
    depths = (line - losses) / height
    place = int(np.argmax(depths))
    depth = float(depths[place])
    if depth <= LEAST:
        return Inflection(math.nan, math.nan, depth, final)
    return Inflection(float(steps[place]), float(losses[place]), depth, final)


def _read_losses(path: Path, key: str) -> dict[int, float]:
    """Loss by step; of a step that was logged twice (a run that went on) the last."""
    remedy = "give `--run NAME=FOLDER` the folder of a training run (`hawkeye train --run FOLDER`)"
    found: dict[int, float] = {}
    try:
        if path.stat().st_size > MAX_BYTES:
            raise HawkeyeError(f"has more than {MAX_BYTES:,} bytes", path=path, remedy=remedy)
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                values = json.loads(line) if line.strip() else {}
                if not isinstance(values, dict):
                    raise HawkeyeError("is no object", path=f"{path}:{number}", remedy=remedy)
                if key not in values:
                    continue
                step, loss = values.get("step"), values[key]
                number_like = isinstance(loss, (int, float)) and not isinstance(loss, bool)
                if not isinstance(step, int) or not number_like or not math.isfinite(loss):
                    said = f"step {str(step)[:20]} has the {key} {str(loss)[:20]}, which is no finite number"
                    raise HawkeyeError(said, path=f"{path}:{number}", remedy=remedy)
                found[step] = float(loss)
    except FileNotFoundError as error:
        raise HawkeyeError("has no metrics", path=path, remedy=remedy) from error
    except (OSError, ValueError, RecursionError) as error:  # ValueError: damaged JSON or text
        raise HawkeyeError(f"cannot be read: {error}", path=path, remedy=remedy) from error
    if not found:
        raise HawkeyeError(f"holds no {key!r}", path=path, remedy=remedy)
    return found
