"""Who is on the page, and what is kept of each: in one private folder, until they leave or are idle for long."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hawkeye_core.chat.conversation import Conversation
    from hawkeye_core.ground.records import GroundedVideo
    from hawkeye_core.ground.stored import StoredVideo

SWEEP_S = 30.0
"""Seconds between two looks for what is idle."""
CONVERSATIONS = 4
"""Visitors whose conversation is kept; what the model read of a video is gigabytes at 7B."""


class Served(NamedTuple):
    """A file that the page may ask for: where it is, its media type, and the name it is saved under (None: shown)."""

    path: Path
    media_type: str
    name: str | None


@dataclass(eq=False, slots=True)
class Visit:
    """One open page.

    Args:
        folder: Private; all of its files, under names that no user chose.
        token: In the addresses of its files; cannot be guessed.
        name: Of the video as its user named it, made safe to show; the file has another.
        source: The video.
        handle: Its features.
        found: What was found in it.
        conversation: About it.
        talked: Whether there was one.
        served: What the page may ask for, by kind.
        busy: Jobs of it that run or wait; it is not idle then.
        stopped: Set when its user wants the job to end.
        seen: When it last asked for something, on the clock of ``time.monotonic``.
    """

    folder: Path
    token: str
    name: str = ""
    source: Path | None = None
    handle: StoredVideo | None = None
    found: GroundedVideo | None = None
    conversation: Conversation | None = None
    talked: bool = False
    served: dict[str, Served] = field(default_factory=dict)
    busy: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    seen: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Forget the video and delete all that was made of it."""
        self.name, self.source, self.handle, self.found, self.conversation = "", None, None, None, None
        self.served, self.talked = {}, False
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class Visits:
    """All open pages. Safe to use from several threads.

    Args:
        idle_s: Seconds without a request after which a visit and its files go.
        clock: Of seconds; a test gives its own.
    """

    def __init__(self, *, idle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="hawkeye-app-"))  # mode 700
        self.uploads = self.root / "uploads"
        self.uploads.mkdir(mode=0o700)
        self._idle_s, self._clock = idle_s, clock
        self._visits: dict[str, Visit] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()

    def of(self, session: str) -> Visit:
        """The visit of a session of the page, made when it is new."""
        with self._lock:
            visit = self._visits.get(session)
            if visit is None:
                token = secrets.token_urlsafe(18)
                visit = self._visits[session] = Visit(self.root / f"v{secrets.token_hex(12)}", token)
                visit.renew()
            visit.seen = self._clock()
            return visit

    def served(self, token: str, kind: str) -> Served | None:
        """A file of the visit with a token."""
        with self._lock:
            visit = next((one for one in self._visits.values() if secrets.compare_digest(one.token, token)), None)
            if visit is None:
                return None
            visit.seen = self._clock()
            return visit.served.get(kind)

    def ticket(self) -> tuple[str, Path]:
        """A random name for an upload, and where it goes."""
        ticket = secrets.token_hex(16)
        return ticket, self.uploads / ticket

    def waiting(self) -> int:
        """Uploads that nobody has taken yet."""
        return sum(1 for _ in self.uploads.iterdir())

    def take(self, ticket: str, visit: Visit) -> Path | None:
        """Move an upload into the folder of a visit; None if there is none of that name."""
        known = {path.name: path for path in self.uploads.iterdir()}
        path = known.get(ticket)
        return None if path is None else path.rename(visit.folder / "video")

    def keep_conversation(self, visit: Visit) -> None:
        """Of too many conversations drop those asked longest ago."""
        with self._lock:
            held = [one for one in self._visits.values() if one.conversation is not None and one is not visit]
            held.sort(key=lambda one: one.seen)
            for one in held[: max(0, len(held) - CONVERSATIONS + 1)]:
                one.conversation = None

    def leave(self, session: str) -> None:
        """The page was closed: its job is stopped, its files go (those of a running job when that has ended)."""
        with self._lock:
            visit = self._visits.get(session)
            if visit is None:
                return
            visit.stopped.set()
            if visit.busy:
                visit.seen = self._clock() - self._idle_s  # goes at the next sweep after the job
                return
            del self._visits[session]
            shutil.rmtree(visit.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Delete what is idle, and uploads that nobody took."""
        now = self._clock()
        with self._lock:
            for session, visit in list(self._visits.items()):
                if not visit.busy and now - visit.seen >= self._idle_s:
                    self.leave(session)
        old = time.time() - self._idle_s
        for path in list(self.uploads.iterdir()):
            try:
                if path.stat().st_mtime < old:
                    path.unlink()
            except FileNotFoundError:
                continue  # taken meanwhile

    def watch(self) -> None:
        """Sweep now and then, in a thread of its own."""

        def loop() -> None:
            while not self._over.wait(min(SWEEP_S, self._idle_s)):
                self.sweep()

        threading.Thread(target=loop, name="hawkeye-app-sweep", daemon=True).start()

    def close(self) -> None:
        """Stop all jobs and delete everything."""
        self._over.set()
        with self._lock:
            for visit in self._visits.values():
                visit.stopped.set()
            self._visits.clear()
        shutil.rmtree(self.root, ignore_errors=True)
