"""Which frames are sampled, compared with a literal loop over PyAV's exact times; and that they are delivered."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.errors import VideoError
from hawkeye_core.scene import FrameBatch
from hawkeye_core.video.frame_at import read_frame_at
from hawkeye_core.video.sampling import FrameSampler, sample_frames
from hawkeye_core.video.source import PacketTimes

B_FRAMES = ("-c:v", "libx264", "-preset", "veryfast", "-bf", 3)
MPEG4 = ("-c:v", "mpeg4", "-q:v", 3)


def column(batches: list[FrameBatch], name: str) -> list[float]:
    return [value for batch in batches for value in getattr(batch, name).tolist()]


@pytest.fixture
def check(
    read_container: Callable, literal_choice: Callable, numbers_in: Callable
) -> Callable[..., tuple[FrameSampler, list[FrameBatch]]]:
    """Samples a numbered video and compares everything with PyAV and the literal rule."""

    def run(path: Path, *, last_step: Fraction | None = None) -> tuple[FrameSampler, list[FrameBatch]]:
        container = read_container(path)
        end = container.end if last_step is None else container.times[-1] + last_step
        expected = literal_choice(container.times, end)
        sampler = FrameSampler(path)
        batches = list(sampler)
        assert column(batches, "source_index") == expected
        assert numbers_in(batches) == [i % 256 for i in expected]
        assert column(batches, "index") == list(range(len(expected)))
        np.testing.assert_allclose(column(batches, "time"), np.arange(len(expected)) / 8)
        np.testing.assert_allclose(column(batches, "pts"), [float(container.times[i]) for i in expected], atol=1e-6)
        assert sampler.frames_out == len(expected)
        assert sampler.source_frames == len(container.times)
        assert not sampler.truncated
        return sampler, batches

    return run


@pytest.mark.parametrize(
    ("rate", "frames"),
    [("10", 31), ("12.5", 38), ("24000/1001", 72), ("25", 75), ("30000/1001", 91), ("30", 90), ("60", 181), ("5", 15)],
)
def test_constant_rates(rate: str, frames: int, make_video: Callable, check: Callable) -> None:
    check(make_video(f"cfr_{rate.replace('/', '_')}.mp4", frames=frames, rate=rate))


def test_thirty_frames_a_second_gives_the_known_frames(make_video: Callable) -> None:
    batches = list(sample_frames(make_video("cfr_30.mp4", frames=90, rate="30"), batch_size=5))
    assert column(batches, "source_index")[:9] == [0, 3, 7, 11, 15, 18, 22, 26, 30]


def test_slow_source_repeats_frames(make_video: Callable) -> None:
    batches = list(sample_frames(make_video("cfr_5.mp4", frames=15, rate="5"), batch_size=24))
    assert column(batches, "source_index")[:8] == [0, 0, 1, 1, 2, 3, 3, 4]
    np.testing.assert_array_equal(batches[0].images[0], batches[0].images[1])


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("b.mp4", B_FRAMES),
        ("b.mkv", B_FRAMES),
        ("b.ts", B_FRAMES),
        ("hevc.mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")),
        ("vp9.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8)),
        ("plain.avi", MPEG4),
        ("b.flv", B_FRAMES),
    ],
)
def test_codecs_and_containers(name: str, codec: tuple, make_video: Callable, check: Callable) -> None:
    check(make_video(name, frames=65, rate="30000/1001", codec=codec))


@pytest.mark.parametrize("name", ["b.avi", "raw.h264", "b.mpg"])
def test_files_without_usable_times_run_at_the_stated_rate(
    name: str, make_video: Callable, literal_choice: Callable, numbers_in: Callable
) -> None:
    codec = {"b.avi": (*MPEG4, "-bf", 2), "raw.h264": B_FRAMES, "b.mpg": ("-c:v", "mpeg2video", "-bf", 2, "-q:v", 3)}
    path = make_video(name, frames=63, rate=25, codec=codec[name])
    batches = list(sample_frames(path))
    expected = literal_choice([Fraction(i, 25) for i in range(63)], Fraction(63, 25))
    assert column(batches, "source_index") == expected
    assert numbers_in(batches) == expected


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_frame_rate(suffix: str, make_video: Callable, check: Callable) -> None:
    """Steps of 20 ms, 300 ms, 50 ms, and single gaps of 0.7 and 1.1 s; the last frame stays for the median step."""
    step = "N*20+280*max(0,min(N-20,5))+30*max(0,N-25)+700*gte(N,10)+1100*gte(N,40)"
    extra = ("-vf", f"settb=1/1000,setpts='{step}'", "-fps_mode", "passthrough", "-enc_time_base", "1/1000")
    path = make_video(f"vfr.{suffix}", frames=60, codec=("-c:v", "libx264", "-preset", "ultrafast"), extra=extra)
    sampler, batches = check(path, last_step=Fraction(1, 20))
    assert max(np.diff(column(batches, "pts"))) > 1
    assert not sampler._careful  # the packet times foretold every step: nothing was read twice


def test_wrong_prediction_is_noticed_and_repaired(
    make_video: Callable, check: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even packet times that always promise another frame at once change nothing but the work done."""
    monkeypatch.setattr(PacketTimes, "next_after", lambda self, time: time + 1e-3)
    sampler, _ = check(make_video("cfr_30.mp4", frames=90, rate="30"))
    assert sampler._careful


def test_only_needed_frames_are_converted(make_video: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    converted = []
    original = FrameSampler._convert
    monkeypatch.setattr(FrameSampler, "_convert", lambda self, source: (converted.append(1), original(self, source)))
    sampler = FrameSampler(make_video("cfr_60.mp4", frames=181, rate="60"))
    frames = sum(len(batch) for batch in sampler)
    assert frames <= len(converted) <= frames + 1


def test_late_start_counts_from_the_first_frame(make_video: Callable, check: Callable) -> None:
    _, batches = check(make_video("late.mkv", frames=60, extra=("-vf", "setpts=PTS+0.7/TB")))
    assert batches[0].pts[0] == 0


def test_edit_list_hides_the_frames_before_it(
    make_video: Callable, run_ffmpeg: Callable, check: Callable, numbers_in: Callable, tmp_path: Path
) -> None:
    """Cut without re-encoding: the file holds 1.1 s that is not shown."""
    source = make_video("b_av.mp4", frames=90, codec=(*B_FRAMES, "-g", 90))
    path = tmp_path / "edit.mp4"
    run_ffmpeg("-ss", 1.1, "-i", source, "-c", "copy", path)
    sampler = FrameSampler(path)
    batches = list(sampler)
    assert numbers_in(batches)[:3] == [33, 36, 40]
    assert not sampler.truncated
    assert sampler.frames_out == 15


def test_last_frame_of_an_mp4_stays_as_long_as_stated(make_video: Callable, check: Callable, tmp_path: Path) -> None:
    """A camera that writes a frame only when something moves: the last of 1 s stays for another 2 s."""
    av = pytest.importorskip("av")
    path = tmp_path / "still.mp4"
    with av.open(str(make_video("cfr_30.mp4", frames=90, rate="30"))) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in list(source.demux(video=0))[:30]:
            if packet.pts == 29 * packet.duration:
                packet.duration *= 60
            packet.stream = stream
            target.mux(packet)
    sampler, batches = check(path)
    assert sampler.duration_s == pytest.approx(29 / 30 + 2)
    assert column(batches, "source_index")[7:] == [26] + [29] * 16


def test_audio_track_changes_nothing(make_video: Callable, check: Callable) -> None:
    audio = ("-f", "lavfi", "-i", "sine=duration=6")
    sampler, _ = check(make_video("audio.mp4", frames=75, rate=25, inputs=audio, extra=("-c:a", "aac")))
    assert sampler.duration_s == pytest.approx(3.0)  # of the pictures, not of the longer sound


def test_fragmented_mp4(make_video: Callable, check: Callable) -> None:
    check(make_video("frag.mp4", frames=90, extra=("-g", 20, "-movflags", "frag_keyframe")))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied(degrees: int, make_video: Callable, run_ffmpeg: Callable, tmp_path: Path) -> None:
    source = make_video("b.mp4", frames=65, rate="30000/1001", codec=B_FRAMES)
    path = tmp_path / f"turned_{degrees}.mp4"
    run_ffmpeg("-display_rotation", degrees, "-i", source, "-c", "copy", path)
    sampler = FrameSampler(path)
    batches = list(sampler)
    stored = np.concatenate([batch.images for batch in sample_frames(source)])
    turned = np.concatenate([batch.images for batch in batches])
    expected = np.rot90(stored, degrees // 90, axes=(1, 2))  # the matrix turns counter-clockwise
    assert sampler.info.rotation == (360 - degrees) % 360
    assert (sampler.info.height, sampler.info.width) == expected.shape[1:3]
    np.testing.assert_array_equal(turned, expected)


def test_vertical_video_and_colour_order(run_ffmpeg: Callable, tmp_path: Path) -> None:
    path = tmp_path / "vertical.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=48x112:rate=25:duration=1", "-c:v", "libx264", path)
    batch = next(sample_frames(path))
    assert batch.images.shape == (8, 112, 48, 3)
    red, green, blue = batch.images.reshape(-1, 3).mean(axis=0)
    assert red > 200
    assert green < 40
    assert blue < 40


def test_picture_size_change_is_scaled_to_the_first(make_video: Callable, run_ffmpeg: Callable, tmp_path: Path) -> None:
    first = make_video("size_a.ts", frames=30, codec=B_FRAMES)
    second = tmp_path / "second.ts"
    run_ffmpeg("-i", first, "-vf", "scale=64:48", "-output_ts_offset", 1, "-c:v", "libx264", second)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    images = np.concatenate([batch.images for batch in sample_frames(joined)])
    assert images.shape[1:] == (96, 128, 3)
    red, blue = images[-1, 60:90, 8:56].mean(axis=(0, 1)), images[-1, 60:90, 72:120].mean(axis=(0, 1))
    assert red[0] > 150 > red[2]
    assert blue[2] > 150 > blue[0]


@pytest.mark.parametrize("offset", [1000, -1000])
def test_break_in_the_clock_is_closed(
    offset: int, make_video: Callable, run_ffmpeg: Callable, numbers_in: Callable, tmp_path: Path
) -> None:
    """Two recordings joined byte by byte, their clocks 1000 s apart: 2 s of video, not 1000."""
    near = make_video("near.ts", frames=30, codec=B_FRAMES)
    far = tmp_path / "far.ts"
    run_ffmpeg("-i", near, "-c", "copy", "-output_ts_offset", 1000, far)
    parts = [near, far] if offset > 0 else [far, near]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    sampler = FrameSampler(joined)
    batches = list(sampler)
    assert sampler.frames_out == 16
    assert numbers_in(batches) == 2 * [0, 3, 7, 11, 15, 18, 22, 26]
    assert sampler.duration_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("batch_size", [1, 7, 24, 100])
def test_batch_size_changes_nothing_but_the_cut(batch_size: int, make_video: Callable) -> None:
    path = make_video("cfr_30.mp4", frames=90, rate="30")
    batches = list(sample_frames(path, batch_size=batch_size))
    whole = np.concatenate([batch.images for batch in sample_frames(path, batch_size=24)])
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    np.testing.assert_array_equal(np.concatenate([batch.images for batch in batches]), whole)


def test_sampler_can_be_read_twice_and_left_early(make_video: Callable) -> None:
    with FrameSampler(make_video("cfr_30.mp4", frames=90, rate="30"), video_id="mine") as sampler:
        first = next(iter(sampler))
        again = list(sampler)
    assert first.video == "mine"
    np.testing.assert_array_equal(first.images, again[0].images)
    assert sampler.frames_out == 24


def test_start_skips_and_keeps_numbers(make_video: Callable) -> None:
    path = make_video("cfr_30.mp4", frames=90, rate="30")
    whole = next(iter(sample_frames(path, batch_size=24)))
    late = next(iter(FrameSampler(path, batch_size=24, start=20)))
    assert late.index.tolist() == [20, 21, 22, 23]
    np.testing.assert_array_equal(late.images, whole.images[20:])
    assert list(FrameSampler(path, start=24)) == []


@pytest.mark.parametrize("index", [0, 11, 23])
def test_read_frame_at_equals_sampling(index: int, make_video: Callable) -> None:
    path = make_video("cfr_30.mp4", frames=90, rate="30")
    whole = next(iter(sample_frames(path, batch_size=24)))
    one = read_frame_at(path, index=index)
    assert (one.index[0], one.source_index[0], one.pts[0]) == (index, whole.source_index[index], whole.pts[index])
    np.testing.assert_array_equal(one.images[0], whole.images[index])


def test_read_frame_beyond_the_end(make_video: Callable) -> None:
    with pytest.raises(VideoError, match="has 24 frames at 8 a second, there is no frame 24"):
        read_frame_at(make_video("cfr_30.mp4", frames=90, rate="30"), index=24)


@pytest.mark.parametrize(("fps", "total"), [(1.0, 3), (2.5, 8), (30.0, 90), (60.0, 180)])
def test_other_sampling_rates(fps: float, total: int, make_video: Callable) -> None:
    batches = list(sample_frames(make_video("cfr_30.mp4", frames=90, rate="30"), fps=fps))
    source = column(batches, "source_index")
    assert source == [min(int(30 * k / fps + 1e-9), 89) for k in range(total)]


@pytest.mark.parametrize("arguments", [{"fps": 0}, {"fps": float("nan")}, {"batch_size": 0}, {"start": -1}])
def test_senseless_arguments(arguments: dict, make_video: Callable) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        FrameSampler(make_video("cfr_30.mp4", frames=90, rate="30"), **arguments)


@pytest.mark.parametrize("name", ["one-by-one-person-detection.mp4", "vtest.avi"])
def test_real_videos(name: str, literal_choice: Callable) -> None:
    """Both have ten frames a second; vtest.avi has B-frames and no presentation times of its own."""
    path = Path(__file__).parents[3] / "../shared/data/videos" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    sampler = FrameSampler(path, batch_size=64)
    source = column(list(sampler), "source_index")
    count = sampler.source_frames
    assert count == {"one-by-one-person-detection.mp4": 1394, "vtest.avi": 795}[name]
    assert source == literal_choice([Fraction(i, 10) for i in range(count)], Fraction(count, 10))
    assert not sampler.truncated
