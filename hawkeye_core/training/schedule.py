"""The learning rate over the steps."""

from __future__ import annotations

import math


def rate_factor(step: int, *, steps: int, warmup_ratio: float) -> float:
    """Part of the highest rate at a step (counted from 0): a linear rise, then half a cosine to 0.

    The rise takes ``ceil(steps * warmup_ratio)`` steps and ends at 1, as transformers' cosine schedule does.
    """
    warmup = math.ceil(steps * warmup_ratio)
    if step < warmup:
        return step / max(warmup, 1)
    progress = (step - warmup) / max(steps - warmup, 1)
    return 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
