"""The demonstration's report: results, differences, timelines, where pixels go wrong, losses, times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from feature_store.store import FeatureStore
from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.demo.results import Compared, Results, read_results
from hawkeye_core.demo.stills import graph_pictures, timelines
from hawkeye_core.demo.systems import HAWKEYE, ORACLE, systems
from hawkeye_core.demo.tables import difference_table, interval, percent, quality_table, results_table, times_table
from hawkeye_core.report.curves import loss_curves, read_losses
from hawkeye_core.report.page import FigureBlock, Report, Section, write_report
from hawkeye_core.tiny.graph_quality import GraphQuality, graph_quality
from hawkeye_core.training.record import read_record

SHOWN_VIDEOS = 6


def write_demo_report(settings: DemoSettings, *, times: Sequence[tuple[str, float]]) -> Table:
    """Write ``report.html`` and ``results.json``; returns the results for the terminal.

    Args:
        settings: Of the demonstration, all steps of which are done.
        times: Title and seconds of each step.

    Raises:
        HawkeyeError, StoreError: Something that the steps make is missing.
    """
    results = read_results(settings)
    qualities = measure_graphs(settings, list(results.truth.durations))
    report = Report(
        title="Hawkeye: the demonstration",
        lead=_lead(results),
        sections=[
            Section(
                "Results",
                ["Every system begins with a finished model of the package, which other drawn worlds have taught, is "
                 "tuned to the training videos and measured on others that no network has seen. "
                 "Rows without a model stand beside them, because FNR and F2 reward over-prediction."],
                [results_table(results), difference_table(results)],
            ),
            Section(
                "What was said of single videos",
                ["Pictures of held-out videos; below them what is true, and what each system says."],
                timelines(settings, results, count=SHOWN_VIDEOS),
            ),
            Section(
                "Where pixels go wrong",
                ["The small networks read graphs from pixels; how far they are from the truth is in the first table. "
                 "The row of oracle graphs in the results says what Hawkeye-tiny would do with perfect ones: the "
                 "difference is the networks' part, what is missing beyond it is not."],
                [quality_table(qualities), *graph_pictures(settings, list(results.truth.durations))],
            ),
            Section("Training", ["Loss of the answers' tokens, stage 2."], [_losses(settings)]),
            Section("Time", ["On this machine; steps done in an earlier run count with their time then."],
                    [times_table(times)]),
        ],
        footer=_footer(settings),
    )  # fmt: skip
    write_report(report, settings.paths.report)
    write_text(settings.paths.results, json.dumps(_plain(results, qualities, times), indent=2) + "\n")
    return _terminal(results)


def measure_graphs(settings: DemoSettings, videos: Sequence[str]) -> dict[str, GraphQuality]:
    """Quality of the graphs of both stores."""
    truths = [read_truth(settings.paths.world / "truth", video) for video in videos]
    stores = ("extracted", "oracle") if settings.oracle else ("extracted",)
    return {name: graph_quality(FeatureStore.open(settings.paths.store(name)), truths) for name in stores}


def _lead(results: Results) -> str:
    first, videos = results.rows[0], len(results.truth.durations)
    return (
        "Drawn surveillance videos, graphs extracted from their pixels, training in two stages: on "
        f"{videos} held-out videos Hawkeye-tiny reaches F2 {percent(first.f2)} % and mAP "
        f"{percent(first.mean_ap['mean'])} %. {verdict(results.compared)} The world is drawn: nothing here stands in "
        "for a number on real data."
    )


def verdict(compared: Sequence[Compared]) -> str:
    """Which rows Hawkeye-tiny is ahead of for sure, in both measures; oracle graphs are no rival."""
    rivals = [item for item in compared if item.name != ORACLE.name]
    sure = [item.name for item in rivals if min(item.f2.low, item.mean_ap.low) > 0]
    if len(sure) == len(rivals):
        return "It is ahead of every rival row in both, and the 95 % intervals of the differences leave no doubt."
    unsure = ", ".join(f"\u201c{item.name}\u201d" for item in rivals if item.name not in sure)
    return f"It is not surely ahead of {unsure} in both (95 % intervals): this run does not show that the method works."


def _losses(settings: DemoSettings) -> FigureBlock:
    curves = {system.name: read_losses(settings.paths.run(system.key, 2)) for system in systems(oracle=settings.oracle)}
    return FigureBlock("Next-token loss of stage 2", loss_curves(curves), "falling loss curves, one a system")


def _footer(settings: DemoSettings) -> str:
    record = read_record(settings.paths.run(HAWKEYE.key, 2))
    versions = ", ".join(f"{name} {version}" for name, version in record.environment.items())
    commit = f"; commit {record.git_commit[:12]}" if record.git_commit else ""
    return (
        f"World {settings.preset!r}, seed {settings.seed}; {record.parameters:,} trained parameters; {versions}{commit}"
    )


def _terminal(results: Results) -> Table:
    table = Table(title="held-out videos, %", title_justify="left")
    for name in ("", "FNR", "F2", "mAP", "ahead in F2 by", "ahead in mAP by"):
        table.add_column(name, justify="right" if name else "left")
    ahead = {item.name: item for item in results.compared}
    for row in results.rows:
        difference = ahead.get(row.name)
        table.add_row(
            row.name, percent(row.fnr), percent(row.f2), percent(row.mean_ap["mean"]),
            interval(difference.f2) if difference else "", interval(difference.mean_ap) if difference else "",
        )  # fmt: skip
    return table


def _plain(results: Results, qualities: dict[str, GraphQuality], times: Sequence[tuple[str, float]]) -> dict[str, Any]:
    rows = [asdict(row) for row in results.rows]
    for row in rows:
        row["mean_ap"] = dict(row["mean_ap"])
    return {
        "rows": rows,
        "hawkeye_minus": {item.name: {"f2": asdict(item.f2), "map": asdict(item.mean_ap)} for item in results.compared},
        "graphs": {name: asdict(quality) for name, quality in qualities.items()},
        "seconds": dict(times),
    }
