"""Frames of a video at a fixed rate, by presentation time, in batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.errors import VideoEmptyError, VideoError
from hawkeye_core.scene import FrameBatch
from hawkeye_core.video.batching import BatchBuilder
from hawkeye_core.video.clock import FrameClock
from hawkeye_core.video.probe import VideoInfo, default_video_id, probe
from hawkeye_core.video.schedule import SamplingSchedule
from hawkeye_core.video.source import PacketTimes, VideoSource

MAX_GAP_S = 60.0
"""Seconds one frame may stay on screen; a longer gap is taken for a break in the recorder's clock and closed."""

_ROUGH_DURATION = ("flv", "asf", "unknown")  # containers whose stated duration is about the video and not exact


@dataclass(frozen=True, slots=True)
class _Shown:
    """A source frame and the seconds between which it is on screen."""

    index: int
    start: float
    stop: float


class FrameSampler:
    """Reads a video at ``fps`` frames a second (see :class:`SamplingSchedule` for which frames, and how many).

    Iterating yields :class:`FrameBatch` es; every ``iter()`` starts again at ``start``. Frames come upright, in 8-bit
    RGB, in the stored pixel shape (non-square pixels are not stretched). A stream that changes its picture size is
    scaled to the first size by OpenCV. Not to be shared between threads.

    After iteration, ``truncated``, ``reason``, ``frames_out`` and ``duration_s`` say what was found. A damaged or cut
    file gives what can be read and is marked so.

    Args:
        path: The file.
        fps: Frames sampled a second.
        batch_size: Frames a batch; the last batch has what is left.
        video_id: Id put into the batches; the file's stem if ``None``.
        start: First sampled frame that is wanted; earlier ones are decoded but not converted.
        max_gap_s: Longest time one frame may stay on screen, in seconds.
        threads: Decoder threads; ``None`` lets OpenCV choose.

    Attributes:
        info: What the headers state.
        frames_out: Frames sampled so far.
        source_frames: Frames decoded, once the end was reached.
        duration_s: Measured seconds from the first frame to the end of the last, once the end was reached.
        reason: Why the video counts as truncated, or ``None``.

    Raises:
        VideoError: As :func:`probe`, at once. While iterating: ``VideoEmptyError`` if no frame can be decoded,
            ``VideoError`` if the file gives neither times nor a frame rate.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        fps: float = 8.0,
        batch_size: int = 8,
        video_id: str | None = None,
        start: int = 0,
        max_gap_s: float = MAX_GAP_S,
        threads: int | None = None,
    ) -> None:
        if not (math.isfinite(fps) and fps > 0) or batch_size < 1 or start < 0:
            raise ValueError(f"fps and batch_size must be positive, start not negative: {fps}, {batch_size}, {start}")
        self.path = Path(path)
        self.info: VideoInfo = probe(path)
        self.fps, self.batch_size, self.start, self.max_gap_s = fps, batch_size, start, max_gap_s
        self.video_id = default_video_id(path) if video_id is None else video_id
        self._threads = threads
        self._source: VideoSource | None = None
        self._reset()

    def _reset(self) -> None:
        self.close()
        self._clock = FrameClock(self.info.fps, max_gap_s=self.max_gap_s)
        self._schedule = SamplingSchedule(self.fps, start=self.start)
        self._picture: NDArray[np.uint8] | None = None
        self._picture_of = -1  # source index of the frame in _picture
        self._careful = False
        self.frames_out = self.source_frames = 0
        self.duration_s: float | None = None
        self.reason: str | None = None

    @property
    def truncated(self) -> bool:
        """Whether the file is cut or damaged; certain once iteration has ended."""
        return self.reason is not None

    def __enter__(self) -> FrameSampler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the decoder; iterating again opens it anew."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def __iter__(self) -> Iterator[FrameBatch]:
        self._reset()
        try:
            yield from self._batches()
        finally:
            self.close()

    def _batches(self) -> Iterator[FrameBatch]:
        """Batches are held back until the next frame, since only the end tells whether the last one counts."""
        builder = BatchBuilder(self.video_id, size=self.batch_size)
        for shown in self._shown():
            for k in self._schedule.take(shown.stop):
                if builder.full:
                    yield builder.take()
                picture = self._picture
                if picture is None:
                    raise VideoError(f"frame {shown.index} was not converted", path=self.path)
                builder.add(k, time=self._schedule.time(k), pts=shown.start, source=shown.index, bgr=picture)
                self.frames_out += 1
        if self.duration_s is not None:
            self.frames_out -= builder.drop_from(self._schedule.total(self.duration_s))
        if len(builder):
            yield builder.take()

    def _shown(self) -> Iterator[_Shown]:
        """Source frames that are on screen at a wanted instant; ``_picture`` holds the pixels meanwhile."""
        source = self._source = VideoSource(self.path, threads=self._threads)
        packets = PacketTimes.of(self.path)
        reported = source.grab()
        if reported is None:
            raise VideoEmptyError("no frame can be decoded", path=self.path, remedy="copy or record the file again")
        now = self._tick(reported)
        while True:
            if self._may_be_needed(now, reported, packets):
                self._convert(source)
            index = source.index
            following = source.grab()
            if following is None:
                break
            stop = self._tick(following)
            if self._schedule.wants(stop):
                source = self._ensure_picture(source, index)
                yield _Shown(index, now, stop)
            now, reported = stop, following
        yield from self._last(source, now, packets)

    def _last(self, source: VideoSource, now: float, packets: PacketTimes) -> Iterator[_Shown]:
        """The last frame stays until the end, which is measured now."""
        index = source.index
        self.source_frames = index + 1
        self.reason = self._find_reason(source, now, packets)
        self.duration_s = self._end(now)
        stop = self._schedule.time(self._schedule.total(self.duration_s)) - 0.5 / self.fps
        if self._schedule.wants(stop):
            self._ensure_picture(source, index)
            yield _Shown(index, now, stop)

    def _tick(self, reported: float) -> float:
        time = self._clock.tick(reported)
        if time is None:
            message = "gives neither times of its frames nor a frame rate"
            raise VideoError(message, path=self.path, remedy="`ffmpeg -r RATE -i IN OUT.mp4` writes them")
        return time

    def _may_be_needed(self, now: float, reported: float, packets: PacketTimes) -> bool:
        """Whether the frame may still be on screen at the next instant, as far as the packets tell."""
        following = packets.next_after(reported)
        if self._careful or following is None or reported == 0.0 < now:
            return True
        return self._schedule.wants(now + following - reported)

    def _convert(self, source: VideoSource) -> None:
        picture = source.retrieve(self._picture)
        if self._picture is not None and picture.shape != self._picture.shape:
            raise VideoError(f"the picture size changes at frame {source.index}", path=self.path)
        self._picture, self._picture_of = picture, source.index

    def _ensure_picture(self, source: VideoSource, index: int) -> VideoSource:
        """Read the file again up to here if a wrong prediction left a needed frame unconverted.

        Happens once a video at most: from then on every frame is converted.
        """
        if self._picture_of == index:
            return source
        self._careful = True
        again = self._source = VideoSource(self.path, threads=self._threads)
        again.damaged_after = source.damaged_after
        ahead = source.index
        source.close()
        while again.index < ahead and again.grab() is not None:
            if again.index == index:
                self._convert(again)
        return again

    def _end(self, last: float) -> float:
        """Seconds at which the last frame ends: one usual interval on, or later if a whole MP4 states so."""
        end = last + (self._clock.interval or 0.0)
        stated = self.info.duration_s
        if self.info.container == "mp4" and stated is not None and self.reason is None and self._clock.breaks == 0:
            return max(end, min(stated, last + self.max_gap_s))
        return end

    def _find_reason(self, source: VideoSource, last: float, packets: PacketTimes) -> str | None:
        """Signs of damage, the most certain first."""
        if self.info.cut is not None:
            return self.info.cut
        if source.damaged_after is not None:
            return f"undecodable data after frame {source.damaged_after} was skipped"
        if self._clock.breaks:
            return None  # no clock to compare with
        stated, interval = self.info.duration_s, self._clock.interval or 0.0
        expected = packets.span
        if self.info.container == "mp4" and stated is not None:
            expected = min(expected, stated - interval)  # packets outside the edit list are not shown
        if expected - last > max(0.5, 3 * interval):
            return f"decoding ended at {last:.2f} s, the packets go on to {expected:.2f} s"
        if self.info.container in _ROUGH_DURATION and stated is not None and stated - last > max(1.0, 0.05 * stated):
            return f"frames end at {last:.2f} s, the header states {stated:.2f} s"
        return None


def sample_frames(
    path: str | Path, *, fps: float = 8.0, batch_size: int = 8, video_id: str | None = None
) -> Iterator[FrameBatch]:
    """Batches of frames at ``fps`` a second; :class:`FrameSampler` for those who need to know how it ended."""
    return iter(FrameSampler(path, fps=fps, batch_size=batch_size, video_id=video_id))
