"""Progress bars of long work on standard error, with a count and the time that is left."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def step_progress(*, shown: bool = True) -> Progress:
    """A bar with count, time gone, time left, and a task's field ``note``, which every task must have.

    Args:
        shown: Off in processes other than the main one.
    """
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("eta"),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=Console(stderr=True, soft_wrap=True),
        disable=not shown,
    )  # fmt: skip
