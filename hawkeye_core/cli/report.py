"""``hawkeye report``: evaluation folders and training runs as the paper's tables and figures, and one page."""

from __future__ import annotations

from typing import Annotated

import typer

from hawkeye_core.cli.console import out


def report(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=value, such as shown=8.", metavar="[a.b=c]...")
    ] = None,
    evaluations: Annotated[
        list[str] | None,
        typer.Option(
            "--eval", "-e", metavar="[SET=]FOLDER",
            help="Folder that `hawkeye eval --out` wrote; may be repeated. S-S= or S-D= in front: of which of the "
            "paper's data sets.",
        ),
    ] = None,
    runs: Annotated[
        list[str] | None,
        typer.Option("--run", "-r", metavar="NAME=RUN", help="Training run for Figure 4; one name: seeds of a curve."),
    ] = None,
    store: Annotated[str | None, typer.Option("--store", "-s", help="Feature store, for graphs in Figure 5.")] = None,
    videos: Annotated[str | None, typer.Option("--videos", help="Folder of videos, for pictures in Figure 5.")] = None,
    results: Annotated[str | None, typer.Option("--out", "-o", help="Folder for the report.")] = None,
    title: Annotated[str | None, typer.Option("--title", "-t", help="Of the page.")] = None,
) -> None:  # fmt: skip
    """Turn evaluation folders into the paper's Tables 1 and 2 and Figures 4 and 5: Markdown, LaTeX, CSV, one HTML page.

    Folders of one name and different seeds are one row; all must be of the same videos. The first of kind `ours` is
    compared with every other row. Rows that need no model are added, and the paper's own, marked as quoted.

    Example: `hawkeye report --eval work/eval --store work/store --videos videos`

    Example: `hawkeye report -e S-D=work/eval/s0 -e S-D=work/eval/s1 -e S-D=work/eval/scene-off --run
    Hawkeye=work/runs/s0 --run Hawkeye=work/runs/s1 --run "scene: off=work/runs/off"`
    """
    from hawkeye_core.report.build import write_evaluation_report
    from hawkeye_core.report.config import ReportSettings
    from hawkeye_core.settings import load_settings

    settings = load_settings(
        ReportSettings,
        overrides=overrides or (),
        values={
            "evaluations": evaluations or None, "runs": runs or None, "store": store, "videos": videos,
            "out": results, "title": title,
        },
    )  # fmt: skip
    written = write_evaluation_report(settings)
    out.print(written.table.to_markdown(), markup=False)
    out.print(f"page: {written.folder / 'report.html'} ({len(written.files)} files)", markup=False)
