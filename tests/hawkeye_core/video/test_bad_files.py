"""Files that are no usable video end in the right error; cut and damaged ones give what can be read, marked so."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hawkeye_core.errors import NotAVideoError, NoVideoStreamError, VideoEmptyError, VideoError, VideoMissingError
from hawkeye_core.video.probe import probe
from hawkeye_core.video.sampling import FrameSampler

B_FRAMES = ("-c:v", "libx264", "-preset", "veryfast", "-bf", 2, "-g", 15)
MPEG4 = ("-c:v", "mpeg4", "-q:v", 3)


def cut(path: Path, to: Path, *, share: float = 0.6) -> Path:
    data = path.read_bytes()
    to.write_bytes(data[: int(len(data) * share)])
    return to


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(VideoMissingError, match=r"gone\.mp4: no such file\n  remedy: "):
        FrameSampler(tmp_path / "gone.mp4")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(VideoMissingError, match="is a folder"):
        probe(tmp_path)


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(VideoEmptyError, match=r"empty\.mp4: the file is empty"):
        probe(path)


@pytest.mark.parametrize(
    "content", [b"hello world\n" * 100, b"x", b"\0" * 5000, b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3"]
)
def test_text_and_junk(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"text\.mp4: ") as caught:
        probe(path)
    assert isinstance(caught.value, NotAVideoError | NoVideoStreamError)
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["text.mp4", "letter.txt", "notes.nfo"])
def test_text_is_neither_audio_nor_a_video_of_a_terminal(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("hello world\n" * 100)
    with pytest.raises(NotAVideoError, match="is not a video"):
        probe(path)


@pytest.mark.parametrize("suffix", ["m4a", "mp4", "mkv", "avi", "ts", "ogg", "mp3", "wav", "flac", "aac", "flv", "wma"])
def test_audio_only(suffix: str, run_ffmpeg: Callable, tmp_path: Path) -> None:
    path = tmp_path / f"sound.{suffix}"
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", path)
    with pytest.raises(NoVideoStreamError, match="no video stream"):
        probe(path)


@pytest.mark.parametrize("suffix", ["mp3", "m4a"])
def test_cover_picture_is_no_video(suffix: str, run_ffmpeg: Callable, tmp_path: Path) -> None:
    """OpenCV opens such a file as a video of one frame."""
    path, cover = tmp_path / f"song.{suffix}", tmp_path / "cover.jpg"
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", 1, cover)
    attach = ("-map", 0, "-map", 1, "-c:v", "copy", "-disposition:v:0", "attached_pic")
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-i", cover, *attach, path)
    with pytest.raises(NoVideoStreamError):
        probe(path)


def test_index_missing(make_video: Callable, tmp_path: Path) -> None:
    path = cut(make_video("bad_b.mp4", frames=120, codec=B_FRAMES), tmp_path / "unfinished.mp4")
    with pytest.raises(NotAVideoError, match=r"index \(the moov box\) is missing"):
        probe(path)


@pytest.mark.parametrize(
    ("name", "codec", "extra"),
    [
        ("fast.mp4", B_FRAMES, ("-movflags", "+faststart")),
        ("bad.mkv", B_FRAMES, ()),
        ("bad.avi", MPEG4, ()),
        ("frag.mp4", B_FRAMES, ("-movflags", "frag_keyframe+empty_moov")),
    ],
)
def test_cut_file_gives_what_is_there(
    name: str, codec: tuple, extra: tuple, make_video: Callable, numbers_in: Callable, tmp_path: Path
) -> None:
    whole = make_video(f"whole_{name}", frames=120, codec=codec, extra=extra)
    sampler = FrameSampler(cut(whole, tmp_path / name))
    batches = list(sampler)
    numbers = numbers_in(batches)
    assert sampler.truncated
    assert "bytes are missing" in str(sampler.reason)
    assert 8 < sampler.frames_out < 28
    assert numbers == [number for batch in batches for number in batch.source_index]
    assert sampler.source_frames >= numbers[-1]
    intact = FrameSampler(whole)
    assert list(intact)
    assert not intact.truncated


def test_cut_transport_stream(make_video: Callable, tmp_path: Path) -> None:
    data = make_video("whole.ts", frames=120, codec=B_FRAMES).read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(data[: 188 * (len(data) // 188 * 6 // 10) + 100])
    sampler = FrameSampler(path)
    frames = sum(map(len, sampler))
    assert 8 < frames < 28
    assert sampler.reason == "its last packet is incomplete"


def test_damage_in_the_middle_is_skipped_and_marked(make_video: Callable, numbers_in: Callable, tmp_path: Path) -> None:
    data = bytearray(make_video("middle.mp4", frames=120, codec=B_FRAMES).read_bytes())
    start = len(data) * 4 // 10
    data[start : start + 3000] = bytes(3000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    sampler = FrameSampler(path)
    batches = list(sampler)
    assert "undecodable data after frame" in str(sampler.reason)
    assert sampler.frames_out == 32  # the clock goes on: the last frame before the damage stays on screen
    assert numbers_in(batches)[-1] == 116


@pytest.mark.parametrize(
    ("name", "codec", "reason"),
    [
        ("tail.mp4", B_FRAMES, "undecodable data"),  # the frames held back for reordering come after the failure
        ("tail.ts", B_FRAMES, "its end holds no packets"),
        ("plain.mp4", ("-c:v", "libx264", "-preset", "ultrafast"), "decoding ended at .* the packets go on"),
    ],
)
def test_zeroed_tail_is_noticed(name: str, codec: tuple, reason: str, make_video: Callable, tmp_path: Path) -> None:
    """A download that reserved its space and stopped: the size is right, the content is not."""
    extra = ("-movflags", "+faststart") if name.endswith("mp4") else ()
    data = make_video(f"whole_{name}", frames=120, codec=codec, extra=extra).read_bytes()
    keep = len(data) * 6 // 10
    path = tmp_path / name
    path.write_bytes(data[:keep] + bytes(len(data) - keep))
    sampler = FrameSampler(path)
    assert 8 < sum(map(len, sampler)) < 28
    assert sampler.truncated
    assert re.search(reason, str(sampler.reason))


def patch_avi_counts(path: Path, to: Path, count: int) -> Path:
    """Write another frame count into both headers of an AVI file."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"avih") + 8 + 16, count)
    struct.pack_into("<I", data, data.find(b"strh") + 8 + 32, count)
    to.write_bytes(data)
    return to


@pytest.mark.parametrize("count", [10, 500])
def test_wrong_frame_count_is_not_believed(
    count: int, make_video: Callable, numbers_in: Callable, tmp_path: Path
) -> None:
    whole = make_video("count.avi", frames=75, rate=25, codec=MPEG4)
    right, wrong = FrameSampler(whole), FrameSampler(patch_avi_counts(whole, tmp_path / "count.avi", count))
    assert numbers_in(list(wrong)) == numbers_in(list(right))
    assert (wrong.frames_out, wrong.source_frames, wrong.truncated) == (24, 75, False)


def test_absurd_picture_size(make_video: Callable, tmp_path: Path) -> None:
    codec = ("-c:v", "rawvideo", "-vtag", "I420")
    data = bytearray(make_video("raw.avi", frames=2, codec=codec).read_bytes())
    struct.pack_into("<ii", data, data.find(b"strf") + 8 + 4, 100_000, 100_000)
    path = tmp_path / "absurd.avi"
    path.write_bytes(data)
    with pytest.raises(VideoError, match="absurd") as caught:
        list(FrameSampler(path))
    assert caught.value.path == str(path)


def test_no_frame_can_be_decoded(make_video: Callable, tmp_path: Path) -> None:
    """The index is whole, every sample is zeros."""
    data = bytearray(make_video("hollow.mp4", frames=30, codec=B_FRAMES).read_bytes())
    start = data.find(b"mdat") + 4
    stop = data.find(b"moov") - 4
    data[start:stop] = bytes(stop - start)
    path = tmp_path / "hollow.mp4"
    path.write_bytes(data)
    with pytest.raises(VideoError, match="hollow"):
        list(FrameSampler(path))


def test_file_name_with_a_colon_and_spaces(
    make_video: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cam:1 élan %d.mp4").write_bytes(make_video("cfr_30.mp4", frames=90, rate="30").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert probe("cam:1 élan %d.mp4").width == 128


def test_probe_tells_what_the_header_states(make_video: Callable) -> None:
    info = probe(make_video("cfr_30.mp4", frames=90, rate="30"))
    assert (info.width, info.height, info.rotation, info.codec, info.container) == (128, 96, 0, "h264", "mp4")
    assert info.fps == pytest.approx(30)
    assert info.duration_s == pytest.approx(3.0)
    assert info.cut is None


def test_stated_duration_of_an_mp4_is_that_of_the_pictures(make_video: Callable) -> None:
    """The video starts 0.7 s late (an empty edit) and the sound goes on for longer."""
    inputs = ("-f", "lavfi", "-i", "sine=duration=6")
    path = make_video("late_av.mp4", frames=60, inputs=inputs, extra=("-vf", "setpts=PTS+0.7/TB", "-c:a", "aac"))
    assert probe(path).duration_s == pytest.approx(2.0)
    sampler = FrameSampler(path)
    assert sum(map(len, sampler)) == 16
    assert not sampler.truncated


def test_bad_files_print_nothing(make_video: Callable, tmp_path: Path) -> None:
    """In a process of its own: FFmpeg's log level is fixed when the first video is opened."""
    bad = cut(
        make_video("noise.mp4", frames=120, codec=B_FRAMES, extra=("-movflags", "+faststart")), tmp_path / "a.mp4"
    )
    (tmp_path / "b.mp4").write_text("hello")
    code = (
        "import sys\n"
        "from hawkeye_core.errors import VideoError\n"
        "from hawkeye_core.video.sampling import FrameSampler\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        list(FrameSampler(path))\n"
        "    except VideoError:\n"
        "        pass\n"
    )
    command = [sys.executable, "-c", code, str(bad), str(tmp_path / "b.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
