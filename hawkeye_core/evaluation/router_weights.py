"""Routing weights of a window by second of its video."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from hawkeye_core.evaluation.by_second import BySecond, by_second
from hawkeye_core.training.windows import WindowSpec


def window_router(spec: WindowSpec, weights: Tensor) -> BySecond:
    """Mean over the frames of each second.

    Args:
        spec: The window.
        weights: [T, 2, N] of its frames, of action and object token; padding behind the frames is left out.
    """
    bounds = np.arange(spec.start, spec.stop + 1) / spec.fps
    frames = weights[: spec.stop - spec.start].float().cpu().numpy()
    return by_second(bounds[:-1], bounds[1:], frames)
