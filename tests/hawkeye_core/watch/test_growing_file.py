"""A file that is being written: read to its end, then as it grows, with the frames that the whole file gives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hawkeye_core.errors import NotAVideoError, VideoMissingError
from hawkeye_core.video.sampling import FrameSampler
from hawkeye_core.watch.growing_file import GrowingFile

from .conftest import FPS

VALUES = [(2 * n) % 256 for n in range(100)]


def grow(path: Path, data: bytes, *, first: float, parts: int, wait_s: float) -> threading.Thread:
    """Writes a part of the data at once and the rest piece by piece."""
    begin = int(first * len(data))
    path.write_bytes(data[:begin])

    def write() -> None:
        size = -(-(len(data) - begin) // parts)
        with path.open("ab", buffering=0) as file:
            for at in range(begin, len(data), size):
                time.sleep(wait_s)
                file.write(data[at : at + size])

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_it_gives_the_frames_of_the_whole_file_as_they_come(write_ts: Callable[..., Path], tmp_path: Path) -> None:
    whole = write_ts("whole.ts", VALUES)
    wanted = [
        (int(k), round(float(pts), 3), int(image.mean()))
        for batch in FrameSampler(whole, fps=FPS)
        for k, pts, image in zip(batch.index, batch.pts, batch.images, strict=True)
    ]
    path = tmp_path / "growing.ts"
    writer = grow(path, whole.read_bytes(), first=0.4, parts=12, wait_s=0.05)
    source = GrowingFile(path, fps=FPS, idle_s=0.5, poll_s=0.02)
    begun, found, before_end = time.time(), [], 0
    for frame in source:
        found.append((frame.k, round(frame.pts, 3), int(frame.bgr[..., ::-1].mean())))
        before_end += writer.is_alive()
    writer.join()
    assert found == wanted
    assert len(found) == 32
    assert before_end > 10  # not only when it was whole
    assert source.note().startswith("read 100 %")
    assert source.epoch() is not None  # frames came as they were written
    assert source.epoch() == pytest.approx(begun - 4.0, abs=4.0)


def test_a_file_that_does_not_grow_has_no_wall_clock(write_ts: Callable[..., Path]) -> None:
    source = GrowingFile(write_ts("whole.ts", VALUES), fps=FPS, idle_s=0.05, poll_s=0.01)
    assert len(list(source)) == 32
    assert source.epoch() is None or source.epoch() > time.time() - 10


@pytest.mark.parametrize("content", [b"", b"no video at all " * 200])
def test_what_is_no_video_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "noise.ts"
    path.write_bytes(content)
    with pytest.raises(NotAVideoError, match=r"noise\.ts: no frame could be read until.*\n.*MPEG-TS"):
        list(GrowingFile(path, fps=FPS, idle_s=0.1, poll_s=0.01))


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoMissingError, match=r"gone\.ts: cannot be read"):
        list(GrowingFile(tmp_path / "gone.ts", fps=FPS, idle_s=0.1, poll_s=0.01))


def test_it_stops_when_asked_while_it_waits(write_ts: Callable[..., Path]) -> None:
    source = GrowingFile(write_ts("whole.ts", VALUES), fps=FPS, idle_s=60, poll_s=0.05)
    threading.Timer(0.7, source.stop).start()
    begun = time.monotonic()
    assert len(list(source)) > 20
    assert time.monotonic() - begun < 30
