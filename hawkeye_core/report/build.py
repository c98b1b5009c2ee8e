"""Entry point of the report: evaluation folders and training runs in, tables, figures and one page out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_store.errors import StoreMissingError
from feature_store.store import FeatureStore
from hawkeye_core.atomic import write_text
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.folder import Evaluation, read_evaluation
from hawkeye_core.evaluation.systems import Study, make_study
from hawkeye_core.evaluation.tables import ResultTable
from hawkeye_core.progress import step_progress
from hawkeye_core.report.choice import Chosen, choose_videos
from hawkeye_core.report.comparisons import Comparisons, compare_systems
from hawkeye_core.report.config import ReportSettings
from hawkeye_core.report.contents import Contents, page_of
from hawkeye_core.report.convergence import read_curve
from hawkeye_core.report.crimes import second_table
from hawkeye_core.report.curves import has_steps
from hawkeye_core.report.drawing import for_file
from hawkeye_core.report.figure4 import Convergence, converge, convergence_csv, draw_convergence, loss_name
from hawkeye_core.report.figure5 import write_panel
from hawkeye_core.report.frames import FrameSource
from hawkeye_core.report.numbers import report_numbers
from hawkeye_core.report.overview import draw_overview
from hawkeye_core.report.page import PageTooLargeError, write_report
from hawkeye_core.report.panels import Panel, make_panels
from hawkeye_core.report.tables import comparison_table, first_table, inflection_table, measures_table, quoted_table

PAGE, NUMBERS, OVERVIEW = "report.html", "report.json", "overview.svg"


@dataclass(frozen=True, slots=True)
class Written:
    """What a report has written.

    Args:
        folder: Where it lies.
        files: Names in it.
        table: Table 1, for the terminal.
    """

    folder: Path
    files: tuple[str, ...]
    table: ResultTable


def write_evaluation_report(settings: ReportSettings) -> Written:
    """Write all tables (Markdown, LaTeX, CSV), figures, ``report.json`` and ``report.html``.

    The same inputs give the same bytes. Figures of an earlier report in the folder that this one does not have are
    removed, by the list in its ``report.json``.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong, or two folders do not belong in one table.
    """
    studies = read_studies(settings)
    comparisons = compare_systems(studies, seed=settings.seed, draws=settings.draws)
    curves = read_curves(settings, studies)
    tables = _tables(studies, comparisons, curves, settings)
    source = FrameSource(_store(settings, studies[0]), settings.videos)
    chosen = {study.data: choose_videos(study, settings.shown) for study in studies}
    panels = _panels(studies, chosen, source, settings)
    folder = Path(settings.out)
    earlier = _earlier_files(folder / NUMBERS)
    files = [*_write_tables(folder, tables), *_write_figures(folder, studies, curves, panels, settings)]
    contents = Contents(studies, comparisons, tables, curves, panels, settings)
    _write_page(contents, folder / PAGE)
    numbers = report_numbers(studies, comparisons, curves, chosen, files=[*files, PAGE, NUMBERS])
    write_text(folder / NUMBERS, json.dumps(numbers, indent=1, allow_nan=False) + "\n")
    for name in sorted(earlier - set(files)):
        (folder / name).unlink(missing_ok=True)
    return Written(folder, (*files, PAGE, NUMBERS), tables["table1"])


def read_studies(settings: ReportSettings) -> list[Study]:
    """Read and score all evaluation folders by data set, S-S before S-D as in the paper.

    Raises:
        ConfigError: There is none.
        AnnotationError: A folder is wrong, or two are of other protocols.
    """
    if not settings.evaluations:
        raise ConfigError(
            "no evaluation folder was given", remedy="give --eval FOLDER, the --out of `hawkeye eval`; may be repeated"
        )
    found: dict[str, list[Evaluation]] = {}
    with step_progress() as bar:
        task = bar.add_task("read", total=len(settings.folders()), note="")
        for data, folder in settings.folders():
            bar.update(task, note=Path(folder).name)
            found.setdefault(data, []).append(read_evaluation(folder))
            bar.advance(task)
        task = bar.add_task("score", total=len(settings.evaluations) + 3 * len(found), note="")

        def scored(name: str) -> None:
            bar.update(task, note=name)
            bar.advance(task)

        return [
            make_study(found[data], data=data, seed=settings.seed, on_run=scored)
            for data in sorted(found, reverse=True)
        ]


def read_curves(settings: ReportSettings, studies: Sequence[Study]) -> list[Convergence]:
    """Loss curves by name: those of rows of the tables in their order, then others as given.

    Where no run is given, those that the evaluations name, as far as they are there and have steps of their own.
    """
    runs: dict[str, list[str]] = {}
    for text in settings.runs:
        name, _, folder = text.partition("=")
        runs.setdefault(name.strip(), []).append(folder)
    if not settings.runs:
        for name, folder in _named_runs(studies):
            if has_steps(folder, key=settings.loss) and folder not in runs.get(name, []):
                runs.setdefault(name, []).append(folder)
    known = [system.name for study in studies for system in study.systems if system.name in runs]
    order = list(dict.fromkeys([*known, *runs]))
    label = {system.name: system.label for study in studies for system in study.systems}
    curves = [read_curve(label.get(name, name), runs[name], key=settings.loss) for name in order]
    return [converge(curve, width=settings.width) for curve in curves]


def _named_runs(studies: Sequence[Study]) -> Iterator[tuple[str, str]]:
    """Name of the row and training run of every evaluation that had one."""
    for study in studies:
        for system in study.systems:
            for run in system.runs:
                if run.evaluation is not None and run.evaluation.protocol.run:
                    yield system.name, run.evaluation.protocol.run


def _store(settings: ReportSettings, study: Study) -> FeatureStore | None:
    """The store that was named, which must be there; else that of the first folder, if it is."""
    if settings.store is not None:
        return FeatureStore.open(settings.store)
    named = study.protocol.store
    if named is None:
        return None
    try:
        return FeatureStore.open(named)
    except StoreMissingError:
        return None


def _tables(
    studies: Sequence[Study], comparisons: Comparisons, curves: Sequence[Convergence], settings: ReportSettings
) -> dict[str, ResultTable]:
    """By the names of their files."""
    found = {"table1": first_table(studies, comparisons, quoted=settings.quoted)}
    if settings.quoted and not all(study.heading for study in studies):
        found["table1-paper"] = quoted_table()
    if comparisons.marked:
        found["comparisons"] = comparison_table(comparisons.marked, caption="Differences that Table 1 marks")
    found["comparisons-more"] = comparison_table(comparisons.others, caption="Further tests, not marked in Table 1")
    for study in studies:
        suffix = f"-{study.heading.lower()}" if len(studies) > 1 else ""
        table = second_table(study, quoted=settings.quoted)
        if table.columns:
            found[f"table2{suffix}"] = table
    found["measures"] = measures_table(studies)
    if curves:
        points = {one.curve.name: one.points for one in curves}
        found["inflections"] = inflection_table(points, rule=inflection_rule(settings), quoted=settings.quoted)
    return found


def inflection_rule(settings: ReportSettings) -> str:
    """How the inflection points are found, in words."""
    return (
        f"Smoothed with Gaussian weights of a standard deviation of {100 * settings.width:g} % of the run's steps; the "
        "inflection point is the step at which the smoothed loss lies farthest below the straight line from its first "
        "to its last value, both axes scaled to 0..1. Compare runs of equal length. Mean and spread over the runs of a "
        "name; last loss: smoothed, at the last step."
    )


def _panels(
    studies: Sequence[Study], chosen: dict[str, tuple[Chosen, ...]], source: FrameSource, settings: ReportSettings
) -> dict[str, tuple[Panel, ...]]:
    with step_progress() as bar:
        task = bar.add_task("draw", total=sum(len(videos) for videos in chosen.values()), note="")

        def drawn(video: str) -> None:
            bar.update(task, note=video)
            bar.advance(task)

        return {
            study.data: make_panels(study, chosen[study.data], source, stills=settings.stills, on_panel=drawn)
            for study in studies
        }


def _write_page(contents: Contents, path: Path) -> None:
    """The page, with half as many videos in Figure 5 as long as it is too large."""
    panels = sum(len(group) for group in contents.panels.values())
    while True:
        try:
            write_report(page_of(contents, panels=panels), path)
            return
        except PageTooLargeError:
            if not panels:
                raise
            panels //= 2


def _write_tables(folder: Path, tables: dict[str, ResultTable]) -> list[str]:
    files = []
    for name, table in tables.items():
        for ending, text in (
            ("md", table.to_markdown()), ("tex", table.to_latex(label=f"tab:{name}")), ("csv", table.to_csv())
        ):  # fmt: skip
            path = folder / f"{name}.{ending}"
            write_text(path, text)
            files.append(path.name)
    return files


def _write_figures(
    folder: Path, studies: Sequence[Study], curves: Sequence[Convergence], panels: dict[str, tuple[Panel, ...]],
    settings: ReportSettings,
) -> list[str]:  # fmt: skip
    write_text(folder / OVERVIEW, for_file(draw_overview(studies)))
    files = [OVERVIEW]
    if curves:
        write_text(folder / "figure4.svg", for_file(draw_convergence(curves, label=loss_name(settings.loss))))
        write_text(folder / "figure4.csv", convergence_csv(curves))
        files += ["figure4.svg", "figure4.csv"]
    for panel in (panel for group in panels.values() for panel in group):
        stem = f"figure5-{re.sub(r'[^A-Za-z0-9._-]', '_', panel.truth.video)}"
        twins = sum(file == f"{stem}.png" or file.startswith(f"{stem}~") for file in files)
        name = f"{stem}~{twins + 1}.png" if twins else f"{stem}.png"
        write_panel(panel, folder / name)
        files.append(name)
    return files


def _earlier_files(path: Path) -> set[str]:
    """Figures that an earlier report in the folder has written; none where there was none."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {str(name) for name in names if re.fullmatch(r"figure[45]-?[A-Za-z0-9._~-]*\.(png|svg|csv)", str(name))}
