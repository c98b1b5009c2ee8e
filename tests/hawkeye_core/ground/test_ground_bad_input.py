"""Each kind of bad or unusual video, and a full disk: clear words, no traceback, nothing half-written."""

from __future__ import annotations

import errno
import os
import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from hawkeye_core import atomic
from hawkeye_core.errors import HawkeyeError, NotAVideoError, VideoError
from hawkeye_core.ground import notes
from hawkeye_core.ground.hawkeye import Hawkeye
from hawkeye_core.ground.outputs import OutputError, write_outputs
from hawkeye_core.ground.overlay import write_overlay
from hawkeye_core.ground.overlay_panel import HEIGHT


@pytest.fixture(scope="module")
def blind(ground_run, hawkeye) -> Hawkeye:
    """Its pose network finds nobody."""
    extract = ground_run.extract()
    pose = extract.pose.model_copy(update={"min_person_score": 1.0})
    return Hawkeye.from_pretrained(
        ground_run.run, device="cpu", extract=extract.model_copy(update={"pose": pose}), store=hawkeye.settings.store,
        max_new_tokens=80,
    )  # fmt: skip


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The disk takes no more of a file than this; Python gives it as an OSError, as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files(folder: str | Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}


def held(hawkeye: Hawkeye, stem: str) -> list[str]:
    return [name for name in files(hawkeye.settings.store) if stem in name and name.endswith(".parquet")]


def test_not_a_video(hawkeye, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear sir or madam\n" * 50)
    with pytest.raises(VideoError, match=r"letter\.mp4: is not a video\n  remedy: play the file"):
        hawkeye.ground(path)
    with pytest.raises(VideoError, match=r"note\.txt: is not a video but text"):
        hawkeye.ground(path.rename(tmp_path / "note.txt"))  # FFmpeg would draw it
    assert held(hawkeye, "letter") + held(hawkeye, "note") == []


def test_no_people(blind, clip, tmp_path: Path) -> None:
    found = blind.ground(clip(tmp_path / "nobody.mp4", seed=3))
    assert (found.status, found.note) == ("done", notes.NO_PEOPLE)
    assert all(segment.evidence.people == () for segment in found.segments)


def test_black_frames(blind, clip, tmp_path: Path) -> None:
    found = blind.ground(clip(tmp_path / "night.mp4", level=0))
    assert found.note == "its pictures are black: nobody and nothing can be seen"
    assert not notes.is_black(str(clip(tmp_path / "day.mp4")))
    assert not notes.is_black(str(tmp_path / "gone.mp4"))


def test_one_frame(hawkeye, clip, tmp_path: Path) -> None:
    found = hawkeye.ground(clip(tmp_path / "still.mp4", frames=1))
    assert (found.duration_s, len(found.answers)) == (0.125, 1)
    assert str(found.note).startswith("it is a single picture")


def test_8k(hawkeye, clip, tmp_path: Path) -> None:
    """Also its overlay, which is made smaller."""
    handle = hawkeye.extract(clip(tmp_path / "huge.mp4", frames=2, size=(7680, 4320)))
    found = hawkeye.ground(handle)
    assert found.duration_s == 0.25
    capture = cv2.VideoCapture(str(write_overlay(found, handle, tmp_path / "o.mp4")))
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (1280, 720 + HEIGHT)


def test_240_frames_a_second(hawkeye, clip, tmp_path: Path) -> None:
    found = hawkeye.ground(clip(tmp_path / "fast.mp4", frames=240, fps=240))
    assert (found.duration_s, found.fps) == (1.0, 8.0)


def test_a_header_that_claims_ten_hours(hawkeye, tmp_path: Path) -> None:
    """Only what is decoded counts; no memory or time is spent on the claim."""
    path = tmp_path / "endless.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 8, (96, 64))
    for _ in range(16):
        writer.write(np.full((64, 96, 3), 90, np.uint8))
    writer.release()
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"avih") + 8 + 16, 10 * 3600 * 8)
    struct.pack_into("<I", data, data.find(b"strh") + 8 + 32, 10 * 3600 * 8)
    path.write_bytes(data)
    seen = []
    found = hawkeye.ground(path, progress=lambda stage, done, total: seen.append((stage, done, total)))
    assert seen[0][0] == "extracting"
    assert found.duration_s == 2.0


def test_vertical(hawkeye, clip, tmp_path: Path) -> None:
    handle = hawkeye.extract(clip(tmp_path / "tall.mp4", size=(64, 160)))
    capture = cv2.VideoCapture(str(write_overlay(hawkeye.ground(handle), handle, tmp_path / "o.mp4")))
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT) - HEIGHT
    assert height / width == 2.5


def test_no_permission_to_read(hawkeye, clip, tmp_path: Path, monkeypatch) -> None:
    path = clip(tmp_path / "secret.mp4")
    if os.geteuid() == 0:  # root may read everything
        real = open

        def refuse(file, *rest, **more):
            if str(file) == str(path):
                raise PermissionError(errno.EACCES, "Permission denied", str(file))
            return real(file, *rest, **more)

        monkeypatch.setattr("builtins.open", refuse)
    else:
        path.chmod(0)
    with pytest.raises(VideoError, match=r"secret\.mp4: cannot be read \(Permission denied\)"):
        hawkeye.ground(path)
    assert held(hawkeye, "secret") == []


def test_disk_full_while_extracting(hawkeye, clip, tmp_path: Path) -> None:
    path = clip(tmp_path / "crowded.mp4", seed=9)
    before = files(hawkeye.settings.store)
    with files_of_at_most(8000), pytest.raises(HawkeyeError, match=r"cannot be written \(File too large\)") as raised:
        hawkeye.ground(path)
    assert "remedy: free some space" in str(raised.value)
    assert files(hawkeye.settings.store) == before
    assert hawkeye.ground(path).status == "done"


def test_disk_full_while_writing_results(hawkeye, ground_run, tmp_path: Path, monkeypatch) -> None:
    found = hawkeye.ground(ground_run.clip)
    write_outputs(found, tmp_path, "a", ["json"])
    earlier = (tmp_path / "a.json").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OutputError, match=r"a\.json: cannot be written \(No space left on device\); nothing of it was"):
        write_outputs(found, tmp_path, "a", ["json", "csv"])
    assert files(tmp_path) == {"a.json"}
    assert (tmp_path / "a.json").read_bytes() == earlier


def test_disk_full_while_drawing(hawkeye, ground_run, tmp_path: Path) -> None:
    handle = hawkeye.extract(ground_run.clip)
    found = hawkeye.ground(handle)
    with files_of_at_most(3000), pytest.raises(OutputError, match=r"o\.mp4: cannot be written"):
        write_overlay(found, handle, tmp_path / "o.mp4")
    assert files(tmp_path) == set()


def test_a_source_that_went_away_is_not_drawn(hawkeye, clip, tmp_path: Path) -> None:
    path = clip(tmp_path / "moved.mp4", seed=4)
    handle = hawkeye.extract(path)
    found = hawkeye.ground(handle)
    path.write_text("something else")
    with pytest.raises(NotAVideoError):
        write_overlay(found, handle, tmp_path / "o.mp4")
    with pytest.raises(OutputError, match=r"an overlay is an \.mp4 file"):
        write_overlay(found, handle, tmp_path / "o.mkv")
    assert files(tmp_path) == {"moved.mp4"}
