"""The paper's Table 2: FNR by crime, or by whatever categories the annotation has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hawkeye_core.datasets.ucf_classes import CATEGORY_TEXTS, PAPER_NAMES
from hawkeye_core.datasets.ucf_classes import TABLE_2 as CRIMES
from hawkeye_core.evaluation.by_class import NORMAL_LABELS, rows_by_class
from hawkeye_core.evaluation.metrics import FPS, FrameCounts, Interval, count_frames, false_negative_rate, frame_mask
from hawkeye_core.evaluation.paper_numbers import DENSE
from hawkeye_core.evaluation.paper_tables import SECTIONS, CrimeRates, table_2
from hawkeye_core.evaluation.protocol import VideoTruth
from hawkeye_core.evaluation.result import Truth
from hawkeye_core.evaluation.scored_run import Run
from hawkeye_core.evaluation.systems import Study, System
from hawkeye_core.evaluation.tables import Column, ResultTable, TableRow
from hawkeye_core.report.tables import ordered, percent_cell, protocol_text

UNNAMED = "uncategorised"
"""Heading of anomalous videos without a category."""
MOST, OTHERS = 16, "others"
"""Headings a table has at most, and what the rarest are called beyond that."""


def second_table(study: Study, *, quoted: bool) -> ResultTable:
    """Table 2: FNR by category. On S-D the paper's 13 columns and rows; else the categories of the annotation."""
    if study.data == DENSE:
        labels = {video.video: ucf_label(video) for video in study.videos}
        rates = [
            CrimeRates(system.name, system.kind, _crime_rates(system, study.truth, labels), note=system.note)
            for system in study.systems
        ]
        table = table_2(rates, protocol=protocol_text(study), quoted=quoted)
        return ordered(replace(table, caption="Table 2. False negative rates by crime"))
    categories = categories_of(study.videos)
    columns = tuple(Column(name, better="lower") for name in categories)
    rows = []
    for system in study.systems:
        by_run = [_category_fnr(run, study, categories) for run in system.runs]
        rows.append(
            TableRow(
                system.label,
                tuple(percent_cell(values) for values in zip(*by_run, strict=True)),
                SECTIONS[system.kind],
                ranked=system.kind != "trivial" and not system.note,
            )
        )
    counts = ", ".join(f"{name} {number}" for name, number in categories.items())
    notes = (
        "FNR in percent, lower is better; pooled over the frames of all segments of a category, however a predicted "
        f"segment calls itself. Segments: {counts or 'none'}.",
        f"{study.data or 'Videos'}: {protocol_text(study)}.",
    )
    return ResultTable("Table 2. False negative rates by category", columns, tuple(rows), notes)


def categories_of(videos: Sequence[VideoTruth]) -> dict[str, int]:
    """Headings and how many segments stand under each: in the order of Table 2, others behind by name.

    Beyond ``MOST`` headings, the rarest are one, ``OTHERS``.
    """
    found = Counter(heading(segment.category or video.category) for video in videos for segment in video.segments)
    if len(found) > MOST:
        kept = dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[: MOST - 1])
        found = Counter(kept | {OTHERS: found.total() - sum(kept.values()) + kept.get(OTHERS, 0)})
    places = {name: place for place, name in enumerate(CRIMES)}
    order = sorted(found, key=lambda name: (name == OTHERS, places.get(name, len(places)), name))
    return {name: found[name] for name in order}


def heading(category: str) -> str:
    """A category as a heading: as the paper's Table 2 spells it where it is one of UCF-Crime's."""
    plain = " ".join(category.split())[:40]
    folder = next((name for name, text in CATEGORY_TEXTS.items() if plain in (name, text)), None)
    return PAPER_NAMES[folder] if folder else plain or UNNAMED


def ucf_label(video: VideoTruth) -> str:
    """Folder of a video of UCF-Crime, from its category or that of its segments; of normal ones any normal label."""
    if not video.segments and (not video.category or video.category.lower().startswith("normal")):
        return min(NORMAL_LABELS)
    said = video.category or next((s.category for s in video.segments if s.category), "")
    return next((folder for folder, text in CATEGORY_TEXTS.items() if said in (folder, text)), said)


def _category_fnr(run: Run, study: Study, categories: Iterable[str]) -> list[float]:
    counts = dict.fromkeys(categories, FrameCounts())
    said: dict[str, list[Interval]] = {video: [] for video in study.truth.durations}
    for item in run.detections:
        said[item.video].append((item.start_s, item.end_s))
    for video in study.videos:
        frames = round(video.duration_s * FPS)
        times: dict[str, list[Interval]] = {}
        for segment in video.segments:
            name = heading(segment.category or video.category)
            times.setdefault(name if name in counts else OTHERS, []).append((segment.start_s, segment.end_s))
        for name, spans in times.items():
            counts[name] += count_frames(frame_mask(spans, frames), frame_mask(said[video.video], frames))
    return [false_negative_rate(one) for one in counts.values()]


def _crime_rates(system: System, truth: Truth, labels: Mapping[str, str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in system.runs:
        for row in rows_by_class(run.detections, truth, labels):
            found.setdefault(row.label, []).append(row.fnr)
    return found
