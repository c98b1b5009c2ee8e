"""The layouts of the paper's Tables 1 and 2 with our rows, and the paper's own rows beside them, marked as quoted.

Legend: S seeds. Rates come as parts of 1 and are shown in percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Literal

from hawkeye_core.datasets.ucf_classes import TABLE_2 as CRIMES
from hawkeye_core.datasets.ucf_classes import paper_name
from hawkeye_core.evaluation import paper_numbers as paper
from hawkeye_core.evaluation.metrics import TIOUS
from hawkeye_core.evaluation.result import Row
from hawkeye_core.evaluation.significance import Comparison, summarise
from hawkeye_core.evaluation.tables import Cell, Column, ResultTable, TableRow

Kind = Literal["ours", "ablation", "baseline", "trivial"]

SECTIONS: Mapping[Kind, str] = {
    "baseline": "Baselines, measured",
    "ours": "Ours, measured",
    "ablation": "Ablations, measured",
    "trivial": "Need no model, not ranked: FNR and F2 reward over-prediction",
}
"""Headings of the measured rows, in the order of the table."""

QUOTED = "Quoted from the paper †"


@dataclass(frozen=True, slots=True)
class Measured:
    """One system of Table 1.

    Args:
        name: Of the system.
        kind: Which section it stands in.
        runs: Rows of its runs, one a seed, by data set (``S-S``, ``S-D``); a data set may be missing.
        seconds: Inference seconds for a minute of video, by data set.
        marks: By the title of a column (``S-S F2``), see :func:`marks_of`.
    """

    name: str
    kind: Kind
    runs: Mapping[str, Sequence[Row]]
    seconds: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CrimeRates:
    """One system of Table 2.

    Args:
        name: Of the system.
        kind: Which section it stands in.
        fnr: [S] FNR by crime (the folders of UCF-Crime), one a seed; NaN throughout where no frame is positive.
        note: Why the row says little (``UNTRAINED``); such a row is not ranked.
        marks: By the heading of a column (``Accident`` for ``RoadAccidents``).
    """

    name: str
    kind: Kind
    fnr: Mapping[str, Sequence[float]]
    note: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)


def marks_of(family: Iterable[Comparison], name: str) -> dict[str, str]:
    """Marks of the row ``name`` by metric: where the reference (``first``) differs from it, in either direction.

    The metric of a comparison is the title of a column. So marks stand at the rows compared with, as the reference has
    several comparisons and could bear only one mark.
    """
    return {one.metric: one.mark for one in family if one.second == name and one.mark}


def table_1(
    measured: Sequence[Measured], *, protocols: Mapping[str, str], statement: str = "", quoted: bool = True
) -> ResultTable:
    """Table 1: FNR, F2, mAP@tIoU and inference time on both data sets.

    Args:
        measured: In any order; sections follow :data:`SECTIONS`.
        protocols: Which videos and labels, by data set.
        statement: On significance, from :func:`~hawkeye_core.evaluation.significance.statement`.
        quoted: Whether the paper's rows stand beside them.
    """
    columns = tuple(column for data in (paper.SPARSE, paper.DENSE) for column in _columns(data))
    rows = [
        _ranked_row(one.name, one.kind, _notes(one), _cells(one))
        for kind in SECTIONS for one in measured if one.kind == kind
    ]  # fmt: skip
    if quoted:
        rows += [_quoted_row(row.name, (*astuple(row.sparse), *astuple(row.dense))) for row in paper.TABLE_1]
    uneven = "; ".join(f"{name} on {data}: {mean:.2f}" for (name, data), mean in paper.UNEVEN_MEANS.items())
    footnotes = [
        "FNRs, F2, mAP in percent; I.T.: seconds of inference for a minute of video; ↓: lower is better.",
        *(f"{data}: {text}." for data, text in protocols.items()),
        _seeds({one.name: {len(runs) for runs in one.runs.values()} for one in measured}),
        statement,
        *([f"† {paper.CAVEAT.format(table='Table 1')} Its averages are as printed; means of its three APs that differ "
           f"from them: {uneven}."] if quoted else []),
    ]  # fmt: skip
    return ResultTable(
        "Discovering and grounding on both IasDig data sets", columns, tuple(rows), tuple(filter(None, footnotes))
    )


def table_2(measured: Sequence[CrimeRates], *, protocol: str, statement: str = "", quoted: bool = True) -> ResultTable:
    """Table 2: FNR by the 13 crimes of the scene-density data set. Arguments as :func:`table_1`.

    Raises:
        AnnotationError: A crime is no folder of UCF-Crime.
    """
    columns = tuple(Column(crime, better="lower") for crime in CRIMES)
    rows = []
    for kind in SECTIONS:
        for one in measured:
            if one.kind == kind:
                by_heading = {paper_name(folder): values for folder, values in one.fnr.items()}
                cells = [_over_seeds(by_heading.get(crime, ()), one.marks.get(crime, "")) for crime in CRIMES]
                rows.append(_ranked_row(one.name, kind, one.note, cells))
    if quoted:
        rows += [_quoted_row(name, values) for name, values in paper.TABLE_2.items()]
    footnotes = [
        "FNR in percent, lower is better.",
        f"{paper.DENSE}: {protocol}.",
        _seeds({one.name: {len(values) for values in one.fnr.values()} for one in measured}),
        statement,
        *([f"† {paper.CAVEAT.format(table='Table 2')}"] if quoted else []),
    ]
    return ResultTable(
        "False negative rates by crime, scene-density data set", columns, tuple(rows), tuple(filter(None, footnotes))
    )


def _columns(data: str) -> list[Column]:
    return [
        Column("FNRs", data, "lower"), Column("F2", data), *(Column(f"mAP@{tiou:g}", data) for tiou in TIOUS),
        Column("mAP", data), Column("I.T.", data, "lower", 1),
    ]  # fmt: skip


def _cells(one: Measured) -> list[Cell]:
    found = []
    for data in (paper.SPARSE, paper.DENSE):
        runs = one.runs.get(data, ())
        values = [[row.fnr for row in runs], [row.f2 for row in runs]]
        values += [[row.mean_ap[key] for row in runs] for key in (*(f"{tiou:g}" for tiou in TIOUS), "mean")]
        *rates, time = _columns(data)
        found += [_over_seeds(v, one.marks.get(column.title, "")) for v, column in zip(values, rates, strict=True)]
        found.append(Cell(one.seconds.get(data, math.nan), mark=one.marks.get(time.title, "")))
    return found


def _over_seeds(values: Sequence[float], mark: str) -> Cell:
    """Mean and spread in percent; empty without runs, or if the metric is undefined in all of them."""
    if all(map(math.isnan, values)):
        return Cell()
    found = summarise(values)
    return Cell(100 * found.mean, 100 * found.std, mark)


def _notes(one: Measured) -> str:
    return ", ".join(dict.fromkeys(row.note for runs in one.runs.values() for row in runs if row.note))


def _ranked_row(name: str, kind: Kind, note: str, cells: Sequence[Cell]) -> TableRow:
    ranked = kind != "trivial" and not note
    return TableRow(f"{name} ({note})" if note else name, tuple(cells), SECTIONS[kind], ranked)


def _quoted_row(name: str, values: Iterable[float]) -> TableRow:
    return TableRow(f"{name} †", tuple(Cell(float(value)) for value in values), QUOTED, ranked=False)


def _seeds(counts: Mapping[str, set[int]]) -> str:
    """Which rows are means over seeds."""
    several = [f"{name} ({'/'.join(map(str, sorted(n)))})" for name, n in counts.items() if n and max(n) > 1]
    if not several:
        return "Each measured row is one run: no spread over seeds is known." if counts else ""
    return f"±: standard deviation over seeds ({', '.join(several)}); measured rows without it are one run."
