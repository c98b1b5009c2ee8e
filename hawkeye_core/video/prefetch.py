"""Runs an iterator in a thread, a few items ahead, so that decoding overlaps with the networks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetcher(Generic[T]):
    """Iterates over ``source`` in a background thread that stays at most ``depth`` items ahead.

    Order is kept. An exception of the source is raised in the consumer, after the items made before it. Leaving the
    loop early, leaving the ``with`` block or :meth:`close` ends the thread; the source's iterator is closed there, so
    that its ``finally`` blocks run. OpenCV releases the interpreter lock while it decodes, so one thread is enough.

    Args:
        source: What to iterate over; touched by the thread alone until the end.
        depth: Items made ahead; memory is bounded by ``depth + 2`` items.
    """

    def __init__(self, source: Iterable[T], *, depth: int = 2) -> None:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self._source, self._depth = source, depth
        self._items: deque[T] = deque()
        self._change = threading.Condition()
        self._finished = self._stopped = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Prefetcher[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[T]:
        if self._thread is not None:
            raise RuntimeError("a Prefetcher can be iterated over once")
        self._thread = threading.Thread(target=self._produce, name="hawkeye-prefetch", daemon=True)
        self._thread.start()
        return self._consume()

    def close(self) -> None:
        """End the thread, dropping what it made ahead; waits for the item it is working on."""
        with self._change:
            self._stopped = True
            self._items.clear()
            self._change.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _consume(self) -> Iterator[T]:
        try:
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._items or self._finished or self._stopped)
                    if not self._items:
                        break
                    item = self._items.popleft()
                    self._change.notify_all()
                yield item
            if self._error is not None:
                raise self._error
        finally:
            self.close()

    def _produce(self) -> None:
        """Body of the thread. Every exception is carried over, so that none is lost in a thread."""
        iterator: Iterator[T] | None = None
        try:
            iterator = iter(self._source)
            for item in iterator:
                if not self._put(item):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer
            self._error = error
        finally:
            self._close_source(iterator)
            with self._change:
                self._finished = True
                self._change.notify_all()

    def _put(self, item: T) -> bool:
        """Wait for room and append; false if the consumer has gone."""
        with self._change:
            self._change.wait_for(lambda: len(self._items) < self._depth or self._stopped)
            if not self._stopped:
                self._items.append(item)
                self._change.notify_all()
            return not self._stopped

    def _close_source(self, iterator: Iterator[T] | None) -> None:
        close = getattr(iterator, "close", None)
        if close is None:
            return
        try:
            close()
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer
            self._error = self._error or error
