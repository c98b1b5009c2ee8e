"""Watches a folder: each file that is complete is handled once, as ``hawkeye ground`` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from hawkeye_core.errors import VideoError, VideoMissingError
from hawkeye_core.ground.records import GroundedVideo
from hawkeye_core.video.discover import find_videos
from hawkeye_core.watch.alerts import VERSION, Alert, utc
from hawkeye_core.watch.seen_files import FileMark, SeenFiles
from hawkeye_core.watch.settings import WatchSettings
from hawkeye_core.watch.sinks import Sink, give_all
from hawkeye_core.watch.tally import Tally


class Grounds(Protocol):
    """What answers whole videos: :class:`hawkeye_core.ground.hawkeye.Hawkeye`."""

    def ground(self, video: str) -> GroundedVideo:
        """Segments of a video."""


class FolderWatch:
    """Looks into a folder again and again.

    A file (of a known video extension, its name and folders not beginning with a dot) is complete when it is not empty
    and has not changed for ``settings.settle_s``: by the time of its last change, so that one that was renamed in is
    taken at once, or as seen here, where that time lies in the future. A bad file is told of and not tried again until
    it changes.

    Args:
        folder: Where.
        settings: The rules.
        hawkeye: Answers the videos.
        seen: What was handled before.
        shown: Name of the folder in alerts.
        sinks: Where alerts go.
        on_status: Gets a line a file and now and then.
    """

    def __init__(
        self, folder: str | Path, settings: WatchSettings, *, hawkeye: Grounds, seen: SeenFiles, shown: str,
        sinks: Sequence[Sink], on_status: Callable[[str], None] = lambda line: None,
    ) -> None:  # fmt: skip
        self.folder = Path(folder)
        self.tally = Tally()
        self._settings, self._hawkeye, self._seen, self._shown = settings, hawkeye, seen, shown
        self._sinks, self._on_status = sinks, on_status
        self._still: dict[FileMark, float] = {}

    def run(self, asked: Callable[[], bool]) -> Tally:
        """Watch until ``asked()`` is true, with ``once`` until all complete files are handled, or until ``idle_s``."""
        said = busy = time.monotonic()
        while not asked():
            handled = False
            for mark in self._complete():
                if asked():
                    return self.tally
                self._handle(mark)
                handled = True
            now = time.monotonic()
            busy = now if handled or self._still else busy
            idle = self._settings.idle_s
            if not handled and (self._settings.once or (idle is not None and now - busy > idle)):
                break
            if now - said >= self._settings.status_s:
                said = now
                self._on_status(self.tally.folder_line(*self._notes()))
            if not handled:
                self._sleep(asked)
        return self.tally

    def summary(self) -> str:
        """The last words."""
        return self.tally.folder_line(*self._notes())

    def _complete(self) -> Iterator[FileMark]:
        """Files to handle, by name; the others are remembered with the time since when they are still."""
        now, still = time.monotonic(), {}
        ready = []
        for mark in self._marks():
            if mark in self._seen or mark.size == 0:
                continue
            since = self._still.get(mark, now)
            age = time.time() - mark.mtime_ns / 1e9
            if age >= self._settings.settle_s or now - since >= self._settings.settle_s:
                ready.append(mark)
            else:
                still[mark] = since
        self._still = still
        yield from ready

    def _marks(self) -> Iterator[FileMark]:
        try:
            paths = find_videos([self.folder])
        except (VideoMissingError, OSError):  # empty, or out of reach for now
            return
        for path in paths:
            try:
                status = path.stat()
            except OSError:  # gone again
                continue
            yield FileMark(path.relative_to(self.folder).as_posix(), status.st_size, status.st_mtime_ns)

    def _handle(self, mark: FileMark) -> None:
        begun = time.monotonic()
        try:
            found = self._hawkeye.ground(str(self.folder / mark.name))
        except VideoError as error:  # any other error is not this file's, and ends the watch
            self.tally.failed += 1
            self._seen.add(mark, status="failed", error=str(error))
            self._on_status(f"{mark.name}: failed: {error}")
            return
        for number, _ in enumerate(found.segments):
            give_all(self._sinks, self._alert(mark, found, number))
        self.tally.files += 1
        self.tally.events += len(found.segments)
        self._seen.add(mark, status=found.status, sha256=found.sha256, error=found.note)
        note = f" ({found.note})" if found.note else ""
        self._on_status(
            f"{mark.name}: {found.duration_s:.1f} s of video, {len(found.segments)} events, "
            f"{time.monotonic() - begun:.1f} s{note}"
        )

    def _alert(self, mark: FileMark, found: GroundedVideo, number: int) -> Alert:
        self.tally.alerts += 1
        segment = found.segments[number]
        return Alert(
            version=VERSION, kind="final", id=f"{found.sha256[:16]}-{number + 1:06d}", sequence=self.tally.alerts,
            source=self._shown, file=mark.name, start_s=segment.start_s, end_s=segment.end_s, start_utc=None,
            end_utc=None, given_utc=utc(time.time()), lag_s=None, category=segment.category, reason=segment.reason,
            score=segment.score, merged_into=None, window=None, evidence=segment.evidence, model=found.model,
        )  # fmt: skip

    def _sleep(self, asked: Callable[[], bool]) -> None:
        end = time.monotonic() + self._settings.poll_s
        while (rest := end - time.monotonic()) > 0 and not asked():
            time.sleep(min(rest, 0.1))

    def _notes(self) -> list[str]:
        return [sink.note() for sink in self._sinks]
