"""Frames between the thread that reads and the networks: bounded, the oldest dropped or the reader held up."""

from __future__ import annotations

import threading
import time
from collections import deque

from hawkeye_core.watch.frames import SampledFrame, Source

WAIT_S = 0.2
"""How often a waiting reader looks whether it should stop."""


class FrameQueue:
    """Sampled frames in order, at most so many seconds and megabytes of them.

    Full, it drops the oldest frame that waits, whole, so that the times of those left stay right; or, with
    ``drop=False``, :meth:`put` waits.

    Args:
        frames: Most that wait, by time.
        megabytes: Most that pictures may take, where that is less; one frame always fits.
        drop: Which of the two.

    Attributes:
        dropped: Frames dropped so far.
    """

    def __init__(self, frames: int, *, megabytes: float, drop: bool) -> None:
        self._frames, self._bytes, self._drop = max(1, frames), megabytes * 1e6, drop
        self._items: deque[SampledFrame] = deque()
        self._change = threading.Condition()
        self._limit = self._frames  # less once the size of the pictures is known
        self._finished = self._stopped = False
        self._error: BaseException | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, frame: SampledFrame) -> bool:
        """Add a frame; False once :meth:`stop` was called."""
        with self._change:
            self._limit = max(1, min(self._frames, int(self._bytes // max(1, frame.bgr.nbytes))))
            while not self._drop and len(self._items) >= self._limit and not self._stopped:
                self._change.wait(WAIT_S)
            if self._stopped:
                return False
            while len(self._items) >= self._limit:
                self._items.popleft()
                self.dropped += 1
            self._items.append(frame)
            self._change.notify_all()
            return True

    def finish(self, error: BaseException | None = None) -> None:
        """No frame follows; an error is raised in the consumer behind the frames before it."""
        with self._change:
            self._finished, self._error = True, error
            self._change.notify_all()

    def stop(self) -> int:
        """Take no more and give no more; returns how many frames waited."""
        with self._change:
            self._stopped, left = True, len(self._items)
            self._items.clear()
            self._change.notify_all()
            return left

    def take(self, frames: int, *, timeout_s: float) -> list[SampledFrame] | None:
        """The next frames.

        Args:
            frames: How many; waits for them.
            timeout_s: Longest wait; then what is there is given, perhaps nothing.

        Returns:
            Frames in order, or None at the end.
        """
        end = time.monotonic() + timeout_s
        with self._change:
            while len(self._items) < min(frames, self._limit) and not (self._finished or self._stopped):
                rest = end - time.monotonic()
                if rest <= 0 or not self._change.wait(rest):
                    break
            if not self._items and (self._finished or self._stopped):
                if self._error is not None:
                    raise self._error
                return None
            taken = [self._items.popleft() for _ in range(min(frames, len(self._items)))]
            self._change.notify_all()
            return taken


class SourceReader:
    """Iterates over a source in a thread and puts its frames into a queue."""

    def __init__(self, source: Source, queue: FrameQueue) -> None:
        self._source, self._queue = source, queue
        self._thread = threading.Thread(target=self._read, name="hawkeye-watch-source", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self, *, wait_s: float) -> int:
        """End the thread; one that hangs in a decoder is left behind after ``wait_s``. Returns the frames left."""
        self._source.stop()
        left = self._queue.stop()
        self._thread.join(wait_s)
        return left

    def _read(self) -> None:
        """Body of the thread. Every exception is carried over, so that none is lost in a thread."""
        error: BaseException | None = None
        try:
            for frame in self._source:
                if not self._queue.put(frame):
                    break
        except BaseException as problem:  # noqa: BLE001 - raised again in the consumer
            error = problem
        finally:
            self._queue.finish(error)
