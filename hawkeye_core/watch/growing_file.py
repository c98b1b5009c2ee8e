"""A file that is being written, read to its end and then as it grows.

Its bytes go through a named pipe to the decoder, which waits there for more as it would for a network. Any container
that can be read from the front works: MPEG-TS, Matroska, FLV, AVI, fragmented MP4, MJPEG. An ordinary MP4 gets its
index when the recording ends, so nothing can be read before.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from hawkeye_core.errors import NotAVideoError, VideoMissingError
from hawkeye_core.video.clock import FrameClock
from hawkeye_core.video.probe import MAX_FRAME_RATE
from hawkeye_core.video.sampling import MAX_GAP_S
from hawkeye_core.watch.frames import SampledFrame, StreamSampler
from hawkeye_core.watch.live_source import open_stream, retrieved

CHUNK = 1 << 16
"""Bytes handed on at a time: as many as a pipe holds."""
FOREVER_S = 1e6
"""The decoder waits for the file; when the wait ends is decided here."""


class GrowingFile:
    """Frames of a file that grows, at 8 frames a second of its own clock.

    Args:
        path: The file.
        fps: Frames sampled a second.
        idle_s: Ends when the file has not grown for so long.
        poll_s: How often its size is looked at.

    Raises:
        NotAVideoError: While iterating: no frame could be decoded until it ended.
        VideoMissingError: While iterating: it cannot be read.
    """

    live = False
    reconnects = 0

    def __init__(self, path: str | Path, *, fps: float, idle_s: float, poll_s: float) -> None:
        self.path = Path(path)
        self._fps, self._idle, self._poll = fps, idle_s, poll_s
        self._stopped = threading.Event()
        self._caught_up = threading.Event()
        self._given = 0
        self._epoch: float | None = None
        self._fault: OSError | None = None

    def epoch(self) -> float | None:
        """Unix time of the file's first frame, once frames have come that were just being written.

        Each such frame was recorded before it was read; the earliest start that follows from any of them is taken.
        """
        return self._epoch

    def note(self) -> str:
        """How much of the file has been read."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return "file gone"
        return f"read {100 * min(self._given, size) // max(size, 1)} % of {size / 1e6:.1f} MB"

    def stop(self) -> None:
        """Let the iteration end soon."""
        self._stopped.set()

    def __iter__(self) -> Iterator[SampledFrame]:
        with tempfile.TemporaryDirectory(prefix="hawkeye-watch-") as folder:
            pipe = Path(folder, "pipe")
            os.mkfifo(pipe, 0o600)
            feeder = threading.Thread(target=self._feed, args=(pipe,), name="hawkeye-watch-tail", daemon=True)
            feeder.start()
            capture = open_stream(str(pipe), timeout_s=FOREVER_S)
            try:
                yield from self._frames(capture)
            finally:
                self.stop()
                reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # the decoder may never have opened it
                capture.release()
                os.close(reader)
                feeder.join()
        if self._fault is not None:
            raise VideoMissingError(f"cannot be read ({self._fault.strerror})", path=self.path) from self._fault

    def _frames(self, capture: cv2.VideoCapture) -> Iterator[SampledFrame]:
        if capture.isOpened():
            rate = capture.get(cv2.CAP_PROP_FPS)
            clock = FrameClock(rate if 0 < rate <= MAX_FRAME_RATE else None, max_gap_s=MAX_GAP_S)
            sampler = StreamSampler(self._fps, hold_s=MAX_GAP_S)
            number = -1
            while not self._stopped.is_set() and capture.grab():
                arrived = time.monotonic()
                time_s = clock.tick(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                picture = retrieved(capture)
                if time_s is None or picture is None:
                    continue
                number += 1
                if self._caught_up.is_set():
                    bound = time.time() - time_s
                    self._epoch = bound if self._epoch is None else min(self._epoch, bound)
                yield from sampler.push(time_s, number, picture, arrived)
            if not self._stopped.is_set():
                yield from sampler.finish(clock.interval or 0.0)
            if number >= 0:
                return
        if not self._stopped.is_set() and self._fault is None:
            raise NotAVideoError(
                f"no frame could be read until it stopped growing for {self._idle:g} s", path=self.path,
                remedy="record MPEG-TS, Matroska or fragmented MP4, which can be read while they are written",
            )  # fmt: skip

    def _feed(self, pipe: Path) -> None:
        """Body of the thread: bytes of the file into the pipe, until it is idle for long or nobody reads them."""
        try:
            with self.path.open("rb") as file, pipe.open("wb", buffering=0) as out:
                grown = time.monotonic()
                while not self._stopped.is_set():
                    data = file.read(CHUNK)
                    if data:
                        grown = self._hand_on(out.fileno(), data)
                        continue
                    self._caught_up.set()
                    if time.monotonic() - grown > self._idle:
                        return
                    self._stopped.wait(min(self._poll, self._idle))
        except BrokenPipeError:  # the decoder has gone
            return
        except OSError as error:
            self._fault = error
            self._release(pipe)

    def _hand_on(self, out: int, data: bytes) -> float:
        view = memoryview(data)
        while view and not self._stopped.is_set():
            written = os.write(out, view)
            self._given += written
            view = view[written:]
        return time.monotonic()

    @staticmethod
    def _release(pipe: Path) -> None:
        """The file could not be opened: let the decoder, which waits for a writer, see an empty stream."""
        with pipe.open("wb"):
            pass
