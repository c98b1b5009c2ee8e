"""A bar for each chain of the demonstration, while its commands run."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.lanes import StepFailedError
from flows.steps import Step, progress_of


class Bars:
    """Shows how far the trainings of each chain have come; see :class:`flows.lanes.Watch`.

    Args:
        steps: All of them, chain after chain.
        kept: Names of those that are done already.
    """

    def __init__(self, steps: Iterable[Step], kept: Iterable[str]) -> None:
        self._open: dict[str, set[str]] = {}
        for step in steps:
            self._open.setdefault(step.chain, set()).update({step.name} - set(kept))
        self._progress = Progress(
            TextColumn("    {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        for chain, left in self._open.items():
            self._bars[chain] = self._progress.add_task(chain, total=None, note="waits")
            if not left:
                self._progress.update(self._bars[chain], completed=1, total=1, note="done")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begins(self, step: Step) -> None:
        """Its bar says what it is."""
        self.goes_on(step)

    def goes_on(self, step: Step) -> None:
        """Its bar moves."""
        at = progress_of(step)
        self._progress.update(self._bars[step.chain], completed=at.done, total=at.of, note=_what(step))

    def done(self, step: Step) -> None:
        """Its bar is full if it was the last of its chain."""
        self.goes_on(step)
        self._open[step.chain].discard(step.name)
        if not self._open[step.chain]:
            self._progress.update(self._bars[step.chain], completed=1, total=1, note="done")

    def failed(self, step: Step, error: StepFailedError) -> None:
        """Its bar says so."""
        self._progress.update(self._bars[step.chain], note=f"{_what(step)}: failed")

    def stopped(self, step: Step) -> None:
        """Its bar says so."""
        self._progress.update(self._bars[step.chain], note=f"{_what(step)}: stopped")


def _what(step: Step) -> str:
    return step.title.partition(": ")[2]
