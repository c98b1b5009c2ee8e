"""The results of one evaluation: rows of numbers, and what they are worth, as a table, Markdown or JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from hawkeye_core.evaluation.metrics import (
    FPS,
    TIOUS,
    Detection,
    FrameCounts,
    Interval,
    count_frames,
    f_beta,
    false_negative_rate,
    frame_mask,
    mean_average_precision,
    precision,
    recall,
)


@dataclass(frozen=True, slots=True)
class Truth:
    """Annotated videos of a split: lengths in seconds and segments."""

    durations: Mapping[str, float]
    segments: Mapping[str, Sequence[Interval]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; rates as parts of 1, not a number where undefined."""

    name: str
    note: str
    fnr: float
    f2: float
    precision: float
    recall: float
    mean_ap: Mapping[str, float]
    segments: int


def score_row(name: str, detections: Sequence[Detection], truth: Truth, *, note: str = "") -> Row:
    """All metrics of some detections, frames pooled over all videos."""
    counts = FrameCounts()
    for video, duration in truth.durations.items():
        frames = round(duration * FPS)
        said = [(item.start_s, item.end_s) for item in detections if item.video == video]
        counts += count_frames(frame_mask(truth.segments[video], frames), frame_mask(said, frames))
    return Row(
        name, note, false_negative_rate(counts), f_beta(counts), precision(counts), recall(counts),
        mean_average_precision(truth.segments, detections), len(detections),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EvalResult:
    """What `hawkeye eval` found.

    Args:
        rows: The model's first, then those that need no model.
        protocol: Which videos, which labels, which frames.
        marks: Why the model's row says nothing about the method (untrained parts); empty if it does.
        unparsed_rate: Part of the windows whose answer could not be read; they count as missed.
        statuses: Windows by status of their answer.
        seconds_per_minute: Wall time from stored features to segments for a minute of video.
        files: What was written.
    """

    rows: tuple[Row, ...]
    protocol: str
    marks: tuple[str, ...]
    unparsed_rate: float
    statuses: Mapping[str, int]
    seconds_per_minute: float
    files: tuple[str, ...] = ()

    def table(self) -> Table:
        """For the terminal."""
        head, *cells = self._cells()
        table = Table(
            title="IasDig, %", title_justify="left", caption=self._footer(), caption_justify="left", box=SIMPLE,
            padding=(0, 1, 0, 0), show_edge=False, pad_edge=False,
        )  # fmt: skip
        for index, name in enumerate(head):
            table.add_column(name, justify="right" if index else "left", no_wrap=True, min_width=19 if not index else 5)
        for row in cells:
            table.add_row(*row)
        return table

    def to_markdown(self) -> str:
        """A table and its footnotes."""
        head, *cells = self._cells()
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *cells]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{body}\n\n{self._footer(markdown=True)}\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is undefined is null."""
        return _plain(asdict(self))

    def _cells(self) -> list[list[str]]:
        thresholds = [f"{tiou:g}" for tiou in TIOUS]
        head = ["", "FNR", "F2", "prec.", "recall", *(f"@{t}" for t in thresholds), "mAP"]
        rows = [
            [f"{row.name} ({row.note})" if row.note else row.name,
             *map(_percent, (row.fnr, row.f2, row.precision, row.recall)),
             *(_percent(row.mean_ap[t]) for t in [*thresholds, "mean"])]
            for row in self.rows
        ]  # fmt: skip
        return [head, *rows]

    def _footer(self, *, markdown: bool = False) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.statuses.items() if count)
        lines = [
            f"Protocol: {self.protocol}; @: AP at that tIoU",
            f"Answers: {counts}; unparsed {_percent(self.unparsed_rate)} % of the windows (counted as missed)",
            f"Inference from stored features: {self.seconds_per_minute:.2f} s a minute of video",
        ]
        if self.marks:
            lines.append(f"UNTRAINED: {'; '.join(self.marks)}. The first row shows that the path runs, nothing more.")
        return "\n\n".join(lines) if markdown else "\n".join(lines)


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
