"""The frames that nothing is trained on and everything is measured on."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from hawkeye_core.datasets.reconsim.frames import LabelledFrame, labelled_frames

HELD_OUT_SEED = 1_000_003


@lru_cache(maxsize=2)
def held_out_frames(count: int) -> tuple[LabelledFrame, ...]:
    """The first ``count`` of them: two moments of two videos with each camera, so that few frames have many cameras."""
    return tuple(islice(labelled_frames(HELD_OUT_SEED, per_video=2, per_site=2), count))
