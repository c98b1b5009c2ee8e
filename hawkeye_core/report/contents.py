"""The page of an evaluation report: its sections and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hawkeye_core import __version__
from hawkeye_core.evaluation.systems import Study
from hawkeye_core.evaluation.tables import ResultTable
from hawkeye_core.report.blocks import DetailsBlock, PlainTable, ResultBlock
from hawkeye_core.report.choice import RULE
from hawkeye_core.report.comparisons import Comparisons
from hawkeye_core.report.config import ReportSettings
from hawkeye_core.report.drawing import for_page
from hawkeye_core.report.figure4 import Convergence, describe, draw_convergence, loss_name
from hawkeye_core.report.overview import describe as glance_words
from hawkeye_core.report.overview import draw_overview
from hawkeye_core.report.page import Block, FigureBlock, Report, Section
from hawkeye_core.report.panel_blocks import panel_blocks
from hawkeye_core.report.panels import Panel
from hawkeye_core.report.summary import lead, tiles

MAX_ROWS = 200
"""Rows of a table of folders or inputs."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a page shows.

    Args:
        studies: One a data set.
        comparisons: Of our system with the others.
        tables: By the name of their files.
        curves: Of Figure 4; none: no such section.
        panels: Of Figure 5, by data set.
        settings: Of the report.
    """

    studies: Sequence[Study]
    comparisons: Comparisons
    tables: Mapping[str, ResultTable]
    curves: Sequence[Convergence]
    panels: Mapping[str, Sequence[Panel]]
    settings: ReportSettings


def page_of(contents: Contents, *, panels: int) -> Report:
    """The page; every text that comes from a file is escaped when it is rendered.

    Args:
        contents: To be shown.
        panels: Of Figure 5, at most.
    """
    first = contents.studies[0].ours.name
    glance = FigureBlock("All rows at a glance", for_page(draw_overview(contents.studies), prefix="ov"),
                         glance_words(contents.studies), themed=True)  # fmt: skip
    sections = [
        Section("Summary", ["A dot is a seed; hollow bars need no model."],
                [*(tiles(study, shown=len(contents.studies) > 1) for study in contents.studies), glance]),
        Section("Table 1", [], [*_results(contents, "table1", first=first),
                                *_folded(contents, "table1-paper", "The paper's Table 1, quoted")]),
        Section("Differences", ["Which differences in Table 1 are more than chance, and by which test."],
                [*_results(contents, "comparisons", about="metric and test"),
                 *_folded(contents, "comparisons-more", "Further tests, and rows without a model")]),
        Section("Table 2", [], _results(contents, "table2", "table2-s-s", "table2-s-d", first=first)),
        Section("Further measures", [], _results(contents, "measures", first=first)),
    ]  # fmt: skip
    if contents.curves:
        sections.append(_convergence(contents))
    if any(contents.panels.values()):
        sections.append(_timelines(contents, panels))
    sections.append(_origin(contents))
    return Report(
        contents.settings.title, lead(contents.studies, contents.comparisons), [s for s in sections if s.blocks],
        f"Written by `hawkeye report` {__version__} from {len(contents.settings.evaluations)} evaluation folders and "
        f"{len(contents.settings.runs)} training runs. It needs no network.",
    )  # fmt: skip


def _results(contents: Contents, *names: str, first: str = "", about: str = "system") -> list[Block]:
    """Those of the named tables that there are."""
    return [_result(contents, name, first, about) for name in names if name in contents.tables]


def _folded(contents: Contents, name: str, title: str) -> list[Block]:
    """A table that is folded away, if there is one."""
    found = name in contents.tables and contents.tables[name].rows
    return [DetailsBlock(title, [_result(contents, name, "", "row")])] if found else []


def _result(contents: Contents, name: str, first: str, about: str) -> ResultBlock:
    return ResultBlock(contents.tables[name], first, about, tuple(f"{name}.{end}" for end in ("md", "tex", "csv")))


def _convergence(contents: Contents) -> Section:
    label = loss_name(contents.settings.loss)
    drawn = for_page(draw_convergence(contents.curves, label=label), prefix="f4")
    return Section(
        "Figure 4: convergence",
        ["Training losses over steps, smoothed; pale behind them the logged values, as a band the standard deviation "
         "over seeds. Rings are inflection points."],
        [FigureBlock("Training losses", drawn, describe(contents.curves, label=label), themed=True),
         *_results(contents, "inflections")],
    )  # fmt: skip


def _timelines(contents: Contents, most: int) -> Section:
    panels = [panel for group in contents.panels.values() for panel in group]
    blocks = panel_blocks(panels[:most])
    text = (
        f"{RULE} Of systems with several seeds the run of the lowest seed is shown. P(anomalous) is by second, 0 at "
        "the bottom and 1 on top; router weights are those of the first row, stacked, expert 1 at the bottom."
    )
    less = [f"For size, here are {most} of {len(panels)} videos; the files figure5-VIDEO.png have them all."]
    return Section("Figure 5: single videos", [text, *(less if most < len(panels) else [])], blocks)


def _origin(contents: Contents) -> Section:
    rows: list[tuple[str, ...]] = []
    inputs: dict[tuple[str, str], None] = {}
    versions: dict[tuple[str, str], None] = {}
    for study in contents.studies:
        for system in study.systems:
            for run in system.runs:
                if run.evaluation is None:
                    continue
                one = run.evaluation.protocol
                rows.append((
                    system.label, one.kind, "" if one.seed is None else str(one.seed), one.checkpoint or "",
                    (one.git_commit or "")[:12] + ("+changes" if (one.git_commit or "").endswith("+changes") else ""),
                    one.command,
                ))  # fmt: skip
                inputs |= dict.fromkeys(one.inputs.items())
                versions |= dict.fromkeys(one.versions.items())
    tables = [
        _cut(PlainTable("Evaluations", ("row", "kind", "seed", "checkpoint", "commit", "command"), rows)),
        _cut(PlainTable("Inputs", ("file", "SHA-256"), sorted(inputs))),
        _cut(PlainTable("Versions", ("package", "version"), sorted(versions))),
    ]
    return Section(
        "How it was made",
        ["Every measured row comes from an evaluation folder; rows without a model are computed here, and quoted rows "
         "are the paper's."],
        [tables[0], DetailsBlock("Inputs and versions", [table for table in tables[1:] if table.rows])],
    )  # fmt: skip


def _cut(table: PlainTable) -> PlainTable:
    if len(table.rows) <= MAX_ROWS:
        return table
    return PlainTable(table.title, table.head, table.rows[:MAX_ROWS], f"The first {MAX_ROWS} of {len(table.rows)}.")
