"""Networks and a model that see brightness: quick, and what they find says which pictures they were given."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_store.fingerprint import Fingerprint
from hawkeye_core.answers.segments import Segment
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.evaluation.window_answers import WindowAnswer
from hawkeye_core.extraction.backends import Backends
from hawkeye_core.ground.records import Evidence, ModelNote
from hawkeye_core.scene import FrameBatch, FramePose, FrameRelations, FrameVision
from hawkeye_core.training.windows import WindowSample
from hawkeye_core.watch.alerts import VERSION, Alert
from hawkeye_core.watch.frames import SampledFrame, Source
from hawkeye_core.watch.location import locate
from hawkeye_core.watch.settings import WatchSettings
from hawkeye_core.watch.stream_watch import StreamWatch

FPS = 8.0
NOTE = ModelNote("fake", "fake", ("untrained everything",), "nothing")


class FakePose:
    """One person a frame whose score is the picture's brightness / 255."""

    fingerprint = Fingerprint("pose", "fake", "1", "untrained", {})

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.pictures = 0

    def detect(self, batch: FrameBatch) -> list[FramePose]:
        self.pictures += len(batch)
        time.sleep(self.seconds * len(batch))
        joints = np.stack([np.arange(17) + 2, 1.5 * np.arange(17) + 3, np.ones(17)], 1)[None].astype(np.float32)
        box = np.array([[1, 1, 20, 30]], np.float32)
        return [FramePose(joints, np.array([image.mean() / 255], np.float32), box) for image in batch.images]


class FakeRelations:
    fingerprint = Fingerprint("relations", "fake", "1", "untrained", {})

    def detect(self, batch: FrameBatch) -> list[FrameRelations]:
        one = np.zeros(1, np.int32)
        score, box = np.full(1, 0.5, np.float32), np.array([[0, 0, 9, 9]], np.float32)
        return [FrameRelations(one + 2, score, box, one, one + 3, one, score) for _ in range(len(batch))]


class FakeVision:
    def fingerprint_for(self, relations: Fingerprint) -> Fingerprint:
        return Fingerprint("vision", "fake", "1", "untrained", {})

    def encode(self, batch: FrameBatch, relations: Sequence[FrameRelations]) -> list[FrameVision]:
        token = np.ones((1, 4), np.float16)
        return [FrameVision(token, token[0], token) for _ in range(len(batch))]


def fake_backends(seconds: float = 0.0) -> Backends:
    """Networks that take some seconds a picture."""
    pose, relations, vision = FakePose(seconds), FakeRelations(), FakeVision()
    prints: Any = {"pose": pose.fingerprint, "relations": relations.fingerprint, "vision": vision.fingerprint_for(
        relations.fingerprint)}  # fmt: skip
    return Backends(pose, relations, vision, prints, repeatable=True)


class Bright:
    """Answers with the stretches whose pictures are bright, and remembers the windows it was given."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.windows: list[WindowSample] = []

    def answer(self, samples: Sequence[WindowSample]) -> list[WindowAnswer]:
        self.windows += samples
        return [self._answer(sample) for sample in samples]

    def _answer(self, sample: WindowSample) -> WindowAnswer:
        spec = sample.spec
        bright = [*(sample.window.pose.score.numpy() > self.threshold), False]
        found, begun = [], None
        for place, is_bright in enumerate(bright):
            if is_bright and begun is None:
                begun = place
            if not is_bright and begun is not None:
                segment = Segment(begun / spec.fps, place / spec.fps, "light", "it is bright")
                found.append(ScoredSegment(segment.shifted(spec.start_s), 0.9))
                begun = None
        status = "ok" if found else "empty"
        return WindowAnswer(spec.video, spec.start_s, spec.start_s + spec.duration_s, "", status, tuple(found))


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def give(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def note(self) -> str:
        return ""

    def close(self) -> None: ...


def make_frame(k: int, *, value: int = 0, source: int | None = None, size: tuple[int, int] = (48, 64)) -> SampledFrame:
    picture = np.full((*size, 3), value, np.uint8)
    return SampledFrame(k, k / FPS, k if source is None else source, picture, time.monotonic())


def make_alert(number: int = 1, sequence: int = 1) -> Alert:
    return Alert(
        VERSION, "new", f"s-{number:06d}", sequence, "rtsp://***@cam/live", None, 1.0, 2.5, None, None,
        "2026-11-26T15:41:10.250Z", 0.5, "theft", "a man takes a bag", 0.25, None, None, Evidence(), NOTE,
    )  # fmt: skip


def rules(source: str = "camera:0", **changes: Any) -> WatchSettings:
    """Settings for quick tests."""
    values = {"window_s": 4.0, "hop_s": 1.0, "backoff_s": 0.1, "timeout_s": 3.0, "reconnects": 3, "status_s": 0.2}
    return WatchSettings(source=source, **(values | changes))


def watching(
    source: Source, settings: WatchSettings, *, seconds: float = 0.0, threshold: float = 0.5
) -> tuple[StreamWatch, Kept, Bright, list[str]]:
    """A watch with fakes, its alerts, its model and its status lines."""
    kept, bright = Kept(), Bright(threshold)
    lines: list[str] = []
    watch = StreamWatch(
        source, settings, backends=fake_backends(seconds), answers=bright, window_s=4.0, fps=FPS,
        shown=locate(settings.source).shown, session="s", model=NOTE, sinks=[kept], on_status=lines.append,
    )  # fmt: skip
    return watch, kept, bright, lines


@pytest.fixture(scope="session")
def write_ts(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes (once a session) an MPEG-TS file of flat pictures of given brightness: write_ts(name, values, rate=25)."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    import subprocess

    folder = tmp_path_factory.mktemp("ts")

    def write(name: str, values: Sequence[int], *, rate: float = 25) -> Path:
        path = folder / name
        if not path.exists():
            data = b"".join(np.full((48, 64, 3), value, np.uint8).tobytes() for value in values)
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
                       "-s", "64x48", "-r", str(rate), "-i", "-", "-c:v", "libx264", "-preset", "ultrafast", "-g", "5",
                       "-bf", "0", "-pix_fmt", "yuv420p", str(path)]  # fmt: skip
            subprocess.run(command, input=data, check=True)
        return path

    return write
