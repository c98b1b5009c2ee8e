"""``hawkeye store``: look into a feature store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from feature_store.fingerprint import FAMILIES
from hawkeye_core.cli.console import errors, megabytes, out

app = typer.Typer(help="Look into a feature store: list, show, verify, count.", no_args_is_help=True)

DEFAULT_STORE = "work/store"
StoreArgument = Annotated[str | None, typer.Argument(help="Feature store: folder or fsspec URL.", metavar="[STORE]")]
StoreOption = Annotated[str | None, typer.Option("--store", "-s", help="The same as an option (default: work/store).")]


@app.command("ls")
def ls(store: StoreArgument = None, store_option: StoreOption = None) -> None:
    """List the videos: frames, duration, status of each family."""
    from feature_store.store import FeatureStore

    opened = FeatureStore.open(store or store_option or DEFAULT_STORE)
    table = Table()
    for name in ("video", "frames", "seconds", "status", "weights", "reason"):
        table.add_column(name, justify="right" if name in ("frames", "seconds") else "left", overflow="fold")
    records = sorted(opened.records(), key=lambda record: record.created)  # the latest one of a family is shown
    for video in sorted({record.source.video_id for record in records}):
        own = {record.fingerprint.family: record for record in records if record.source.video_id == video}
        source = opened.source(video)
        frames = max(record.n_frames for record in own.values())
        seconds = f"{source.duration_s:.1f}" if source.duration_s else ""
        trained = all(record.fingerprint.trained for record in own.values())
        reason = next((record.error for record in own.values() if record.error), "")
        table.add_row(
            video, str(frames), seconds, _status({family: own[family].status for family in FAMILIES if family in own}),
            "trained" if trained else "[yellow]untrained[/]", escape(reason.splitlines()[0]) if reason else "",
        )  # fmt: skip
    out.print(table)


@app.command("stats")
def stats(
    store: StoreArgument = None,
    store_option: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Count videos, frames and bytes, and name the fingerprints."""
    from feature_store.store import FeatureStore

    found = FeatureStore.open(store or store_option or DEFAULT_STORE).stats()
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    out.print(f"{found.videos} videos, {found.frames} frames, {megabytes(sum(found.bytes.values()))}")
    table = Table()
    for name in ("family", "fingerprint", "backend", "weights", "videos", "size"):
        table.add_column(name, overflow="fold")
    for entry in found.fingerprints:
        table.add_row(
            entry.family, entry.digest, entry.backend, entry.weights, str(entry.videos), megabytes(entry.bytes)
        )
    out.print(table)


@app.command("verify")
def verify(
    store: StoreArgument = None,
    store_option: StoreOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Sizes and footers only; do not read every byte.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Also remove half-written files and orphans.")] = False,
) -> None:
    """Check every shard against its commit record; exit code 1 if anything is wrong."""
    from feature_store.store import FeatureStore

    opened = FeatureStore.open(store or store_option or DEFAULT_STORE)
    if clean:
        for path in opened.clean():
            errors.print(f"removed {escape(path)}")
    with errors.status("reading shards"):
        problems = opened.verify(deep=not quick)
    for problem in problems:
        out.print(f"[red]{problem.kind}[/] {escape(problem.path)}: {escape(problem.message)}")
    if problems:
        raise typer.Exit(1)
    out.print("[green]ok[/]: every shard is there and equals its commit record")


@app.command("show")
def show(
    names: Annotated[list[str], typer.Argument(help="VIDEO, or STORE VIDEO.", metavar="[STORE] VIDEO")],
    store_option: StoreOption = None,
    frame: Annotated[int, typer.Option("--frame", "-k", help="Number of the sampled frame (8 a second).")] = 0,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the frame with skeletons, boxes, relations.")] = None,
    people: Annotated[int | None, typer.Option(help="Draw this many people at most.", min=0)] = 5,
    min_score: Annotated[float, typer.Option(help="Leave out joints that score less.", min=0, max=1)] = 0.1,
) -> None:
    """Show what the store holds of one frame, in words or as a picture.

    Example: `hawkeye store show vtest --frame 40 --png frame.png`
    """
    from feature_store.store import FeatureStore
    from hawkeye_core.visual.show import describe_frame, draw_frame

    if len(names) > 2:
        raise typer.BadParameter("give VIDEO, or STORE and VIDEO")
    opened = FeatureStore.open(names[0] if len(names) == 2 else store_option or DEFAULT_STORE)
    if png is None:
        out.print(describe_frame(opened, names[-1], frame))
        return
    draw_frame(opened, names[-1], frame, path=png, people=people, min_score=min_score)
    out.print(str(png))


def _status(by_family: Mapping[str, str]) -> str:
    """One word if the families agree, else one for each."""
    colours = {"done": "green", "partial": "yellow", "failed": "red"}
    words = set(by_family.values())
    if len(words) == 1 and len(by_family) == len(FAMILIES):
        word = words.pop()
        return f"[{colours.get(word, 'white')}]{word}[/]"
    return ", ".join(f"{family} [{colours.get(word, 'white')}]{word}[/]" for family, word in by_family.items())
