"""Windows of a video and the frames of each that a model is shown.

A video is its frames at 8 a second, as in the feature store: a length of N frames is N / 8 s, so that a baseline is
scored on the very lengths that Hawkeye is. The file is decoded twice: frames must be spread over a length that only
decoding measures (what headers state is often wrong). The first pass converts no picture.

Legend: N frames of a video at 8 fps, F frames shown, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feature_store.window_plan import spans_of
from hawkeye_core.errors import VideoError
from hawkeye_core.evaluation.metrics import FPS
from hawkeye_core.video.sampling import FrameSampler
from hawkeye_core.video.schedule import SamplingSchedule

HOP = 0.75
"""Part of a window after which the next begins, as in training (384 of 512 frames)."""
_NEVER = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One window.

    Args:
        video: Id.
        start: First frame of the window.
        frames: How many it has.
        shown: [F] Which of them are shown, counted from its first.
        images: [F, H, W, 3] RGB.
    """

    video: str
    start: int
    frames: int
    shown: tuple[int, ...]
    images: NDArray[np.uint8]

    @property
    def start_s(self) -> float:
        """Second of the video that the window begins at."""
        return self.start / FPS

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.frames / FPS


@dataclass(frozen=True, slots=True)
class VideoLength:
    """N frames of a video at 8 fps, and why the file counts as cut, if it does."""

    frames: int
    cut: str | None = None


def measure(path: str | Path) -> VideoLength:
    """Decode a whole video without converting a picture.

    Raises:
        VideoError: The file cannot be used.
    """
    with FrameSampler(path, fps=FPS, start=_NEVER) as sampler:
        for _ in sampler:
            raise VideoError("has a frame behind its end", path=path)
        if sampler.duration_s is None:
            raise VideoError("its length cannot be measured", path=path)
        return VideoLength(SamplingSchedule(FPS).total(sampler.duration_s), sampler.reason)


def evenly(frames: int, count: int) -> tuple[int, ...]:
    """The middles of ``count`` equal parts of ``frames`` frames; all frames, where there are not more."""
    if frames <= count:
        return tuple(range(frames))
    return tuple((2 * part + 1) * frames // (2 * count) for part in range(count))


def windows(video: str, frames: int, window_s: float | None) -> list[tuple[int, int]]:
    """First frame and end of each window of a video: one, where the video is not longer than a window."""
    length = frames if window_s is None else max(1, round(window_s * FPS))
    return [(span.start, span.stop) for span in spans_of(video, frames, length=length, hop=max(1, int(length * HOP)))]


def clips(path: str | Path, *, video: str, frames: int, count: int, window_s: float | None = None) -> Iterator[Clip]:
    """The windows of a video, in order; at most two are held at a time.

    Args:
        path: The file.
        video: Its id.
        frames: N, as :func:`measure` found it.
        count: Frames shown of a window.
        window_s: Length of a window in seconds; None: the whole video.

    Raises:
        VideoError: The file cannot be used, or gives fewer frames than it did.
    """
    plan = [(start, stop, evenly(stop - start, count)) for start, stop in windows(video, frames, window_s)]
    wanted = {start + index for start, _, shown in plan for index in shown}
    held: dict[int, NDArray[np.uint8]] = {}
    with FrameSampler(path, fps=FPS, start=min(wanted), video_id=video) as sampler:
        for batch in sampler:
            for index, image in zip(batch.index.tolist(), batch.images, strict=True):
                if index in wanted:
                    held[index] = image.copy()  # else the whole batch is kept
            while plan and plan[0][0] + plan[0][2][-1] in held:
                start, stop, shown = plan.pop(0)
                yield _clip(video, start, stop, shown, held)
                first = plan[0][0] if plan else _NEVER
                held = {index: image for index, image in held.items() if index >= first}
            if not plan:
                return
    raise VideoError(f"gave fewer than {frames} frames when it was read again", path=path)


def _clip(video: str, start: int, stop: int, shown: Sequence[int], held: dict[int, NDArray[np.uint8]]) -> Clip:
    return Clip(video, start, stop - start, tuple(shown), np.stack([held[start + index] for index in shown]))
