"""Entry point: watches whatever the settings name."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hawkeye_core.errors import ConfigError
from hawkeye_core.watch.location import Location, locate
from hawkeye_core.watch.seen_files import STATE, SeenFiles
from hawkeye_core.watch.settings import WatchSettings
from hawkeye_core.watch.sinks import JsonLines, Sink
from hawkeye_core.watch.tally import Tally

if TYPE_CHECKING:
    from hawkeye_core.ground.hawkeye import Hawkeye
    from hawkeye_core.watch.frames import Source

FILE_IDLE_S = 30.0
"""A file that has not grown for so long is taken to be finished, unless the settings say otherwise."""


class Watch(Protocol):
    """A stream's or a folder's."""

    tally: Tally

    def run(self, asked: Callable[[], bool]) -> Tally:
        """Watch until it ends or ``asked()`` is true."""

    def summary(self) -> str:
        """The last words."""


def watch(
    settings: WatchSettings, load: Callable[[], Hawkeye], *, out: str | Path | None, asked: Callable[[], bool],
    on_status: Callable[[str], None],
) -> Tally:  # fmt: skip
    """Watch a source and give alerts, until it ends or ``asked()`` is true.

    What can be checked without the model is checked before it is loaded.

    Args:
        settings: Source and rules.
        load: Gives the model and what goes with it.
        out: File of alerts, appended to; None for standard output.
        asked: Whether to stop.
        on_status: Gets status lines, and the summary last, also when an error ends the watch.

    Raises:
        HawkeyeError: The source, the address or the model cannot be used, or the source was lost for good; a watch
            that had begun has told what it found.
        OSError: Alerts cannot be written.
    """
    location = locate(settings.source)
    with ExitStack() as stack:
        seen = None
        if location.kind == "folder":
            seen = SeenFiles(settings.state or Path(location.value, STATE))
            stack.callback(seen.close)
        sinks = open_sinks(settings, out, stack)
        hawkeye = load()
        if seen is not None:
            chosen: Watch = _folder_watch(settings, location, hawkeye, seen, sinks, on_status)
        else:
            chosen = _stream_watch(settings, location, hawkeye, sinks, on_status)
        try:
            return chosen.run(asked)
        finally:
            for sink in sinks:
                sink.close()
            on_status(f"ended: {chosen.summary()}")


def open_sinks(settings: WatchSettings, out: str | Path | None, stack: ExitStack) -> list[Sink]:
    """JSON lines, and the webhook if there is one."""
    sinks: list[Sink] = [JsonLines(out)]
    stack.callback(sinks[0].close)
    if settings.webhook.url is not None:
        from hawkeye_core.watch.webhook import Webhook

        sinks.append(Webhook(settings.webhook))
    return sinks


def new_session() -> str:
    """Begins the ids of a watch's events: when it began, and four random digits."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(2)


def open_source(location: Location, settings: WatchSettings, *, fps: float) -> Source:
    """The source of a stream; nothing is read yet."""
    if location.kind == "file":
        from hawkeye_core.watch.growing_file import GrowingFile

        idle_s = FILE_IDLE_S if settings.idle_s is None else settings.idle_s
        return GrowingFile(location.value, fps=fps, idle_s=idle_s, poll_s=settings.poll_s)
    from hawkeye_core.watch.live_source import LiveSource

    return LiveSource(location, settings, fps=fps)


def _folder_watch(
    settings: WatchSettings, location: Location, hawkeye: Hawkeye, seen: SeenFiles, sinks: Sequence[Sink],
    on_status: Callable[[str], None],
) -> Watch:  # fmt: skip
    from hawkeye_core.watch.folder_watch import FolderWatch

    return FolderWatch(
        location.value, settings, hawkeye=hawkeye, seen=seen, shown=location.shown, sinks=sinks, on_status=on_status
    )


def _stream_watch(
    settings: WatchSettings, location: Location, hawkeye: Hawkeye, sinks: Sequence[Sink],
    on_status: Callable[[str], None],
) -> Watch:  # fmt: skip
    from hawkeye_core.extraction.backends import get_backends
    from hawkeye_core.watch.stream_watch import StreamWatch

    fps = hawkeye.settings.fps
    backends = get_backends(hawkeye.settings)
    if not backends.repeatable:
        raise ConfigError(
            "imported poses or relations are of stored videos, a stream has none", remedy="use networks as backends"
        )
    window_s = settings.window_s or hawkeye.window_frames / fps
    require_room(hawkeye, round(window_s * fps))
    return StreamWatch(
        open_source(location, settings, fps=fps), settings, backends=backends, answers=hawkeye.predictor,
        window_s=window_s, fps=fps, shown=location.shown, session=new_session(), model=hawkeye.note, sinks=sinks,
        on_status=on_status,
    )  # fmt: skip


def require_room(hawkeye: Hawkeye, frames: int) -> None:
    """Check before the watch begins that the language model takes windows of this length."""
    from hawkeye_core.training.windows import WindowSpec

    predictor = hawkeye.predictor
    longest = len(predictor.collate.prompt_ids(WindowSpec("", 0, frames, hawkeye.settings.fps)))
    if longest + predictor.max_new_tokens > predictor.collate.max_length:
        raise ConfigError(
            f"a window of {frames / hawkeye.settings.fps:g} s needs {longest + predictor.max_new_tokens} tokens; the "
            f"language model takes {predictor.collate.max_length}",
            remedy="shorter windows: --window",
        )
