"""Windows made in memory are those that a store gives back, held frames those of a source that repeats its pictures."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.extraction.backends import get_backends
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.run import extract_video
from hawkeye_core.settings import load_settings
from hawkeye_core.watch.frames import SampledFrame
from hawkeye_core.watch.growing_file import GrowingFile
from hawkeye_core.watch.run_of_frames import FrameRun, WindowRules

from .conftest import FPS, fake_backends, make_frame

RULES = WindowRules(length=64, hop=64, hold=16, batch=8, least=8)


def tensors(part: Any) -> dict[str, torch.Tensor]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def require_equal(found: Window, wanted: Window) -> None:
    assert (found.start, found.stop) == (wanted.start, wanted.stop)
    for part in ("frames", "pose", "relations", "vision"):
        mine, theirs = tensors(getattr(found, part)), tensors(getattr(wanted, part))
        for name, tensor in theirs.items():
            assert mine[name].dtype == tensor.dtype, (part, name)
            assert torch.equal(mine[name], tensor), (part, name)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ExtractSettings:
    store = tmp_path_factory.mktemp("ring") / "store"
    return load_settings(
        ExtractSettings, config="tiny-untrained", package="hawkeye_core.extraction", values={"store": str(store)},
        overrides=["device=cpu", "batch_size=4", "pose.detection_threshold=0.06", "relations.short_side=64",
                   "relations.long_side=128"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.6 s at 5 frames a second, so that pictures repeat, across the borders of batches too."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (96, 64))
    rng = np.random.default_rng(0)
    for number in range(8):
        image = rng.integers(0, 60, (64, 96, 3), np.uint8)
        cv2.circle(image, (10 + 5 * number, 32), 12, (200, 180, 90), -1)
        writer.write(image)
    writer.release()
    return path


def test_a_window_in_memory_is_the_one_read_back_from_a_store(settings: ExtractSettings, clip: Path) -> None:
    result = extract_video(settings, str(clip))
    assert result.frames == 13
    run: FrameRun | None = None
    frames = list(GrowingFile(clip, fps=FPS, idle_s=0.2, poll_s=0.05))
    assert len(frames) == result.frames
    with torch.inference_mode():
        for begin in range(0, len(frames), settings.batch_size):
            part = frames[begin : begin + settings.batch_size]
            run = run or FrameRun(result.video_id, part[0], backends=get_backends(settings), rules=RULES, fps=FPS)
            run.add(part)
    assert run is not None
    store = FeatureStore.open(settings.store)
    assert int(run.ring.window(0, 13).pose.n_people.sum()) > 13  # type: ignore[union-attr]
    for start, stop in ((0, 13), (3, 11), (4, 8), (5, 6)):
        require_equal(run.ring.window(start, stop), store.window(result.video_id, start, stop))


def shown(run: FrameRun, start: int, stop: int) -> list[int]:
    window = run.ring.window(start, stop)
    assert window.pose is not None
    assert window.frames.frame.tolist() == list(range(start, stop))
    assert window.frames.time.tolist() == [k / FPS for k in range(start, stop)]
    return [round(float(score) * 255) for score in window.pose.score]


def test_a_gap_is_held_without_running_the_networks_again() -> None:
    backends = fake_backends()
    run = FrameRun("v", make_frame(40, value=10), backends=backends, rules=RULES, fps=FPS)
    run.add([make_frame(40, value=10), make_frame(41, value=20)])
    later = [make_frame(45, value=30), make_frame(46, value=40)]
    assert run.takes(later[0])
    run.add(later)
    assert shown(run, 40, 47) == [10, 20, 20, 20, 20, 30, 40]
    assert backends.pose.pictures == 4  # type: ignore[attr-defined]
    assert run.held == [42, 43, 44]
    assert run.ring.window(40, 47).frames.pts.tolist() == [5.0, 5.125, 5.125, 5.125, 5.125, 5.625, 5.75]
    assert run.ring.window(40, 47).pose.previous.tolist() == [-1, 0, 0, 0, 0, 0, 0]  # type: ignore[union-attr]


def test_a_long_gap_and_another_size_end_a_run() -> None:
    run = FrameRun("v", make_frame(0), backends=fake_backends(), rules=RULES, fps=FPS)
    run.add([make_frame(0)])
    assert run.takes(make_frame(1 + RULES.hold))
    assert not run.takes(make_frame(2 + RULES.hold))
    assert not run.takes(make_frame(1, size=(24, 32)))


def test_memory_holds_what_windows_to_come_need_and_no_more() -> None:
    rules = WindowRules(length=16, hop=8, hold=8, batch=4, least=8)
    run = FrameRun("v", make_frame(0), backends=fake_backends(), rules=rules, fps=FPS)
    answered = []
    for begin in range(0, 200, 4):
        run.add([make_frame(k, value=k) for k in range(begin, begin + 4)])
        window = run.windows.due(run.next)
        if window is not None:
            answered.append(shown(run, *window))
        run.forget()
        assert len(run.ring) <= 16 + 4
    assert answered[-1] == list(range(184, 200))
    with pytest.raises(ValueError, match="not all in memory"):
        run.ring.window(0, 4)


def test_frames_of_a_window_are_its_own() -> None:
    run = FrameRun("v", make_frame(0), backends=fake_backends(), rules=RULES, fps=FPS)
    run.add([make_frame(k, value=100) for k in range(4)])
    window = run.ring.window(0, 4)
    assert window.pose is not None
    window.pose.score.fill_(0)
    assert shown(run, 0, 4) == [100] * 4


def test_frames_may_not_be_left_out_unseen() -> None:
    run = FrameRun("v", make_frame(0), backends=fake_backends(), rules=RULES, fps=FPS)
    run.add([make_frame(0)])
    other = FrameRun("v", make_frame(5), backends=fake_backends(), rules=RULES, fps=FPS)
    other.add([SampledFrame(5, 0.6, 0, make_frame(5).bgr, 0.0)])
    part = other.ring.columns(5, 6)
    columns: Any = {"pose": part.pose, "relations": part.relations, "vision": part.vision}
    with pytest.raises(ValueError, match="do not follow"):
        run.ring.add(part.frames, columns)
