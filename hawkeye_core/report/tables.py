"""The report's tables: the paper's Table 1 with our rows first, further measures, tests, inflection points.

Rates come as parts of 1 and are shown in percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hawkeye_core.evaluation.grounding import RECALL_TIOUS
from hawkeye_core.evaluation.metrics import FPS
from hawkeye_core.evaluation.paper_numbers import DENSE
from hawkeye_core.evaluation.paper_tables import QUOTED, SECTIONS, Measured, marks_of, table_1
from hawkeye_core.evaluation.scored_run import Run
from hawkeye_core.evaluation.significance import Comparison, statement, summarise
from hawkeye_core.evaluation.systems import ORDER, Study, System
from hawkeye_core.evaluation.tables import Cell, Column, ResultTable, TableRow
from hawkeye_core.report.comparisons import Comparisons
from hawkeye_core.report.convergence import PAPER, Inflection


def first_table(studies: Sequence[Study], comparisons: Comparisons, *, quoted: bool) -> ResultTable:
    """Table 1: our row, ablations, baselines, rows without a model, and the paper's rows where the data set is its own.

    Only columns of data sets that were measured are there. A data set that is not the paper's has one group of columns
    without a heading and no quoted rows: those stand in :func:`quoted_table`.
    """
    own = {study.heading: study.heading or DENSE for study in studies}
    renamed = {place: heading for heading, place in own.items()}
    names: dict[str, list[tuple[Study, System]]] = {}
    for study in studies:
        for system in study.systems:
            names.setdefault(system.name, []).append((study, system))
    marks = {name: marks_of(comparisons.marked, name) for name in names}
    measured = [
        Measured(
            name=name,
            kind=found[0][1].kind,
            runs={own[study.heading]: [run.row for run in system.runs] for study, system in found},
            seconds={own[study.heading]: _mean(run.seconds for run in system.runs) for study, system in found},
            marks={_placed(title, own): mark for title, mark in marks[name].items()},
        )
        for name, found in names.items()
    ]
    papers = quoted and all(study.heading for study in studies)
    table = table_1(measured, protocols={study.data or "Videos": protocol_text(study) for study in studies},
                    statement=statement(comparisons.marked), quoted=papers)  # fmt: skip
    table = ordered(_with_groups(table, renamed))
    caption = "Discovering and grounding" + (
        f" on {studies[0].data}"
        if len(studies) == 1 and studies[0].data
        else " on both IasDig data sets"
        if papers
        else ""
    )
    return replace(table, caption=f"Table 1. {caption}")


def quoted_table() -> ResultTable:
    """The paper's Table 1 alone, for reports on other videos than the paper's."""
    table = table_1([], protocols={})
    return replace(table, caption="Table 1 as the paper prints it")


def measures_table(studies: Sequence[Study]) -> ResultTable:
    """What the paper does not print: precision, recall, frame AUC and AP, unparsed answers, time, IoU and R@1."""
    heads = ["precision", "recall", "frame AUC", "frame AP", "mIoU", *(f"R@1, {tiou:g}" for tiou in RECALL_TIOUS)]
    columns = tuple(
        column
        for study in studies
        for column in (
            *(Column(name, study.heading, decimals=1) for name in heads),
            Column("unparsed", study.heading, "lower", 1), Column("s/min", study.heading, "lower", 1),
        )
    )  # fmt: skip
    names = {system.name: system for study in studies for system in study.systems}
    rows = []
    for name, one in names.items():
        cells: list[Cell] = []
        for study in studies:
            system = next((item for item in study.systems if item.name == name), None)
            values = (
                [_measures(run) for run in system.runs] if system else [[math.nan] * (len(columns) // len(studies))]
            )
            cells += [percent_cell(column) for column in zip(*values, strict=True)]
        rows.append(
            TableRow(one.label, tuple(cells), SECTIONS[one.kind], ranked=one.kind != "trivial" and not one.note)
        )
    by_curve = sorted({s.label for study in studies for s in study.systems if all(run.by_curve for run in s.runs)})
    notes = (
        "All in percent but s/min: seconds of inference for a minute of video. "
        f"Precision and recall over all frames at {FPS:g} a second. Frame AUC and AP: of anomaly curves held over "
        f"their seconds ({', '.join(by_curve) or 'none'}); of the others, of the scores of segments, 0 outside them, "
        "which is coarser: compare like with like.",
        "mIoU: seconds in both the predicted and the true segments over seconds in either, mean over the anomalous "
        "videos; R@1: part of them with an IoU of at least that. Without an answer the IoU is 0.",
    )
    return ResultTable("Further measures", columns, tuple(rows), notes)


def comparison_table(family: Sequence[Comparison], *, caption: str) -> ResultTable:
    """Every test of one family, in percentage points; a section for each row that ours is compared with.

    Args:
        family: Corrected by itself.
        caption: What the family is.
    """
    columns = (
        Column("difference", better="neither"), Column("low", better="neither"), Column("high", better="neither"),
        Column("n", better="neither", decimals=0), Column("p", better="neither", decimals=4),
        Column("p corrected", better="neither", decimals=4),
    )  # fmt: skip
    order = list(dict.fromkeys(one.second for one in family))
    rows = [
        TableRow(
            f"{one.metric}, {one.test}",
            (Cell(100 * one.difference, mark=one.mark), Cell(100 * one.low), Cell(100 * one.high), Cell(one.n),
             Cell(one.p), Cell(one.adjusted)),
            f"{one.first} minus {one.second}", ranked=False,
        )
        for one in sorted(family, key=lambda one: order.index(one.second))
    ]  # fmt: skip
    notes = (
        "First minus second, in percentage points, with the 95 % interval. Over seeds and videos each counts alike, so "
        "that a difference over videos is not that of pooled frames. The bootstrap ranks segments of equal scores in "
        "one drawn order, where Table 1 has the mean over all orders. A p of 0.0000 lies below 0.00005.",
        statement(family),
    )
    return ResultTable(caption, columns, tuple(rows), notes)


def inflection_table(found: Mapping[str, Sequence[Inflection]], *, rule: str, quoted: bool) -> ResultTable:
    """Inflection points of the loss curves; mean and spread over seeds.

    Args:
        found: One a seed, by name.
        rule: How they are found, in words.
        quoted: Whether the losses that the paper states stand beside them.
    """
    columns = (
        Column("step", better="lower", decimals=0), Column("loss there", better="lower"),
        Column("last loss", better="lower"), Column("runs", better="neither", decimals=0),
    )  # fmt: skip
    rows = [
        TableRow(name, (plain_cell([one.step for one in points]), plain_cell([one.loss for one in points]),
                        plain_cell([one.final for one in points]), Cell(len(points))), "Measured")
        for name, points in found.items()
    ]  # fmt: skip
    if quoted:
        rows += [
            TableRow(f"{name} †", (Cell(), Cell(loss), Cell(), Cell()), QUOTED, ranked=False) for name, loss in PAPER
        ]
    notes = [rule]
    if quoted:
        notes.append("† Stated in the paper's section 5.4, which does not say how the point was found; other models, "
                     "data and losses: not to be ranked against measured ones.")  # fmt: skip
    return ResultTable("Inflection points of the training losses", columns, tuple(rows), tuple(notes))


def protocol_text(study: Study) -> str:
    """Which videos, in words."""
    truth = study.truth
    count = sum(len(segments) for segments in truth.segments.values())
    return (
        f"{len(truth.durations)} videos ({sum(truth.durations.values()):.1f} s), {len(study.anomalous)} of them "
        f"anomalous, {count} segments, split {study.protocol.split}; frame metrics pooled at {FPS:g} fps, mAP as in "
        "ActivityNet, equal scores as the mean over their orders"
    )


def _measures(run: Run) -> list[float]:
    return [
        run.row.precision, run.row.recall, run.auc, run.frame_ap, run.grounding.mean_iou,
        *run.grounding.recall_at_1.values(), run.unparsed, run.seconds / 100,
    ]  # fmt: skip


def _placed(title: str, own: Mapping[str, str]) -> str:
    """Title of a column as :func:`table_1` knows it: of a data set that is not the paper's in the place of S-D."""
    data, _, metric = title.rpartition(" ")
    return f"{own.get(data, data)} {metric}"


def _with_groups(table: ResultTable, renamed: Mapping[str, str]) -> ResultTable:
    """Only the columns of measured data sets, under their names."""
    kept = [place for place, column in enumerate(table.columns) if column.group in renamed]
    columns = tuple(replace(table.columns[place], group=renamed[table.columns[place].group]) for place in kept)
    rows = tuple(replace(row, cells=tuple(row.cells[place] for place in kept)) for row in table.rows)
    return replace(table, columns=columns, rows=rows)


def ordered(table: ResultTable) -> ResultTable:
    """Sections as this report has them: ours, ablations, baselines, rows without a model, the paper's."""
    order = [*(SECTIONS[kind] for kind in ORDER), QUOTED]
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: order.index(row.section))))


def _mean(values: Iterable[float]) -> float:
    found = [value for value in values if not math.isnan(value)]
    return math.fsum(found) / len(found) if found else math.nan


def percent_cell(values: Sequence[float]) -> Cell:
    """Mean and spread over seeds, in percent; seeds in which the measure is undefined are left out."""
    plain = plain_cell(values)
    return Cell(100 * plain.value, 100 * plain.std)


def plain_cell(values: Sequence[float]) -> Cell:
    """Mean and spread over seeds; those in which the number is undefined are left out."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return Cell()
    summary = summarise(found)
    return Cell(summary.mean, summary.std)
