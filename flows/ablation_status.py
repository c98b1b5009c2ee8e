"""How far a study has come: one line, with the time that is left by what its steps have taken so far."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.ablation_steps import DRAW, EVALUATE, REPORT, STORE, evaluation_name
from flows.children import noted
from flows.stamps import Stamps
from flows.steps import Step, progress_of
from hawkeye_core.ablation.config import AblationSettings

ALONE = (DRAW, STORE)
"""Kinds that use all lanes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the steps have come.

    Args:
        done: Their number.
        running: With what they are at.
        failed: Behind an error; run again, they are tried again.
        waiting: Neither; interrupted ones too.
        left_s: Seconds that are left with all lanes in use; None as long as a kind of step was never timed.
    """

    done: int
    running: tuple[str, ...]
    failed: tuple[str, ...]
    waiting: int
    left_s: float | None

    def line(self) -> str:
        """In words."""
        parts = [f"{self.done} done", f"{len(self.running)} running" + _listed(self.running), f"{self.waiting} waiting"]
        if self.failed:
            parts.append(f"{len(self.failed)} FAILED{_listed(self.failed)}")
        if self.running or self.waiting:
            parts.append("time left not known yet" if self.left_s is None else f"about {duration(self.left_s)} left")
        return "; ".join(parts)


def standing(steps: Sequence[Step], stamps: Stamps, logs: Path, *, jobs: int) -> Standing:
    """Look at stamps, processes and the metrics of trainings.

    Args:
        steps: The plan.
        stamps: Of it.
        logs: Folder with the notes of running processes.
        jobs: Lanes.
    """
    usual = usual_seconds(steps, stamps)
    done, running, failed, waiting = 0, [], [], 0
    left: dict[bool, float] = {True: 0.0, False: 0.0}  # of steps that run alone, and side by side
    known = True
    for step in steps:
        status = stamps.status(step)
        if status == "done":
            done += 1
            continue
        process = noted(logs / f"{step.name}.pid") if status == "begun" else None
        if process is not None:
            at = progress_of(step)
            running.append(step.title + (f" {at.done}/{at.of}" if at.of else ""))
            rest = _rest(step, usual.get(step.kind), time.time() - process.create_time())
        else:
            rest = usual.get(step.kind)
            if status == "failed":
                failed.append(step.title)
            else:
                waiting += 1
        if rest is None and step.kind != REPORT:
            known = False
        left[step.kind in ALONE] += rest or 0.0
    seconds = left[True] + left[False] / jobs
    return Standing(done, tuple(running), tuple(failed), waiting, seconds if known else None)


def usual_seconds(steps: Sequence[Step], stamps: Stamps) -> Mapping[str, float]:
    """Median seconds of the steps that are done, by kind."""
    times: dict[str, list[float]] = defaultdict(list)
    for step in steps:
        if stamps.is_done(step):
            times[step.kind].append(stamps.seconds(step))
    return {kind: statistics.median(values) for kind, values in times.items()}


def seeds_done(settings: AblationSettings, steps: Sequence[Step], stamps: Stamps) -> dict[str, list[int]]:
    """Seeds whose evaluation is done, by key of the row."""
    done = {step.name for step in steps if step.kind == EVALUATE and stamps.is_done(step)}
    return {
        row.key: [seed for seed in range(settings.seeds) if evaluation_name(settings, row, seed) in done]
        for row in settings.rows
    }


def duration(seconds: float) -> str:
    """``3 h 20 min``, ``12 min`` or ``40 s``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _rest(step: Step, usual: float | None, gone_s: float) -> float | None:
    """Seconds that a running step still takes: by its own speed, or by what its kind usually takes."""
    at = progress_of(step)
    if at.of and at.step_s is not None:
        return max(0, at.of - at.done - 1) * at.step_s
    return None if usual is None else max(0.0, usual - gone_s)


def _listed(titles: Sequence[str]) -> str:
    return f" ({', '.join(titles)})" if titles else ""
