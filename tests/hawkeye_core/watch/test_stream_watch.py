"""Streams on loopback: alerts at the right times, bounded lag, lost connections."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hawkeye_core.errors import VideoError
from hawkeye_core.watch.errors import SourceLostError
from hawkeye_core.watch.frames import SampledFrame
from hawkeye_core.watch.growing_file import GrowingFile
from hawkeye_core.watch.live_source import LiveSource
from hawkeye_core.watch.location import locate

from .conftest import FPS, make_frame, rules, watching
from .rtsp_server import RtspFile
from .stream_servers import Pictures


class Made:
    """A source of made frames: live, each at its time, or as fast as they are taken."""

    reconnects = 0

    def __init__(self, frames: list[SampledFrame], *, live: bool, speed: float = 1.0) -> None:
        self.frames, self.live, self.speed = frames, live, speed
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[SampledFrame]:
        begun = time.monotonic()
        for frame in self.frames:
            if self.live:
                self._stopped.wait(max(0.0, begun + frame.k / FPS / self.speed - time.monotonic()))
            if self._stopped.is_set():
                return
            yield SampledFrame(frame.k, frame.pts, frame.source, frame.bgr, time.monotonic())

    def epoch(self) -> float | None:
        return 1_000_000_000.0

    def note(self) -> str:
        return ""

    def stop(self) -> None:
        self._stopped.set()


def lit(frames: int, *spans: tuple[int, int]) -> list[SampledFrame]:
    """Dark frames, bright within spans."""
    return [make_frame(k, value=255 if any(a <= k < b for a, b in spans) else 0) for k in range(frames)]


def test_each_event_is_told_once_and_at_its_time() -> None:
    watch, kept, bright, _ = watching(Made(lit(200, (20, 44), (120, 128)), live=False), rules())
    tally = watch.run(lambda: False)
    told = [(a.kind, a.id, a.start_s, a.end_s) for a in kept.alerts]
    assert told == [
        ("new", "s-000001", 2.5, 3.0), ("update", "s-000001", 2.5, 4.0), ("update", "s-000001", 2.5, 5.0),
        ("final", "s-000001", 2.5, 5.5), ("new", "s-000002", 15.0, 16.0), ("final", "s-000002", 15.0, 16.0),
    ]  # fmt: skip
    first = json.loads(kept.alerts[0].line())
    assert (first["version"], first["sequence"], first["category"], first["reason"]) == (1, 1, "light", "it is bright")
    assert (first["start_utc"], first["end_utc"]) == ("2001-09-09T01:46:42.500Z", "2001-09-09T01:46:43.000Z")
    assert first["window"] == {"start_s": 0.0, "end_s": 3.0, "held": 0}
    assert first["evidence"]["triplets"][0]["start_s"] == 2.5
    assert first["evidence"]["frames"]
    assert all(2.5 <= second < 3.0 for second in first["evidence"]["frames"])
    assert first["model"]["marks"] == ["untrained everything"]
    assert (tally.done, tally.dropped, tally.windows, tally.events) == (200, 0, 25, 2)
    assert max(sample.spec.stop - sample.spec.start for sample in bright.windows) == 32


def test_a_slow_machine_drops_the_oldest_and_stays_close_behind() -> None:
    frames = lit(480, (240, 248), (360, 376))  # 60 s, given in 6: each frame may take 12.5 ms, the networks take 40
    source = Made(frames, live=True, speed=10)
    watch, kept, bright, lines = watching(source, rules(max_lag_s=2.0, batch_size=4), seconds=0.04)
    tally = watch.run(lambda: False)
    assert tally.done + tally.dropped == 480
    assert tally.dropped > 200
    assert tally.held + tally.dropped >= 200
    # A frame waits for the 16 before it and for a batch, 0.04 s each; far from the seconds that it would be behind.
    assert max(a.lag_s or 0.0 for a in kept.alerts) < 2.0
    for sample in bright.windows:  # held or seen, each frame stands at its time
        numbers = sample.window.frames.frame
        assert numbers.tolist() == list(range(sample.spec.start, sample.spec.stop))
        behind = sample.window.frames.time - sample.window.frames.pts
        assert 0 <= float(behind.min()) <= float(behind.max()) <= 4.0
    late = [a for a in kept.alerts if a.start_s >= 44]
    assert late, "two seconds of light are longer than what is dropped in a row"
    assert 44.0 <= late[0].start_s < 47.0
    assert any(f"{tally.dropped} dropped" in line or "dropped" in line for line in lines)
    assert f"{tally.dropped} dropped" in watch.summary()


def test_a_file_waits_instead() -> None:
    watch, _, _, _ = watching(Made(lit(64), live=False), rules(max_lag_s=0.5), seconds=0.002)
    tally = watch.run(lambda: False)
    assert (tally.done, tally.dropped, tally.held) == (64, 0, 0)
    forced, _, _, _ = watching(Made(lit(64), live=False), rules(max_lag_s=0.5, drop="on"), seconds=0.002)
    assert forced.run(lambda: False).dropped > 0


def test_pictures_over_http_go_on_after_a_lost_connection(caplog: pytest.LogCaptureFixture) -> None:
    camera = Pictures(rate=20, connections=[1.6, 2.0], away_s=0.3)
    with camera.serve() as url, caplog.at_level(logging.WARNING):
        settings = rules(url, reconnects=4)
        watch, kept, bright, lines = watching(LiveSource(locate(url), settings, fps=FPS), settings, threshold=60 / 255)
        with pytest.raises(SourceLostError, match=r"127\.0\.0\.1.*tries in a row failed"):
            watch.run(lambda: False)
    tally = watch.tally
    assert tally.reconnects == 1
    assert camera.refused > 0
    assert tally.breaks == 0
    assert tally.held > 0  # the outage was bridged
    assert 20 <= tally.done <= 40
    # Picture 61 and those behind it are bright: all of them in the second connection, about 3 s after the first frame.
    assert [a.kind for a in kept.alerts if a.kind != "update"] == ["new", "final"]
    assert 2.5 <= kept.alerts[0].start_s <= 6.0
    assert abs(time.time() - 2 - _unix(kept.alerts[-1].start_utc)) < 10
    words = caplog.text + "".join(lines) + "".join(a.line() for a in kept.alerts)
    assert "was lost" in words
    assert "connected again" in words
    assert "/cam" in words
    for secret in ("hunter2", "swordfish"):
        assert secret not in words
    pictures = [n for sample in bright.windows[-1:] for n in sample.window.pose.score]  # type: ignore[union-attr]
    assert pictures == sorted(pictures)


def _unix(text: str | None) -> float:
    from datetime import datetime

    assert text is not None
    return datetime.fromisoformat(text).timestamp()


def test_rtsp_is_watched_and_its_loss_noticed(write_ts: Callable[..., Path]) -> None:
    values = [230 if 50 <= n < 75 else 20 for n in range(125)]  # 5 s, bright from 2 to 3 s
    with RtspFile(write_ts("light.ts", values), seconds=5.0, plays=1).serve() as url:
        settings = rules(url, reconnects=1)
        watch, kept, _, _ = watching(LiveSource(locate(url), settings, fps=FPS), settings)
        with pytest.raises(SourceLostError, match=r"rtsp://\*\*\*@127.0.0.1"):
            watch.run(lambda: False)
    assert watch.tally.done >= 36
    final = kept.alerts[-1]
    assert final.kind == "final"
    assert (final.start_s, final.end_s) == pytest.approx((2.0, 3.0), abs=0.25)


def test_a_source_that_never_was_is_given_up_after_its_tries() -> None:
    url = "http://user:hunter2@127.0.0.1:9/cam"
    settings = rules(url, reconnects=2, backoff_s=0.01)
    watch, kept, _, _ = watching(LiveSource(locate(url), settings, fps=FPS), settings)
    with pytest.raises(VideoError, match=r"http://\*\*\*@127.0.0.1:9/cam: cannot be opened; 2 further tries") as caught:
        watch.run(lambda: False)
    assert not isinstance(caught.value, SourceLostError)
    assert not kept.alerts


def test_a_long_outage_ends_the_run_and_its_events() -> None:
    frames = [f for f in lit(160, (30, 40), (110, 118)) if not 40 <= f.k < 100]
    watch, kept, bright, _ = watching(Made(frames, live=False), rules())
    tally = watch.run(lambda: False)
    assert (tally.breaks, tally.held, tally.done) == (1, 0, 100)
    assert [(a.kind, a.start_s, a.end_s) for a in kept.alerts if a.kind == "final"] == [
        ("final", 3.75, 5.0), ("final", 13.75, 14.75)
    ]  # fmt: skip
    assert {sample.spec.start >= 100 or sample.spec.stop <= 40 for sample in bright.windows} == {True}


def test_asked_to_stop_it_answers_what_came_last_if_it_should() -> None:
    for wanted, windows in ((True, 2), (False, 1)):
        watch, kept, _, _ = watching(Made(lit(96, (10, 99)), live=True), rules(final_window=wanted))
        begun = time.monotonic()
        tally = watch.run(lambda begun=begun: time.monotonic() - begun > 2.6)  # type: ignore[misc]
        assert tally.windows >= windows
        assert 16 <= tally.done <= 32
        assert kept.alerts[-1].kind == "final"
        assert (kept.alerts[-1].end_s == tally.done / FPS) is wanted or tally.done % 8 == 0


def test_a_growing_file_is_watched_to_its_end(write_ts: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "record.ts"
    whole = write_ts("light.ts", [230 if 50 <= n < 75 else 20 for n in range(125)])
    path.write_bytes(whole.read_bytes())
    settings = rules(str(path))
    watch, kept, _, _ = watching(GrowingFile(path, fps=FPS, idle_s=0.2, poll_s=0.05), settings)
    tally = watch.run(lambda: False)
    assert (tally.done, tally.dropped) == (40, 0)
    assert [(a.kind, a.start_s, a.end_s) for a in kept.alerts] == [("new", 2.0, 3.0), ("final", 2.0, 3.0)]


def test_scores_below_the_least_are_left_out() -> None:
    watch, kept, _, _ = watching(Made(lit(64, (20, 44)), live=False), rules(min_score=0.95))
    assert watch.run(lambda: False).windows == 8
    assert not kept.alerts
