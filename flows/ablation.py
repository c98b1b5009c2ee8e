"""``python -m flows.ablation``: the ablation study on a drawn world, in steps that a user could type.

``... status folder=F`` says in a line how far it has come, ``... table folder=F`` prints the rows that are there.
What is done is not done again, what was interrupted goes on; a step that fails stops what needs it, nothing else.

Exit codes: 0 done, 1 a step failed, 130 and 143 after Ctrl-C and SIGTERM (run it again to go on).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import yaml
from rich.console import Console
from rich.table import Table

from flows.ablation_status import duration, seeds_done, standing
from flows.ablation_steps import EVALUATE, plan
from flows.children import left_behind, stop_left_behind
from flows.lanes import Lanes, StepFailedError
from flows.stamps import Stamps
from flows.steps import Step
from hawkeye_core.ablation.config import AblationSettings
from hawkeye_core.ablation.summary import read_found, summary_table
from hawkeye_core.atomic import write_text
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.settings import load_settings

ENV = {"OMP_NUM_THREADS": "1", "HAWKEYE_TASK_RUNNER": "processes"}
"""Of all commands: processes of one thread each, since threads of small networks wait for each other."""
ACTIONS = ("run", "status", "table")

out = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps that are not done yet, or say how far they are; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.ablation", description=str(__doc__).splitlines()[0],
        epilog="settings: " + ", ".join(f"{name} ({f.default})" for name, f in AblationSettings.model_fields.items()),
    )  # fmt: skip
    parser.add_argument("words", nargs="*", metavar="run|status|table|a=value",
                        help="what to do (run), and settings such as folder=work/ablation seeds=5 jobs=2")  # fmt: skip
    words = parser.parse_args(arguments).words
    actions = [word for word in words if word in ACTIONS] or ["run"]
    overrides = [word for word in words if word not in ACTIONS]
    try:
        if actions[0] == "run":
            return run(load_settings(AblationSettings, overrides=overrides))
        settings = _settings_of(load_settings(AblationSettings, overrides=overrides), overrides)
        study = Study(settings)
        out.print(study.line() if actions[0] == "status" else study.table(), markup=False)
    except HawkeyeError as error:
        errors.print(f"error: {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        errors.print("stopped; run it again to go on")
        return 130
    return 0


def run(settings: AblationSettings) -> int:
    """Do what is not done; returns the exit code.

    Raises:
        HawkeyeError: Another process is at work in the folder, or results cannot be read.
        KeyboardInterrupt: It was interrupted; trainings have written their checkpoints.
    """
    study, paths = Study(settings), settings.paths
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _leave)
    with _alone(settings):
        os.nice(settings.nice)
        if found := left_behind(paths.logs):
            study.say(f"ending what a killed run has left behind: {', '.join(found)}")
        stop_left_behind(paths.logs)
        write_text(paths.settings, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
        study.tidy()
        study.say(study.line())
        lanes = Lanes(study.stamps, paths.logs, jobs=settings.jobs, watch=study, again="make ablation", env=ENV,
                      keep_going=True)  # fmt: skip
        failures = lanes.run(study.steps)
        out.print(study.table())
        study.say(study.line())
    if failures:
        errors.print(f"{len(failures)} steps failed, see above; run it again to try them again", style="red")
        return 1
    out.print(f"report: {paths.report}")
    return 0


class Study:
    """A plan and how far it has come; told by :class:`flows.lanes.Lanes`, it prints a line for all that happens.

    Args:
        settings: Of the study.
    """

    def __init__(self, settings: AblationSettings) -> None:
        self.settings = settings
        self.steps = plan(settings)
        self.stamps = Stamps(settings.paths.done)
        self._begun: dict[str, float] = {}

    def line(self) -> str:
        """The status."""
        found = standing(self.steps, self.stamps, self.settings.paths.logs, jobs=self.settings.jobs)
        return f"{self.settings.folder}: {len(self.steps)} steps: {found.line()}"

    def table(self) -> Table:
        """F2 and mAP of the rows, as far as they are there.

        Raises:
            HawkeyeError: Results are missing or damaged.
        """
        return summary_table(self.settings, read_found(self.settings, self._seeds()))

    def say(self, text: str) -> None:
        """A line with the time."""
        out.print(f"{time.strftime('%H:%M:%S')}  {text}", markup=False)

    def tidy(self) -> None:
        """Remove the checkpoints to resume from of trainings that are done; the final one stays."""
        for step in self.steps:
            if step.run is not None and self.stamps.is_done(step):
                shutil.rmtree(step.run / "checkpoints", ignore_errors=True)

    def begins(self, step: Step) -> None:
        """Its title, and its command to type."""
        self._begun[step.name] = time.monotonic()
        self.say(f"begins  {step.title}")

    def goes_on(self, step: Step) -> None:
        """Nothing to say."""

    def done(self, step: Step) -> None:
        """How long it took, how much is left; the table when a seed is complete."""
        self.say(f"done    {step.title}, {duration(time.monotonic() - self._begun[step.name])}; {self._left()}")
        self.tidy()
        seeds = self._seeds().values()
        complete = min(map(len, seeds))
        if step.kind == EVALUATE and complete and complete == max(map(len, seeds)) and complete < self.settings.seeds:
            out.print(self.table())

    def failed(self, step: Step, error: StepFailedError) -> None:
        """The end of its log."""
        errors.print(f"{time.strftime('%H:%M:%S')}  FAILED  {error}", style="red", markup=False)

    def stopped(self, step: Step) -> None:
        """That it goes on next time."""
        self.say(f"stopped {step.title}")

    def _seeds(self) -> dict[str, list[int]]:
        return seeds_done(self.settings, self.steps, self.stamps)

    def _left(self) -> str:
        found = standing(self.steps, self.stamps, self.settings.paths.logs, jobs=self.settings.jobs)
        left = "" if found.left_s is None else f", about {duration(found.left_s)} left"
        return f"{found.done}/{len(self.steps)}{left}"


def _settings_of(given: AblationSettings, overrides: Sequence[str]) -> AblationSettings:
    """The settings of the last run in the folder, with the given ones over them."""
    path = given.paths.settings
    return load_settings(AblationSettings, config=path, overrides=overrides) if path.is_file() else given


@contextmanager
def _alone(settings: AblationSettings) -> Iterator[None]:
    """Hold the folder; the system lets go of it when the process ends, however it ends."""
    settings.paths.folder.mkdir(parents=True, exist_ok=True)
    with (settings.paths.folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HawkeyeError(
                "another process is at work in this folder", path=settings.folder,
                remedy="wait for it, or stop it; `make ablation ARGS=status` says how far it is",
            ) from error  # fmt: skip
        yield


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
