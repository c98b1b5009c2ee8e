"""Consecutive frames without a long gap: networks, scenes in memory, and which windows are due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from feature_store.fingerprint import FAMILIES
from hawkeye_core.extraction.backends import Backends
from hawkeye_core.extraction.columns import frame_columns
from hawkeye_core.extraction.stream import SceneStream
from hawkeye_core.scene import FrameBatch
from hawkeye_core.video.batching import BatchBuilder
from hawkeye_core.watch.frames import SampledFrame
from hawkeye_core.watch.scene_ring import SceneRing
from hawkeye_core.watch.window_schedule import WindowSchedule


@dataclass(frozen=True, slots=True)
class WindowRules:
    """Lengths in frames.

    Args:
        length: Most frames of a window.
        hop: Between the ends of two windows.
        hold: Most missing frames in a row that the frame before stands for.
        batch: Frames that go through the networks together.
        least: Fewest frames worth an answer at the end of a run.
    """

    length: int
    hop: int
    hold: int
    batch: int
    least: int


class FrameRun:
    """Begins with a frame and takes those that follow it.

    Missing frames are filled in by the one before, as a source of a low rate repeats its pictures: the networks do not
    see them again. So frame k of the run always stands at k / fps.

    Args:
        video: Name put into the windows.
        first: The first frame.
        backends: The networks.
        rules: Lengths.
        fps: Frames sampled a second.
    """

    def __init__(self, video: str, first: SampledFrame, *, backends: Backends, rules: WindowRules, fps: float) -> None:
        self.video, self.rules, self.fps = video, rules, fps
        self.start = self.next = first.k
        self.held: list[int] = []
        self.ring = SceneRing(video)
        self.windows = WindowSchedule(first.k, length=rules.length, hop=rules.hop, least=rules.least)
        self._shape = first.bgr.shape
        self._stream = SceneStream(backends, FAMILIES)
        self._last: FrameBatch | None = None

    def takes(self, frame: SampledFrame) -> bool:
        """Whether the frame goes on with this run: no long gap before it, and pictures of the same size."""
        return frame.k - self.next <= self.rules.hold and frame.bgr.shape == self._shape

    def add(self, frames: Sequence[SampledFrame]) -> None:
        """Take up frames without a gap between them, the first of which :meth:`takes` allows."""
        self._hold(frames[0].k)
        for begin in range(0, len(frames), self.rules.batch):
            self._batch(frames[begin : begin + self.rules.batch])

    def forget(self) -> None:
        """Drop what no window to come holds."""
        self.ring.forget(self.windows.earliest)
        self.held = [k for k in self.held if k >= self.windows.earliest]

    def _batch(self, frames: Sequence[SampledFrame]) -> None:
        builder = BatchBuilder(self.video, size=len(frames))
        for frame in frames:
            builder.add(frame.k, time=frame.k / self.fps, pts=frame.pts, source=frame.source, bgr=frame.bgr)
        self._last = builder.take()
        self._through(self._last)

    def _hold(self, until: int) -> None:
        missing = until - self.next
        if missing <= 0 or self._last is None:
            return
        before = self._last
        numbers = np.arange(self.next, until, dtype=np.int64)
        self.held += numbers.tolist()
        self._through(
            FrameBatch(
                video=self.video,
                index=numbers,
                time=numbers / self.fps,
                pts=np.full(missing, before.pts[-1]),
                source_index=np.full(missing, before.source_index[-1]),
                images=np.broadcast_to(before.images[-1:], (missing, *before.images.shape[1:])),
            )
        )

    def _through(self, batch: FrameBatch) -> None:
        self.ring.add(frame_columns(batch), self._stream(batch))
        self.next = int(batch.index[-1]) + 1


def consecutive(frames: Sequence[SampledFrame]) -> Iterator[Sequence[SampledFrame]]:
    """Parts without a gap and with pictures of one size."""
    begin = 0
    for place in range(1, len(frames) + 1):
        before, ends = frames[place - 1], place == len(frames)
        if ends or frames[place].k != before.k + 1 or frames[place].bgr.shape != before.bgr.shape:
            yield frames[begin:place]
            begin = place
