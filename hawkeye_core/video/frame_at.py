"""One sampled frame on its own, for pictures."""

from __future__ import annotations

from pathlib import Path

from hawkeye_core.errors import VideoError
from hawkeye_core.scene import FrameBatch
from hawkeye_core.video.sampling import FrameSampler
from hawkeye_core.video.schedule import SamplingSchedule


def read_frame_at(path: str | Path, *, index: int, fps: float = 8.0) -> FrameBatch:
    """The one sampled frame with number ``index``, exactly as extraction saw it.

    Decodes from the start: seeking lands on wrong frames in files with variable frame rate.

    Returns:
        A batch of one.

    Raises:
        VideoError: As :class:`FrameSampler`, and if the video is shorter.
    """
    sampler = FrameSampler(path, fps=fps, batch_size=1, start=index)
    batches = iter(sampler)
    try:
        for batch in batches:
            return batch
    finally:
        sampler.close()
    total = SamplingSchedule(fps).total(sampler.duration_s or 0.0)
    raise VideoError(f"has {total} frames at {fps:g} a second, there is no frame {index}", path=path)
