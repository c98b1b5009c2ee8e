"""The baseline of frame differences: on drawn videos, and its threshold against one that tries all of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.errors import AnnotationError, VideoError
from hawkeye_core.evaluation.motion_energy import (
    MotionCurve,
    choose_threshold,
    detect,
    energy_per_second,
    motion_curve,
    moving_part,
    require_unseen,
    smoothed,
)
from hawkeye_core.evaluation.result import Truth, score_row
from hawkeye_core.scene import FrameBatch

SECONDS = 12
Picture = Callable[[float], np.ndarray]


def scene() -> np.ndarray:
    """[96, 128, 3] a background with edges, which noise and a codec disturb."""
    picture = np.full((96, 128, 3), 90, np.uint8)
    picture[:, ::16] = 160
    picture[60:] = (70, 110, 80)
    return picture


def moving_box(time: float) -> np.ndarray:
    """A box that is always there and goes to and fro in the middle third."""
    picture = scene()
    shift = 40 * abs(np.sin(3 * (time - 4))) if 4 <= time < 8 else 0
    left = int(20 + shift)
    picture[30:60, left : left + 24] = 230
    return picture


def write(path: Path, picture: Picture, *, seconds: float = SECONDS, fps: int = 10, noise: float = 3.0) -> Path:
    height, width = picture(0).shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
    assert writer.isOpened()
    rng = np.random.default_rng(0)
    for k in range(round(seconds * fps)):
        shown = picture(k / fps) + rng.normal(0, noise, (height, width, 1))
        writer.write(np.clip(shown, 0, 255).astype(np.uint8))
    writer.release()
    return path


def test_a_moving_box_is_found_in_the_middle_third(tmp_path: Path) -> None:
    curve = motion_curve(write(tmp_path / "box.mp4", moving_box))
    assert (curve.video, len(curve.values), curve.cut) == ("box", SECONDS, None)
    assert curve.duration_s == pytest.approx(SECONDS)
    (found,) = detect([curve], curve.values.max() / 2)
    # The running mean over 3 s may widen or narrow each end by a second.
    assert abs(found.start_s - 4) <= 1
    assert abs(found.end_s - 8) <= 1
    assert found.video == "box"
    assert 0.02 < found.score <= 1


def test_a_threshold_chosen_on_one_drawn_video_works_on_another(tmp_path: Path) -> None:
    train = motion_curve(write(tmp_path / "train.mp4", moving_box))
    test = motion_curve(write(tmp_path / "test.mp4", lambda time: moving_box(time)[:, ::-1], noise=5.0))
    still = motion_curve(write(tmp_path / "still.mp4", lambda _: scene()))
    segments = {"train": [(4.0, 8.0)]}
    chosen = choose_threshold([train], Truth({"train": 12.0}, segments))
    truth = Truth({"test": 12.0, "still": 12.0}, {"test": [(4.0, 8.0)], "still": []})
    require_unseen(chosen, truth.durations)
    assert score_row("motion", detect([test, still], chosen.value), truth).f2 > 0.75


@pytest.mark.parametrize("level", [0, 90, 255])
def test_still_videos_give_nothing(tmp_path: Path, level: int) -> None:
    flat = np.full((48, 64, 3), level, np.uint8)
    curve = motion_curve(write(tmp_path / "flat.mp4", lambda _: flat, seconds=3, noise=0))
    assert not curve.values.any()
    assert detect([curve], 0.0) == []


def test_a_noisy_still_camera_gives_nothing(tmp_path: Path) -> None:
    curve = motion_curve(write(tmp_path / "still.mp4", lambda _: scene(), noise=8.0))
    assert curve.values.max() < 0.001


def test_one_frame_has_no_motion(tmp_path: Path) -> None:
    curve = motion_curve(write(tmp_path / "one.mp4", moving_box, seconds=0.1), video="v")
    assert (curve.video, curve.values.tolist()) == ("v", [0.0])
    assert detect([curve], 0.0) == []


def test_not_a_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"not a video")
    with pytest.raises(VideoError, match=r"x\.mp4"):
        motion_curve(tmp_path / "x.mp4")


def test_a_cut_file_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for k in range(120):
        writer.write(moving_box(k / 10))
    writer.release()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    curve = motion_curve(path)
    assert 3 <= len(curve.values) <= 7
    assert curve.cut
    assert curve.duration_s == pytest.approx(len(curve.values), abs=1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.floats(0, 1), st.sampled_from([".mp4", ".avi", ""]))
def test_any_bytes_give_a_curve_or_a_video_error(tmp_path: Path, junk: bytes, place: float, ending: str) -> None:
    source = tmp_path / "source.mp4"
    if not source.exists():
        write(source, moving_box, seconds=2)
    whole = source.read_bytes()
    start = round(place * len(whole))
    for data in (junk, whole[:start] + junk + whole[start + len(junk) :], whole[:start]):
        path = tmp_path / f"fuzz{ending}"
        path.write_bytes(data)
        named, values = str(path), np.zeros(1)
        try:
            values = motion_curve(path).values
        except VideoError as error:
            named = str(error)
        assert str(path) in named
        assert ((values >= 0) & (values <= 1)).all()


# One pair of frames


def test_exposure_and_noise_are_not_motion_but_a_box_is() -> None:
    rng = np.random.default_rng(0)
    base = scene()[..., 0].astype(np.int32)
    before = np.clip(base + rng.normal(0, 4, base.shape), 0, 255).astype(np.uint8)
    brighter = np.clip(base + 30 + rng.normal(0, 4, base.shape), 0, 255).astype(np.uint8)
    assert moving_part(before, brighter) < 0.001
    brighter[20:40, 20:50] = 0
    part = 20 * 30 / base.size
    assert moving_part(before, brighter) == pytest.approx(part, rel=0.05)
    assert moving_part(before, before) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_the_moving_part_is_a_part(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = rng.integers(0, 256, (2, height, width), np.uint8)
    assert 0 <= moving_part(before, after) <= 1


# Seconds


def batches(pictures: Iterator[np.ndarray], *, sources: Callable[[int], int] = lambda k: k) -> Iterator[FrameBatch]:
    for k, picture in enumerate(pictures):
        index = np.array([k])
        yield FrameBatch("v", index, index / 8, index / 8, np.array([sources(k)]), picture[None])


def test_repeated_source_frames_do_not_thin_the_motion_out() -> None:
    dark, light = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)
    light[:2] = 255  # a quarter
    every = energy_per_second(batches((dark, light)[k % 2] for k in range(16)))
    assert every.tolist() == [0.25, 0.25]
    # A source of 4 frames a second: each is shown twice, and changes half as often.
    slow = energy_per_second(batches(((dark, light)[k // 2 % 2] for k in range(16)), sources=lambda k: k // 2))
    assert slow.tolist() == [0.25, 0.25]
    # One new frame in three seconds: those without have none.
    rare = energy_per_second(batches(((dark, light)[k // 20] for k in range(24)), sources=lambda k: k // 20))
    assert rare.tolist() == [0.0, 0.0, 0.25]


def test_memory_grows_by_a_few_bytes_a_second_only() -> None:
    picture = np.zeros((12, 16, 3), np.uint8)

    def peak(seconds: int) -> int:
        tracemalloc.start()
        assert len(energy_per_second(batches(picture for _ in range(8 * seconds)))) == seconds
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    # Two Python numbers a second; one kept picture a second would be 192 bytes more.
    assert peak(360) - peak(60) < 80 * 300


def test_smoothing_keeps_constants_and_ends() -> None:
    assert smoothed(np.full(5, 0.5, np.float32)).tolist() == [0.5] * 5
    assert smoothed(np.array([0, 0, 0.9, 0, 0], np.float32)).tolist() == pytest.approx([0, 0.3, 0.3, 0.3, 0])
    assert smoothed(np.array([0.9, 0, 0], np.float32)).tolist() == pytest.approx([0.45, 0.3, 0])
    assert [len(smoothed(np.ones(n, np.float32))) for n in range(4)] == [0, 1, 2, 3]


# Threshold


def curve(video: str, values: list[float], duration: float | None = None) -> MotionCurve:
    return MotionCurve(video, np.array(values, np.float32), float(len(values)) if duration is None else duration)


def test_segments_are_runs_above_the_threshold_and_end_with_the_video() -> None:
    found = detect([curve("v", [0.0, 0.4, 0.6, 0.2, 0.5], 4.6)], 0.3)
    assert [(item.start_s, item.end_s) for item in found] == [(1.0, 3.0), (4.0, 4.6)]
    assert [item.score for item in found] == pytest.approx([0.5, 0.5])
    assert detect([curve("v", [0.0, 0.0])], 0.0) == []
    with pytest.raises(ValueError, match=r"0\.\.1"):
        detect([], float("nan"))


VALUES = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0]) | st.floats(0, 1, width=32), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(VALUES, st.integers(0, 7), st.floats(0.1, 4), st.floats(-0.9, 1)), min_size=1, max_size=4))
def test_the_chosen_threshold_is_the_best_of_all(videos: list[tuple[list[float], int, float, float]]) -> None:
    curves, durations, segments = [], {}, {}
    for index, (values, start, length, longer) in enumerate(videos):
        name = f"v{index}"
        curves.append(curve(name, values, len(values) - 0.3))
        durations[name] = len(values) + longer  # annotated a little shorter or longer than measured
        segments[name] = [(float(start), start + length)]
    truth = Truth(durations, segments)
    tried = {0.0, 1.0} | {float(value) for one in curves for value in one.values}
    tried |= {a / 2 + b / 2 for a in tried for b in tried}
    best = {threshold: score_row("", detect(curves, threshold), truth).f2 for threshold in tried}
    if all(value != value for value in best.values()) or score_row("", [], truth).fnr != 1:
        with pytest.raises(AnnotationError, match="anomalous frame"):
            choose_threshold(curves, truth)
        return
    chosen = choose_threshold(curves, truth)
    assert chosen.f2 == pytest.approx(max(best.values()))
    assert score_row("", detect(curves, chosen.value), truth).f2 == pytest.approx(chosen.f2)


def test_of_equal_thresholds_the_highest() -> None:
    # 0.9 alone and 0.9 with the frames behind the annotated end give the same F2.
    chosen = choose_threshold([curve("v", [0.9, 0.5])], Truth({"v": 1.0}, {"v": [(0.0, 1.0)]}))
    assert chosen.value == pytest.approx(0.7)
    assert chosen.f2 == 1.0


def test_without_motion_nothing_is_called_anomalous() -> None:
    chosen = choose_threshold([curve("v", [0.0, 0.0])], Truth({"v": 2.0}, {"v": [(0.0, 1.0)]}))
    assert (chosen.value, chosen.f2) == (1.0, 0.0)


def test_a_wrong_split_is_refused() -> None:
    one = curve("v", [0.5])
    with pytest.raises(AnnotationError, match="not of the same videos: w"):
        choose_threshold([one], Truth({"v": 1.0, "w": 1.0}, {"v": [(0.0, 1.0)], "w": []}))
    with pytest.raises(AnnotationError, match="twice"):
        choose_threshold([one, one], Truth({"v": 1.0}, {"v": [(0.0, 1.0)]}))
    with pytest.raises(AnnotationError, match="anomalous frame"):
        choose_threshold([one], Truth({"v": 1.0}, {"v": []}))
    chosen = choose_threshold([one], Truth({"v": 1.0}, {"v": [(0.0, 1.0)]}))
    with pytest.raises(AnnotationError, match="chosen on 1 of the videos to judge: v"):
        require_unseen(chosen, ["v", "w"])
    require_unseen(chosen, ["w"])
