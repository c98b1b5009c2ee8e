"""``hawkeye extract``: videos into a feature store, in this process."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hawkeye_core.cli.console import errors, out, progress_bar
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.settings import load_settings


def extract(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings as a.b=value, such as pose.weights=untrained.", metavar="[a.b=c]..."),
    ] = None,
    videos: Annotated[
        list[str] | None, typer.Option("--videos", "-i", help="Video file, folder or glob; may be given several times.")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", "-s", help="Feature store: folder or fsspec URL.")] = None,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="Preset (`paper`, `tiny-untrained`) or YAML file.")
    ] = None,
) -> None:
    """Extract pose, scene graphs and vision tokens at 8 frames a second, once.

    What the store already holds for the same video and settings is not computed again. A bad video is recorded and
    the others go on; the exit code is then 1. Videos go one after another and are not tried again (`workers` and
    `retries` are for the flow: `make extract`).

    Example: `hawkeye extract --config tiny-untrained --videos videos --store work/store`
    """
    settings = load_settings(
        ExtractSettings,
        config=config,
        package="hawkeye_core.extraction",
        overrides=overrides or (),
        values={"videos": videos, "store": store},
    )
    from hawkeye_core.extraction.run import VideoResult, plan_videos, settle, try_video

    with errors.status("loading networks and hashing videos"):
        plans = plan_videos(settings)
    results: list[VideoResult] = []
    with progress_bar() as bar:
        whole = bar.add_task("videos", total=len(plans))
        for plan in plans:
            task = bar.add_task(f"  {plan.video_id}", total=None)
            results.append(
                try_video(
                    settings,
                    plan,
                    progress=lambda done, total, task=task: bar.update(task, completed=done, total=total),  # type: ignore[misc]
                )
            )
            bar.remove_task(task)
            bar.advance(whole)
    stats = settle(settings)
    out.print(results_table(results))
    if not stats.trained:
        errors.print("[yellow]untrained weights were used: the features mean nothing and say so[/]")
    if any(result.status == "failed" for result in results):
        raise typer.Exit(1)


def results_table(results: list) -> Table:
    """One row a video."""
    table = Table(title="extract-features", title_justify="left")
    for name in ("video", "status", "frames", "seconds", "reason"):
        table.add_column(name, justify="right" if name in ("frames", "seconds") else "left", overflow="fold")
    colours = {"done": "green", "cached": "cyan", "partial": "yellow", "failed": "red"}
    for result in results:
        colour = colours[result.status]
        reason = escape((result.error or "").splitlines()[0] if result.error else "")
        table.add_row(
            result.video_id, f"[{colour}]{result.status}[/]", str(result.frames), f"{result.seconds:.1f}", reason
        )
    return table
