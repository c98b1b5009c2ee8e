"""A folder: what is complete is handled once, over restarts too."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hawkeye_core.errors import ConfigError, NotAVideoError, WeightsError
from hawkeye_core.ground.records import GroundedSegment, GroundedVideo
from hawkeye_core.watch.folder_watch import FolderWatch
from hawkeye_core.watch.seen_files import STATE, FileMark, SeenFiles
from hawkeye_core.watch.settings import WatchSettings

from .conftest import NOTE, Kept

LONG_AGO = 1_000_000_000


class FakeHawkeye:
    """Finds a segment for each byte of a file."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.error: Exception | None = None

    def ground(self, video: str) -> GroundedVideo:
        content = Path(video).read_bytes()
        self.files.append(Path(video).name)
        if self.error is not None:
            raise self.error
        if content.startswith(b"bad"):
            raise NotAVideoError("is not a video", path=video)
        segments = tuple(GroundedSegment(n, n + 0.5, "theft", "a", 0.5) for n in range(len(content)))
        return GroundedVideo(video, Path(video).stem, "ab" * 32, 9.0, 8.0, "done", None, segments, None, (), NOTE)


def old_file(path: Path, content: bytes = b"x", *, age_s: float = 1000.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def folder_watch(folder: Path, **changes: Any) -> tuple[FolderWatch, FakeHawkeye, Kept, list[str]]:
    settings = WatchSettings(source=str(folder), **({"poll_s": 0.02, "settle_s": 5.0, "once": True} | changes))
    hawkeye, kept, lines = FakeHawkeye(), Kept(), []
    seen = SeenFiles(settings.state or folder / STATE)
    watch = FolderWatch(folder, settings, hawkeye=hawkeye, seen=seen, shown="inbox", sinks=[kept],
                        on_status=lines.append)  # fmt: skip
    return watch, hawkeye, kept, lines


def finished(watch: FolderWatch) -> Any:
    try:
        return watch.run(lambda: False)
    finally:
        watch._seen.close()


def test_complete_files_are_handled_by_name_and_once(tmp_path: Path) -> None:
    old_file(tmp_path / "b.mp4", b"xy")
    old_file(tmp_path / "deep" / "a.mkv", b"x")
    old_file(tmp_path / "notes.txt")
    old_file(tmp_path / ".hidden.mp4")
    watch, hawkeye, kept, lines = folder_watch(tmp_path)
    tally = finished(watch)
    assert hawkeye.files == ["b.mp4", "a.mkv"]
    assert (tally.files, tally.failed, tally.alerts) == (2, 0, 3)
    assert [(a.kind, a.file, a.start_s, a.id[-7:]) for a in kept.alerts] == [
        ("final", "b.mp4", 0, "-000001"), ("final", "b.mp4", 1, "-000002"), ("final", "deep/a.mkv", 0, "-000001"),
    ]  # fmt: skip
    assert json.loads(kept.alerts[0].line())["start_utc"] is None
    assert lines[0].startswith("b.mp4: 9.0 s of video, 2 events")
    again, hawkeye, kept, _ = folder_watch(tmp_path)  # after a restart
    assert finished(again).files == 0
    assert not hawkeye.files
    old_file(tmp_path / "b.mp4", b"xyz")  # other content under the same name
    later, hawkeye, _, _ = folder_watch(tmp_path)
    finished(later)
    assert hawkeye.files == ["b.mp4"]


def test_a_bad_file_is_told_of_and_left(tmp_path: Path) -> None:
    old_file(tmp_path / "a.mp4", b"bad")
    old_file(tmp_path / "b.mp4", b"x")
    watch, _, kept, lines = folder_watch(tmp_path)
    tally = finished(watch)
    assert (tally.files, tally.failed) == (1, 1)
    assert "a.mp4: failed:" in lines[0]
    assert "is not a video" in lines[0]
    assert [a.file for a in kept.alerts] == ["b.mp4"]
    again, hawkeye, _, _ = folder_watch(tmp_path)
    finished(again)
    assert not hawkeye.files


def test_an_error_that_is_not_the_files_leaves_it_for_the_next_time(tmp_path: Path) -> None:
    old_file(tmp_path / "a.mp4")
    watch, hawkeye, _, _ = folder_watch(tmp_path)
    hawkeye.error = WeightsError("the model's answer is no number")
    with pytest.raises(WeightsError):
        finished(watch)
    again, hawkeye, _, _ = folder_watch(tmp_path)
    finished(again)
    assert hawkeye.files == ["a.mp4"]


def test_a_file_that_still_changes_is_waited_for_and_one_renamed_in_is_not(tmp_path: Path) -> None:
    growing = tmp_path / "growing.mp4"
    watch, hawkeye, _, _ = folder_watch(tmp_path, once=False, settle_s=0.5, idle_s=1.2)
    outside = old_file(tmp_path.parent / f"{tmp_path.name}-outside.mp4")
    handled: dict[str, float] = {}
    ground = hawkeye.ground

    def timed(video: str) -> GroundedVideo:
        handled[Path(video).name] = time.monotonic()
        return ground(video)

    hawkeye.ground = timed  # type: ignore[method-assign]

    def write() -> None:
        for _ in range(6):
            with growing.open("ab") as file:
                file.write(b"x")
            time.sleep(0.15)
        handled["written"] = time.monotonic()
        outside.rename(tmp_path / "renamed.mp4")
        handled["renaming"] = time.monotonic()

    writer = threading.Thread(target=write)
    writer.start()
    tally = finished(watch)
    writer.join()
    assert tally.files == 2
    assert handled["growing.mp4"] - handled["written"] > 0.2  # its last change was 0.15 s before
    assert handled["renamed.mp4"] - handled["renaming"] < 0.3
    assert len(hawkeye.files) == 2


def test_a_file_whose_time_lies_in_the_future_is_watched_for_stillness(tmp_path: Path) -> None:
    old_file(tmp_path / "a.mp4", age_s=-10_000)
    watch, hawkeye, _, _ = folder_watch(tmp_path, once=False, settle_s=0.3, idle_s=0.5)
    begun = time.monotonic()
    finished(watch)
    assert hawkeye.files == ["a.mp4"]
    assert time.monotonic() - begun > 0.7


def test_an_empty_or_missing_folder_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    watch, _, _, _ = folder_watch(folder, once=False, idle_s=0.3, state=str(tmp_path / "state"))
    folder.rmdir()
    assert finished(watch).files == 0


def test_memory_survives_a_line_cut_short_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / STATE
    seen = SeenFiles(path)
    first, second = FileMark("a.mp4", 1, LONG_AGO), FileMark("ü/b.mp4", 2, LONG_AGO)
    seen.add(first, status="done")
    seen.close()
    path.write_bytes(path.read_bytes() + b'{"version": 1, "name": "c')
    seen = SeenFiles(path)
    assert first in seen
    assert FileMark("a.mp4", 2, LONG_AGO) not in seen
    seen.add(second, status="failed", error="bad")
    seen.close()
    seen = SeenFiles(path)
    assert second in seen
    assert len(seen) == 2
    with pytest.raises(ConfigError, match=r"another watch uses it\n.*--state"):
        SeenFiles(path)
    seen.close()
    for line in (b"[]", b"no", b'{"version": 2, "name": "a", "size": 1, "mtime_ns": 1}', b'{"version": 1, "name": 3}',
                 b'{"version": 1, "name": "a", "size": {}, "mtime_ns": []}', b"[" * 100_000):  # fmt: skip
        path.write_bytes(line + b"\n")
        with pytest.raises(ConfigError, match=r"line 1 is not one of a watch's memory\n.*--state"):
            SeenFiles(path)
