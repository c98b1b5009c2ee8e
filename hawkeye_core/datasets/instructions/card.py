"""The card of a data set: how much there is, where it comes from, what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean, median

from pydantic import Field

from hawkeye_core.datasets.instructions.rows import Instruction
from hawkeye_core.datasets.source import Remark
from hawkeye_core.settings import Settings

PAPER_FIGURE_3: Mapping[str, Mapping[str, float]] = {
    "S-S train": {"videos": 190, "segments_per_video": 0.33},
    "S-D train": {"videos": 810, "segments_per_video": 1.09},
    "S-S test": {"videos": 98, "segments_per_video": 0.33},
    "S-D test": {"videos": 290, "segments_per_video": 1.09},
}
"""What the paper states of its sets (section 4.1 and Figure 3): videos, and segments a video of each kind."""
PAPER_STAGE_1: Mapping[str, int] = {"regions": 200_000, "motions": 25_000}
"""Images of RefCOCO and videos of HumanML3D that the paper states. RefCOCO has some 20,000 images and 142,000
expressions: expressions must be meant (DESIGN section 9)."""


class SetCounts(Settings):
    """One kind and split: counts, and times in seconds."""

    videos: int
    anomalous: int
    """Videos with a segment."""
    segments: int
    segments_per_video: float
    mean_segment_s: float
    median_segment_s: float
    hours: float
    """Of the videos whose duration is known."""
    unknown_durations: int
    base_rate: float | None
    """Anomalous share of the time of the videos whose duration is known."""
    labels: dict[str, int]
    """Videos by the data set's own word."""
    categories: dict[str, int]
    """Segments by category."""


class Stage1Counts(Settings):
    """A table of stage 1, by split."""

    rows: dict[str, int]
    """Expressions or captions."""
    videos: dict[str, int]
    """Pictures or clips they are about."""


class DataCard(Settings):
    """``card.json``."""

    sets: dict[str, SetCounts]
    """By kind and split: ``S-S train``."""
    stage1: dict[str, Stage1Counts] = Field(default_factory=dict)
    """``regions`` and ``motions``."""
    protocols: dict[str, str]
    """By source."""
    files: dict[str, str]
    """SHA-256 of all that was read, as ``source/file``."""
    tables: dict[str, str]
    """SHA-256 of all that was written."""
    remarks: dict[str, int]
    """How often each rule was used: ``dropped: ends behind the video``."""
    seed: int
    phrasings: int
    versions: dict[str, str]
    git_commit: str | None


def counts_of(rows: Sequence[Instruction]) -> dict[str, SetCounts]:
    """Counts by kind and split, in the order of appearance."""
    groups: dict[str, list[Instruction]] = {}
    for row in rows:
        groups.setdefault(f"{row.sentiment} {row.split}", []).append(row)
    return {name: _counts(group) for name, group in groups.items()}


def _counts(rows: Sequence[Instruction]) -> SetCounts:
    lengths = [s.end_s - s.start_s for row in rows for s in row.segments]
    timed = [row for row in rows if row.duration_s is not None]
    seconds = sum(row.duration_s or 0.0 for row in timed)
    anomalous_s = sum(s.end_s - s.start_s for row in timed for s in row.segments)
    return SetCounts(
        videos=len(rows), anomalous=sum(bool(row.segments) for row in rows), segments=len(lengths),
        segments_per_video=round(len(lengths) / len(rows), 4),
        mean_segment_s=round(mean(lengths), 3) if lengths else 0.0,
        median_segment_s=round(median(lengths), 3) if lengths else 0.0,
        hours=round(seconds / 3600, 3), unknown_durations=len(rows) - len(timed),
        base_rate=round(anomalous_s / seconds, 4) if seconds else None,
        labels=dict(sorted(Counter(row.label for row in rows if row.label).items())),
        categories=dict(sorted(Counter(s.category for row in rows for s in row.segments).items())),
    )  # fmt: skip


def counted(remarks: Sequence[Remark]) -> dict[str, int]:
    """How often each rule was used, commonest first."""
    return dict(Counter(f"{remark.deed}: {remark.rule}" for remark in remarks).most_common())


def as_markdown(card: DataCard) -> str:
    """The card as two tables and two lists."""
    lines = [
        "# Data card", "",
        "| set | videos | anomalous | segments | a video | the paper | mean s | hours | base rate |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for name, one in card.sets.items():
        paper = PAPER_FIGURE_3.get(name)
        stated = f"{paper['videos']:g} videos, {paper['segments_per_video']:.2f}" if paper else ""
        rate = "unknown" if one.base_rate is None else f"{one.base_rate:.1%}"
        hours = f"{one.hours:.1f}" + (f" + {one.unknown_durations} unknown" if one.unknown_durations else "")
        lines.append(
            f"| {name} | {one.videos:,} | {one.anomalous:,} | {one.segments:,} | {one.segments_per_video:.2f} "
            f"| {stated} | {one.mean_segment_s:.1f} | {hours} | {rate} |"
        )
    if card.stage1:
        lines += [
            "",
            "| stage 1 | train | test | pictures or clips | the paper |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
    for name, table in card.stage1.items():
        rows = " | ".join(f"{table.rows.get(split, 0):,}" for split in ("train", "test"))
        lines.append(f"| {name} | {rows} | {sum(table.videos.values()):,} | {PAPER_STAGE_1[name]:,} |")
    lines += ["", "## Protocols", "", *(f"* {source}: {text}" for source, text in card.protocols.items())]
    lines += ["", "## What was changed or left out", ""]
    lines += [f"* {count:,} x {rule}" for rule, count in card.remarks.items()] or ["* nothing"]
    lines += ["", "## Read", "", "| file | SHA-256 |", "| --- | --- |"]
    lines += [f"| {name} | `{digest}` |" for name, digest in card.files.items()]
    lines += ["", "## Written", "", "| file | SHA-256 |", "| --- | --- |"]
    lines += [f"| {name} | `{digest}` |" for name, digest in card.tables.items()]
    versions = ", ".join(f"{name} {value}" for name, value in card.versions.items())
    lines += ["", f"Seed {card.seed}, {card.phrasings} phrasings, {versions}, commit {card.git_commit or 'none'}."]
    return "\n".join(lines) + "\n"
