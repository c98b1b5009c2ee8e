"""``hawkeye watch``: a camera, a stream, a growing file or a folder, and alerts as they come."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from hawkeye_core.cli.console import errors
from hawkeye_core.cli.loading import Checkpoint, Device, Extraction, Presence, Threshold, load_hawkeye

if TYPE_CHECKING:
    from hawkeye_core.ground.hawkeye import Hawkeye
    from hawkeye_core.stopping import StopRequest
    from hawkeye_core.watch.settings import WatchSettings


def watch(
    source: Annotated[
        str,
        typer.Argument(
            help="rtsp://, rtsps://, http:// or https:// URL, camera:0, a growing file, or a folder.",
            envvar="HAWKEYE_WATCH_SOURCE",
            show_envvar=True,
        ),
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=value, such as webhook.tries=9.", metavar="[a.b=c]...")
    ] = None,
    checkpoint: Checkpoint = "shipped",
    config: Extraction = None,
    store: Annotated[
        str | None, typer.Option("--store", "-s", help="Of a folder: feature store for its files. A stream needs none.")
    ] = None,
    device: Device = "auto",
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="Append alerts to this file; else they go to standard output.")
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option("--webhook", help="Post alerts to this http or https address.", envvar="HAWKEYE_WEBHOOK"),
    ] = None,
    window: Annotated[float | None, typer.Option("--window", help="Seconds of a window; as in training.")] = None,
    hop: Annotated[float | None, typer.Option("--hop", help="Seconds between two windows [4].")] = None,
    max_lag: Annotated[
        float | None, typer.Option("--max-lag", help="Seconds of frames that may wait; older ones are dropped [8].")
    ] = None,
    idle: Annotated[
        float | None, typer.Option("--idle", help="End after so many seconds without change [file: 30, folder: never].")
    ] = None,
    reconnects: Annotated[
        int | None, typer.Option("--reconnects", help="Failed tries in a row before a source is given up [10].")
    ] = None,
    threshold: Threshold = None,
    presence: Presence = None,
    curve: Annotated[bool, typer.Option("--curve/--no-curve", help="Ask about every second too.")] = True,
    min_score: Annotated[float | None, typer.Option("--min-score", help="Leave out segments that score less.")] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Of a folder: remembers handled files [FOLDER/.hawkeye-watch.jsonl].")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Of a folder: handle what is there, then end.")] = False,
    final_window: Annotated[
        bool, typer.Option("--final-window/--no-final-window", help="Answer what came last when the watch ends.")
    ] = True,
    status: Annotated[float | None, typer.Option("--status", help="Seconds between two status lines [10].")] = None,
) -> None:
    """Watch a source: windows as they come, alerts as lines of JSON and to a webhook.

    Frames wait at most `--max-lag` seconds; where the machine is slower than a live source the oldest are dropped and
    counted. A lost stream is opened again. Status lines go to standard error. SIGTERM or Ctrl-C ends it cleanly. Exit
    codes: 0 ended, 1 the source was lost or files could not be used, 2 bad input, 130 Ctrl-C.

    Example: `hawkeye watch rtsp://camera.local/stream --webhook https://example.org/alerts --out alerts.jsonl`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.stopping import StopRequest
    from hawkeye_core.watch.location import check_webhook
    from hawkeye_core.watch.settings import WatchSettings

    if webhook is not None:
        check_webhook(webhook)  # before a message can repeat it
    settings = load_settings(
        WatchSettings,
        overrides=overrides or (),
        values={
            "source": source, "window_s": window, "hop_s": hop, "max_lag_s": max_lag, "idle_s": idle,
            "reconnects": reconnects, "min_score": min_score, "state": state, "once": once,
            "final_window": final_window, "status_s": status, "webhook": None if webhook is None else {"url": webhook},
        },
    )  # fmt: skip

    def load() -> Hawkeye:
        return load_hawkeye(
            checkpoint, config, store, device=device, presence=presence, threshold=threshold, curve=curve
        )

    with StopRequest() as stop:
        code = _watch(settings, load, out=out, stop=stop)
    raise typer.Exit(stop.exit_code if stop.asked() else code)


def _watch(settings: WatchSettings, load: Callable[[], Hawkeye], *, out: str | None, stop: StopRequest) -> int:
    """Exit code, a signal aside."""
    from hawkeye_core.watch.errors import SourceLostError
    from hawkeye_core.watch.run import watch as run_watch

    try:
        tally = run_watch(settings, load, out=out, asked=stop.asked, on_status=say)
    except SourceLostError as error:
        say(f"error: {error}")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python fails again when it flushes
        say("the reader of the alerts has gone")
        return 1
    return 1 if tally.failed else 0


def say(line: str) -> None:
    """A line to standard error, with the time of day."""
    errors.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False)
