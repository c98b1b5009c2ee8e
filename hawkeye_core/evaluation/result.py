"""The results of one evaluation: rows of numbers, and what they are worth, as a table, Markdown or JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
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
from hawkeye_core.evaluation.ties import order_free_map

ORDERS = 200
"""Orders of equal scores that are drawn where the mean over all of them has no closed form."""
SHOWN = 5
"""Names of videos printed below the table; all of them stand in results.json."""


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


def score_row(name: str, detections: Sequence[Detection], truth: Truth, *, note: str = "", orders: int = ORDERS) -> Row:
    """All metrics of some detections, frames pooled over all videos.

    Args:
        name: Of the row.
        detections: Of one system.
        truth: Of the split.
        note: Behind the name.
        orders: Of equal scores, as :data:`ORDERS`; 0: they rank in the order given.
    """
    counts = FrameCounts()
    for video, duration in truth.durations.items():
        frames = round(duration * FPS)
        said = [(item.start_s, item.end_s) for item in detections if item.video == video]
        counts += count_frames(frame_mask(truth.segments[video], frames), frame_mask(said, frames))
    return Row(
        name, note, false_negative_rate(counts), f_beta(counts), precision(counts), recall(counts),
        _mean_ap(truth, detections, orders), len(detections),
    )  # fmt: skip


def _mean_ap(truth: Truth, detections: Sequence[Detection], orders: int) -> Mapping[str, float]:
    """mAP; where scores are equal, its mean over all orders of them, since no order is better than another."""
    if not orders or len({item.score for item in detections}) == len(detections):
        return mean_average_precision(truth.segments, detections)
    return order_free_map(truth.segments, detections, seed=0, orders=orders).best


@dataclass(frozen=True, slots=True)
class FrameRanking:
    """How well all frames of a split are ranked; rates as parts of 1.

    Args:
        by: What ranks them.
        auc: Area under the ROC curve; 0.5 is chance.
        average_precision: Of frames; the base rate is chance.
        base_rate: Anomalous frames among all.
    """

    by: str
    auc: float
    average_precision: float
    base_rate: float


@dataclass(frozen=True, slots=True)
class EvalResult:
    """What `hawkeye eval` found.

    Args:
        rows: The model's first, then those that need no model.
        protocol: Which videos, which labels, which frames.
        marks: Why the model's row says nothing about the method (untrained parts); empty if it does.
        unparsed_rate: Part of the answers that could not be read; they count as missed. Not a number without answers.
        statuses: Answers by status.
        seconds_per_minute: Wall time from stored features to segments for a minute of video; None of predictions that
            others made, and where no window was answered now.
        files: What was written.
        unit: What was answered: windows, videos or clips.
        missing: Videos without a prediction, which count as missed.
        left_out: Predictions of annotated videos that are not of this split.
        remarks: What was changed in the predictions, by rule, and how often.
        inference: What the time is counted from.
        frames: Rankings of the frames by what the first row's system says.
        stages: ``seconds_per_minute`` by stage.
        known: Part of the windows, by their seconds, whose answers an interrupted run had left; not in the times.
    """

    rows: tuple[Row, ...]
    protocol: str
    marks: tuple[str, ...]
    unparsed_rate: float
    statuses: Mapping[str, int]
    seconds_per_minute: float | None
    files: tuple[str, ...] = ()
    unit: str = "windows"
    missing: tuple[str, ...] = ()
    left_out: int = 0
    remarks: Mapping[str, int] = field(default_factory=dict)
    inference: str = "from stored features"
    frames: tuple[FrameRanking, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    known: float = 0.0

    def table(self) -> Table:
        """For the terminal."""
        head, *cells = self._cells()
        table = Table(
            title="IasDig, %", title_justify="left", caption=escape(self._footer()), caption_justify="left", box=SIMPLE,
            padding=(0, 1, 0, 0), show_edge=False, pad_edge=False,
        )  # fmt: skip
        for index, name in enumerate(head):
            table.add_column(name, justify="right" if index else "left", no_wrap=True, min_width=19 if not index else 5)
        for row in cells:
            table.add_row(*map(escape, row))
        return table

    def to_markdown(self) -> str:
        """A table and its footnotes."""
        head, *cells = self._cells()
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *cells]
        body = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
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
        rate = f"; unparsed {_percent(self.unparsed_rate)} % of the {self.unit} (counted as missed)"
        lines = [
            f"Protocol: {self.protocol}; @: AP at that tIoU",
            f"Answers: {counts}{rate}" if counts else "Answers: none, segments only",
            *self._ranked(),
            *self._omissions(),
            *self._timed(),
        ]
        if self.marks:
            lines.append(f"UNTRAINED: {'; '.join(self.marks)}. The first row shows that the path runs, nothing more.")
        return "\n\n".join(lines) if markdown else "\n".join(lines)

    def _ranked(self) -> list[str]:
        """AUC and AP of frames."""
        said = [f"AUC {_percent(one.auc)}, AP {_percent(one.average_precision)} by {one.by}" for one in self.frames]
        return [f"Frames: {'; '.join(said)} (base rate {_percent(self.frames[0].base_rate)})"] if said else []

    def _timed(self) -> list[str]:
        """Inference time, and what it is not the time of."""
        known = f"; {_percent(self.known)} % were known from an interrupted run" if self.known else ""
        if self.seconds_per_minute is None:
            return [f"Inference: not measured{known}"] if known else []
        parts = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in self.stages.items())
        time = f"{self.seconds_per_minute:.2f} s a minute of video{f' ({parts})' if parts else ''}"
        return [f"Inference {self.inference}: {time}{known}"]

    def _omissions(self) -> list[str]:
        """What is not there, left out or changed."""
        lines = []
        if self.missing:
            names = ", ".join(self.missing[:SHOWN]) + (", ..." if len(self.missing) > SHOWN else "")
            lines.append(f"Without a prediction: {len(self.missing)} videos (counted as missed): {names}")
        if self.left_out:
            lines.append(f"Left out: predictions of {self.left_out} annotated videos that are not evaluated here")
        if self.remarks:
            lines.append("Changed: " + "; ".join(f"{count} x {rule}" for rule, count in self.remarks.items()))
        return lines


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
