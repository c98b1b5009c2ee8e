"""``python -m flows.demo``: from an empty folder to a report, by the commands a user would type.

Draws a world, extracts its graphs with the small networks of the package, trains Hawkeye-tiny in two stages and its
rivals, evaluates, and writes a report. What is done is not done again, what was interrupted goes on.

Exit codes: 0 done, 1 a step failed, 130 and 143 after Ctrl-C and SIGTERM (run it again to go on).
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from flows.children import stop_left_behind
from flows.demo_bars import Bars
from flows.demo_steps import plan
from flows.lanes import Lanes, StepFailedError
from flows.stamps import Stamps
from flows.steps import Step
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.settings import load_settings

RUNNER_VARIABLE = "HAWKEYE_TASK_RUNNER"
"""As in :mod:`flows.runners`, which imports Prefect."""

out = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps that are not done yet; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.demo", description=str(__doc__).splitlines()[0],
        epilog="settings: " + ", ".join(f"{name} ({f.default})" for name, f in DemoSettings.model_fields.items()),
    )  # fmt: skip
    parser.add_argument("overrides", nargs="*", metavar="a=value", help="settings, such as folder=work/demo jobs=4")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        settings = load_settings(DemoSettings, overrides=options.overrides)
        run(settings)
    except HawkeyeError as error:
        errors.print(f"error: {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        errors.print("stopped; run it again to go on")
        return 130
    return 0


def run(settings: DemoSettings) -> Path:
    """Do what is not done, and write the report; returns its path.

    Raises:
        StepFailedError: A command ended with an error.
        HawkeyeError: The results cannot be read.
    """
    from hawkeye_core.demo.report import write_demo_report

    paths = settings.paths
    stamps = Stamps(paths.done)
    steps = plan(settings)
    kept = {step.name for step in steps if stamps.is_done(step)}
    chains: dict[str, list[Step]] = {}
    for number, step in enumerate(steps, 1):
        state = "[cyan]done already[/]" if step.name in kept else "[dim]side by side, below[/]" if step.chain else ""
        out.print(f"[bold]{number}/{len(steps) + 1}[/]  {step.title}  {state}")
        if step.chain:
            chains.setdefault(step.chain, []).append(step)
        elif step.name not in kept:
            begun = time.monotonic()
            _do(step, resumed=stamps.begin(step))
            stamps.finish(step, seconds=time.monotonic() - begun)
    begun = time.monotonic()
    _do_chains(chains, stamps, settings)
    side_by_side = time.monotonic() - begun
    rows = [(step.title, stamps.seconds(step), step.name in kept) for step in steps]
    out.print(f"[bold]{len(steps) + 1}/{len(steps) + 1}[/]  writing the report")
    begun = time.monotonic()
    summary = write_demo_report(settings, times=[(title, seconds) for title, seconds, _ in rows])
    rows.append(("writing the report", time.monotonic() - begun, False))
    out.print(summary)
    out.print(_times(rows))
    if not kept.issuperset(step.name for step in steps if step.chain):
        out.print(f"training and evaluation side by side: {side_by_side:.0f} s")
    out.print(f"report: {paths.report}")
    if settings.show and sys.stdout.isatty():
        webbrowser.open(paths.report.resolve().as_uri())
    return paths.report


def _do_chains(chains: dict[str, list[Step]], stamps: Stamps, settings: DemoSettings) -> None:
    """Train and evaluate, as many systems at a time as there are jobs; a failure stops all others.

    Raises:
        StepFailedError: A command ended with an error.
        KeyboardInterrupt: Ctrl-C, or a training was asked to stop.
    """
    steps = [step for chain in chains.values() for step in chain]
    logs = settings.paths.folder / "logs"
    stop_left_behind(logs)
    threads = {"OMP_NUM_THREADS": "1"} if settings.jobs > 1 else {}
    with Bars(steps, [step.name for step in steps if stamps.is_done(step)]) as bars:
        lanes = Lanes(stamps, logs, jobs=settings.jobs, watch=bars, again="make demo", env=threads)
        failures = lanes.run(steps)
    if failures:
        raise failures[0]


def _do(step: Step, *, resumed: bool) -> None:
    """Run a step's command; its output and progress are shown as they come."""
    command = step.command(resumed=resumed)
    out.print("    " + " ".join(_short(word) for word in command), style="dim", markup=False)
    # Processes of one thread each: networks of one process take turns, and threads of small ones wait for each other.
    own = {"OMP_NUM_THREADS": "1", RUNNER_VARIABLE: os.environ.get(RUNNER_VARIABLE, "processes")}
    code = subprocess.run(command, check=False, env=os.environ | own).returncode
    if code in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    if code:
        raise StepFailedError(
            f"{step.title}: the command ended with {code}", remedy="see its message above; then run `make demo` again"
        )


def _short(word: str) -> str:
    return "python" if word == sys.executable else f"'{word}'" if set(word) & set(" {}") else word


def _times(rows: Sequence[tuple[str, float, bool]]) -> Table:
    table = Table("step", "seconds", title="time", title_justify="left")
    table.columns[1].justify = "right"
    for title, seconds, kept in rows:
        table.add_row(title, f"{seconds:.0f}" + (" (earlier)" if kept else ""))
    table.add_section()
    table.add_row("all", f"{sum(seconds for _, seconds, _ in rows):.0f}")
    return table


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
