"""``python -m flows.extract``: the flow ``extract-features`` in this process, without a Prefect server.

Exit codes: 0 all videos are in the store, 1 some failed, 2 the settings or the run as a whole cannot work,
130 and 143 after Ctrl-C and SIGTERM (what was finished is kept; the next run continues).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feature_store.errors import StoreError
from flows.local_api import local_api
from flows.settings_cli import add_settings_options, read_settings
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.extraction.config import ExtractSettings

if TYPE_CHECKING:
    from flows.report import RunSummary

STATE = Path("work/prefect")
COLOURS = {"done": "green", "cached": "cyan", "partial": "yellow", "failed": "red"}

out = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow and print a row a video; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m flows.extract", description=str(__doc__).splitlines()[0])
    add_settings_options(parser)
    options = parser.parse_intermixed_args(arguments)
    try:
        settings = read_settings(options)
        signal.signal(signal.SIGTERM, _leave)
        with local_api(STATE):
            summary = run_flow(settings)
    except (HawkeyeError, StoreError) as error:
        errors.print(f"error: {error}", style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print("stopped; finished videos are kept, the next run continues")
        return 130
    out.print(table_of(summary))
    out.print(summary.headline)
    if not summary.trained:
        errors.print("untrained weights were used: the features mean nothing and say so", style="yellow")
    return 1 if summary.failed else 0


def run_flow(settings: ExtractSettings) -> RunSummary:
    """The flow's summary, also when some videos failed. Prefect must already know its API.

    Raises:
        HawkeyeError: The run as a whole cannot work.
    """
    from flows.extract_features import extract_features
    from flows.report import RunSummary, VideosFailedError

    try:
        summary = extract_features(settings)
    except VideosFailedError as error:
        return error.summary
    if not isinstance(summary, RunSummary):
        raise HawkeyeError(f"the flow ended in an unexpected state: {summary}")
    return summary


def table_of(summary: RunSummary) -> Table:
    """A row a video, for the terminal."""
    table = Table(title="extract-features", title_justify="left")
    for name in ("video", "status", "frames", "seconds", "reason"):
        table.add_column(name, justify="right" if name in ("frames", "seconds") else "left", overflow="fold")
    for row in summary.rows:
        status = f"[{COLOURS[row.status]}]{row.status}[/]"
        table.add_row(escape(row.video_id), status, str(row.frames), f"{row.seconds:.1f}", escape(row.reason))
    return table


def _leave(signum: int, frame: FrameType | None) -> None:
    """End with 143; Prefect calls this after it has marked the run as crashed."""
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
    sys.exit(main())
