"""``hawkeye data``: the real data sets, from annotation files to instruction tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hawkeye_core.cli.console import errors, out

if TYPE_CHECKING:
    from hawkeye_core.datasets.agreement import Agreement
    from hawkeye_core.datasets.instructions.card import DataCard
    from hawkeye_core.datasets.instructions.rows import Instruction

app = typer.Typer(
    help="The data sets TSL-300, UCF-Crime, RefCOCO and HumanML3D: look for them, build tables, check them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
OUT = "work/datasets"
Folder = Annotated[Path, typer.Option("--out", "-o", help="Folder of the tables.")]
FEW = 12
"""Findings printed; all of them stand in findings.jsonl."""


@app.command()
def doctor(
    root: Annotated[Path, typer.Argument(help="Folder that holds the sets; docs/datasets.md has the tree.")] = Path(
        "data"
    ),
) -> None:
    """Say which data sets are on this disk, what is missing, and what to do next. Nothing is downloaded.

    Example: `hawkeye data doctor /data`
    """
    from hawkeye_core.datasets.doctor import diagnose

    found = diagnose(root)
    for one in found:
        colour = "green" if one.usable else "yellow"
        out.print(f"[bold {colour}]{one.data_set.name}[/]  {escape(str(one.folder))}  ({one.data_set.licence})")
        for seen in one.pieces:
            sign = "[green]✓[/]" if seen.found else ("[red]✗[/]" if seen.piece.needed else "[yellow]-[/]")
            of = f" of {seen.piece.expected:,}" if seen.piece.expected else ""
            count = f"  {seen.files:,}{of} files" if seen.piece.path.endswith("/") and seen.found else ""
            out.print(f"  {sign} {escape(seen.piece.path)}{count}  [dim]{seen.piece.use}[/]")
        out.print(f"  next: {escape(one.next_step)}\n  home: {one.data_set.home}")
    if not any(one.usable for one in found):
        raise typer.Exit(1)


@app.command()
def build(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=value.", metavar="[a.b=value]...")
    ] = None,
    config: Annotated[str | None, typer.Option("--config", "-c", help="YAML file of settings.")] = None,
) -> None:
    """Read the annotation files, check them, write the tables of both stages with a card.

    Exit codes: 0 all is well, 1 videos or features are missing, 2 something is wrong.

    Example: `hawkeye data build tsl300.annotations=/data/tsl300 ucf_crime.annotations=/data/ucf_crime`
    """
    from hawkeye_core.datasets.instructions.build import build as build_tables
    from hawkeye_core.datasets.instructions.config import DatasetSettings
    from hawkeye_core.datasets.instructions.sources import read_sources
    from hawkeye_core.progress import step_progress
    from hawkeye_core.settings import load_settings

    settings = load_settings(DatasetSettings, config=config, overrides=overrides or ())
    with step_progress() as bar:
        task = bar.add_task("videos opened", total=None, note="", visible=False)
        built = build_tables(
            settings,
            read_sources(settings),
            progress=lambda what, done, of: bar.update(task, description=what, completed=done, total=of, visible=True),
        )
    out.print(_table(built.card))
    _print_stage1(built.card)
    for rule, count in built.card.remarks.items():
        out.print(f"  {count:,} x {escape(rule)}", style="dim")
    out.print(f"tables, card.md, remarks.jsonl, findings.jsonl: {escape(str(built.folder))}")
    for finding in built.findings[:FEW]:
        colour = {"error": "red", "missing": "yellow"}.get(finding.severity, "cyan")
        errors.print(f"[{colour}]{finding.severity}[/] {escape(f'{finding.rule}: {finding.video} {finding.detail}')}")
    if len(built.findings) > FEW:
        errors.print(f"and {len(built.findings) - FEW:,} more in findings.jsonl")
    if not built.usable:
        raise typer.Exit(2)
    if any(finding.severity == "missing" for finding in built.findings):
        raise typer.Exit(1)


@app.command()
def stats(folder: Folder = Path(OUT)) -> None:
    """Count what the tables hold, with what the paper states beside it (its Figure 3).

    Example: `hawkeye data stats --out work/datasets`
    """
    from hawkeye_core.datasets.instructions.card import DataCard
    from hawkeye_core.errors import AnnotationError

    path = folder / "card.json"
    try:
        card = DataCard.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise AnnotationError("no such card", path=path, remedy="`hawkeye data build`") from error
    except ValueError as error:
        raise AnnotationError("is no card of data", path=path, remedy="`hawkeye data build`") from error
    out.print(_table(card))
    _print_stage1(card)
    for source, protocol in card.protocols.items():
        out.print(f"{source}: {escape(protocol)}")


@app.command()
def show(
    video: Annotated[str, typer.Argument(help="Id of a video.")],
    folder: Folder = Path(OUT),
    videos: Annotated[Path | None, typer.Option(help="Folder of the videos, for pictures.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with timeline and pictures.")] = None,
) -> None:
    """Show what the tables hold of one video: its timeline, what is asked and what is answered.

    Example: `hawkeye data show Abuse028_x264 --videos /data/ucf_crime/videos --html abuse.html`
    """
    from hawkeye_core.datasets.instructions.checks import find_file
    from hawkeye_core.datasets.instructions.show import page_of, text_timeline
    from hawkeye_core.report.page import write_report

    row = _row(video, folder)
    duration = row.duration_s or max((s.end_s for s in row.segments), default=0.0)
    out.print(f"[bold]{escape(row.video)}[/]  {row.source} ({row.sentiment}), {row.split}, {escape(row.label)}")
    out.print(f"{text_timeline(row, duration)}  {duration:.1f} s")
    for segment in row.segments:
        words = escape(f"{segment.category}, {segment.reason}" if segment.reason else segment.category)
        out.print(f"  {segment.start_s:8.1f} to {segment.end_s:8.1f} s  {words}")
    out.print(f"[dim]asked[/]    {escape(row.question)}\n[dim]answered[/] {escape(row.answer)}")
    if html is not None:
        file = None if videos is None else find_file(videos, row.path)
        if videos is not None and file is None:
            errors.print(f"[yellow]no file of {escape(row.path)} in {escape(str(videos))}: a page without pictures[/]")
        out.print(f"page: {escape(str(write_report(page_of(row, file=file), html)))}")


@app.command()
def agreement(
    folder: Annotated[Path, typer.Argument(help="Folder of UCF-Crime's annotation files.")],
    first: Annotated[str, typer.Option("--first", "-a", help="`hivau-70k`, `glancevad`, `texts` or `boxes`.")] = (
        "hivau-70k"
    ),
    second: Annotated[str, typer.Option("--second", "-b", help="The other source.")] = "glancevad",
    texts: Annotated[Path | None, typer.Option(help="File of the source `texts`.")] = None,
    boxes: Annotated[Path | None, typer.Option(help="File or folder of the source `boxes`.")] = None,
) -> None:
    """How far two sources of times agree on UCF-Crime's training videos: intersection over union, by class.

    Example: `hawkeye data agreement /data/ucf_crime -a hivau-70k -b glancevad`
    """
    from hawkeye_core.datasets.agreement import agreement as compare
    from hawkeye_core.datasets.instructions.sources import named_times

    files = {"texts": texts, "boxes": boxes}
    pair = [named_times(name, folder, files.get(name)) for name in (first, second)]
    out.print(_agreement_table(compare(*pair)))


def _row(video: str, folder: Path) -> Instruction:
    from hawkeye_core.datasets.instructions.build import TABLE
    from hawkeye_core.datasets.instructions.files import read_table
    from hawkeye_core.errors import AnnotationError

    for row in read_table(folder / TABLE):
        if row.video == video:
            return row
    raise AnnotationError(f"has no video {video!r}", path=folder / TABLE, remedy="`hawkeye data stats` counts them")


def _print_stage1(card: DataCard) -> None:
    from hawkeye_core.datasets.instructions.card import PAPER_STAGE_1

    for name, one in card.stage1.items():
        told = ", ".join(f"{split} {count:,}" for split, count in one.rows.items())
        videos = sum(one.videos.values())
        out.print(f"stage 1, {name}: {told}; {videos:,} pictures or clips; the paper: {PAPER_STAGE_1[name]:,}")


def _table(card: DataCard) -> Table:
    from hawkeye_core.datasets.instructions.card import PAPER_FIGURE_3

    table = Table()
    for name in (
        "set",
        "videos",
        "paper",
        "anomalous",
        "segments",
        "a video",
        "paper ",
        "mean s",
        "hours",
        "base rate",
    ):
        table.add_column(name, justify="left" if name == "set" else "right", no_wrap=name == "set")
    for name, one in card.sets.items():
        paper = PAPER_FIGURE_3.get(name, {})
        table.add_row(
            name, f"{one.videos:,}", f"{paper['videos']:g}" if paper else "", f"{one.anomalous:,}",
            f"{one.segments:,}", f"{one.segments_per_video:.2f}",
            f"{paper['segments_per_video']:.2f}" if paper else "", f"{one.mean_segment_s:.1f}", f"{one.hours:.1f}",
            "" if one.base_rate is None else f"{one.base_rate:.1%}",
        )  # fmt: skip
    return table


def _agreement_table(found: Agreement) -> Table:
    from hawkeye_core.datasets.agreement import agreement_rows

    first, second = found.names
    table = Table(
        title=f"{first} and {second}: {len(found.videos)} videos, {found.disjoint} without a common frame",
        title_justify="left",
    )
    names = ("class", "videos", "mean IoU", "median IoU", "IoU of all time", f"only {first}", f"only {second}")
    for name in names:
        table.add_column(name, justify="left" if name == "class" else "right")
    for row in agreement_rows(found):
        shares = (row.mean_iou, row.median_iou, row.share_of_seconds)
        told = ["" if share is None else f"{share:.3f}" for share in shares]
        table.add_row(row.label, str(row.videos), *told, str(row.only_first), str(row.only_second))
    return table
