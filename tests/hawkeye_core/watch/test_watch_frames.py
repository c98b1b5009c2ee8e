"""Which frames of a stream are taken, what waits, what is dropped, and the clock they stand on."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest

from hawkeye_core.watch.frame_queue import FrameQueue
from hawkeye_core.watch.frames import StreamSampler
from hawkeye_core.watch.live_clock import SLACK_S, LiveClock

from .conftest import FPS, make_frame

PICTURE = np.zeros((2, 2, 3), np.uint8)


def sampled(times: list[float], *, end: float, hold_s: float = 4.0) -> list[tuple[int, int]]:
    sampler = StreamSampler(FPS, hold_s=hold_s)
    frames = [frame for n, t in enumerate(times) for frame in sampler.push(t, n, PICTURE, 0.0)]
    return [(frame.k, frame.source) for frame in (*frames, *sampler.finish(end - times[-1]))]


@pytest.mark.parametrize("rate", [3, 8, 12.5, 25, 30, 59.94])
def test_a_frame_stands_for_the_instants_at_which_it_is_shown(rate: float) -> None:
    times = [n / rate for n in range(math.ceil(3 * rate))]
    end = len(times) / rate
    literal = [(k, max(n for n, t in enumerate(times) if t <= k / FPS)) for k in range(round(end * FPS))]
    assert sampled(times, end=end) == literal


def test_uneven_times_keep_their_instants() -> None:
    times = [0.0, 0.01, 0.02, 0.9, 0.91, 1.3]
    assert sampled(times, end=1.5) == [(0, 0), *((k, 2) for k in range(1, 8)), *((k, 4) for k in range(8, 11)), (11, 5)]


def test_a_long_silence_is_a_gap_and_not_an_old_picture() -> None:
    found = sampled([0.0, 0.125, 5.0, 5.125], end=5.25, hold_s=2.0)
    assert found == [(0, 0), (1, 1), (40, 2), (41, 3)]
    held = sampled([0.0, 0.125, 2.0, 2.125], end=2.25, hold_s=2.0)
    assert held == [(0, 0), *((k, 1) for k in range(1, 16)), (16, 2), (17, 3)]


def test_a_broken_stream_goes_on_with_the_right_numbers() -> None:
    sampler = StreamSampler(FPS, hold_s=4.0)
    first = [*sampler.push(0.0, 0, PICTURE, 0.0), *sampler.push(0.25, 1, PICTURE, 0.0), *sampler.cut(0.04)]
    again = [*sampler.push(1.01, 2, PICTURE, 0.0), *sampler.push(1.3, 3, PICTURE, 0.0)]
    assert [(f.k, f.source) for f in first] == [(0, 0), (1, 0), (2, 1)]
    assert [(f.k, f.source) for f in again] == [(9, 2), (10, 2)]


def test_a_full_queue_drops_the_oldest_whole_frames_and_counts_them() -> None:
    queue = FrameQueue(4, megabytes=100, drop=True)
    for k in range(10):
        queue.put(make_frame(k))
    assert [frame.k for frame in queue.take(3, timeout_s=0) or []] == [6, 7, 8]
    assert queue.dropped == 6
    queue.finish()
    assert [frame.k for frame in queue.take(3, timeout_s=0) or []] == [9]
    assert queue.take(3, timeout_s=0) is None


def test_large_pictures_wait_in_smaller_numbers_and_are_not_waited_for_in_vain() -> None:
    frame = make_frame(0)
    queue = FrameQueue(100, megabytes=2.5 * frame.bgr.nbytes / 1e6, drop=True)
    for k in range(5):
        queue.put(make_frame(k))
    assert queue.dropped == 3
    begun = time.monotonic()
    assert len(queue.take(8, timeout_s=5) or []) == 2
    assert time.monotonic() - begun < 4


def test_without_dropping_the_reader_waits() -> None:
    queue = FrameQueue(2, megabytes=100, drop=False)
    done: list[int] = []

    def read() -> None:
        for k in range(6):
            if not queue.put(make_frame(k)):
                return
            done.append(k)

    reader = threading.Thread(target=read)
    reader.start()
    taken: list[int] = []
    while len(taken) < 4:
        taken += [frame.k for frame in queue.take(1, timeout_s=5) or []]
    assert taken == [0, 1, 2, 3]
    assert queue.dropped == 0
    queue.stop()
    reader.join(5)
    assert not reader.is_alive()
    assert queue.take(1, timeout_s=0) is None


def test_an_error_of_the_source_comes_behind_its_frames() -> None:
    queue = FrameQueue(4, megabytes=1, drop=True)
    queue.put(make_frame(0))
    queue.finish(RuntimeError("camera on fire"))
    assert len(queue.take(4, timeout_s=0) or []) == 1
    with pytest.raises(RuntimeError, match="on fire"):
        queue.take(4, timeout_s=0)


def test_the_clock_follows_stated_times_and_arrival_where_they_are_wrong() -> None:
    clock = LiveClock(stated=True)
    clock.connected(25)
    assert [clock.tick(t, 100 + late) for t, late in ((0, 0), (1.0, 1.7), (2.0, 2.1))] == pytest.approx([0, 1, 2])
    jumped = clock.tick(3.0, 103 + SLACK_S + 1)  # the stream's clock has fallen behind
    assert jumped == pytest.approx(3 + SLACK_S + 1)
    clock.connected(25)  # stated times begin anew, the watch's do not
    assert clock.tick(0.0, 130) == pytest.approx(30)
    assert clock.tick(0.5, 130.6) == pytest.approx(30.5)


def test_the_clock_by_arrival_ignores_made_up_times_and_never_goes_back() -> None:
    clock = LiveClock(stated=False)
    clock.connected(25)
    assert [clock.tick(0.04 * n, 10 + n / 10) for n in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert clock.tick(9.0, 10.1) == pytest.approx(0.3)
