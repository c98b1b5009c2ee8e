"""What the dense head says as a probability that means what it says, fitted on held-out videos.

A head that has read its training videos several times is too sure of itself: on others, what it calls one in ten
happens more often or less. Thresholds (:mod:`hawkeye_core.evaluation.curve_segments`) are chosen for probabilities that
hold, so a line through the logits is fitted on videos that were not learned from (Platt scaling, 1999) and becomes a
part of the head's own weights: whoever loads the checkpoint has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from torch import Tensor

HEAD = "dense.linear."
"""Where the head's tensors are in a checkpoint."""
SUREST = 1e-6
"""Probabilities are read as lying this far from 0 and 1 at least."""


class Calibration(NamedTuple):
    """``logit -> scale * logit + shift``, and the mean cross-entropy of a frame before and after."""

    scale: float
    shift: float
    before: float
    after: float
    frames: int


def fit_calibration(probabilities: ArrayLike, truth: ArrayLike) -> Calibration | None:
    """The line of the least cross-entropy.

    Args:
        probabilities: [N] of frames.
        truth: [N] 0 or 1.

    Returns:
        None where nothing can be fitted: all frames are alike, or higher probabilities do not mean more anomalies.
    """
    p = np.clip(np.asarray(probabilities, np.float64), SUREST, 1 - SUREST)
    y = np.asarray(truth, np.float64) > 0.5
    if len(y) == 0 or y.all() or not y.any():
        return None
    logits = np.log(p) - np.log1p(-p)
    found = LogisticRegression(C=np.inf).fit(logits[:, None], y)
    scale, shift = float(found.coef_[0, 0]), float(found.intercept_[0])
    if not scale > 0:
        return None
    return Calibration(scale, shift, _entropy(logits, y), _entropy(scale * logits + shift, y), len(y))


def calibrated(tensors: Mapping[str, Tensor], found: Calibration) -> dict[str, Tensor]:
    """A checkpoint's tensors with the line as a part of the head; the tensors given stay as they are."""
    changed: dict[str, Any] = dict(tensors)
    changed[f"{HEAD}weight"] = tensors[f"{HEAD}weight"] * found.scale
    changed[f"{HEAD}bias"] = tensors[f"{HEAD}bias"] * found.scale + found.shift
    return changed


def _entropy(logits: Any, truth: Any) -> float:
    return float(np.mean(np.logaddexp(0, np.where(truth, -logits, logits))))
