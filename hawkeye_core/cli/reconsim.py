"""``hawkeye reconsim``: draw the embedded world, look at it, count it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hawkeye_core.cli.console import errors, out

if TYPE_CHECKING:
    from hawkeye_core.datasets.reconsim.statistics import WorldStatistics

app = typer.Typer(
    help="The embedded world: drawn surveillance videos of which everything is known.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Preset = Annotated[str, typer.Option("--preset", "-p", help="`demo`, `small` or `paper`.")]
Seed = Annotated[int, typer.Option(help="Of the world.")]


@app.command()
def draw(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for videos/, truth/ and segments.jsonl.")],
    preset: Preset = "demo",
    seed: Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes that draw.")] = 1,
    formats: Annotated[
        bool,
        typer.Option(
            "--formats",
            help="Also write formats/: TSL-300, UCF-Crime, COCO keypoints, Visual Genome, RefCOCO, HumanML3D.",
        ),
    ] = False,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            help="Also write regions.jsonl and motions.jsonl for stage 1, and sidecars/: the truth in the formats "
            "of the `sidecar` backends.",
        ),
    ] = False,
) -> None:
    """Draw a world: videos (mp4), their truth, annotations. What is there is kept; run it again to continue."""
    from hawkeye_core.datasets.reconsim.formats.drawn import write_world_formats
    from hawkeye_core.datasets.reconsim.sidecars import write_world_sidecars
    from hawkeye_core.datasets.reconsim.stage1_tables import write_stage1_tables
    from hawkeye_core.datasets.reconsim.world import draw_world
    from hawkeye_core.datasets.reconsim.world_presets import world_plans
    from hawkeye_core.progress import step_progress

    with step_progress() as bar:
        task = bar.add_task("drawing", total=len(world_plans(preset, seed)), note="")
        world = draw_world(
            folder,
            preset,
            seed=seed,
            jobs=jobs,
            progress=lambda done, name: bar.update(task, completed=done, note=name),
        )
        if formats:
            writing = bar.add_task("formats", total=len(world.videos), note="")
            write_world_formats(
                world, seed=seed, progress=lambda done, name: bar.update(writing, completed=done, note=name)
            )
        if training:
            write_stage1_tables(world, seed=seed)
            writing = bar.add_task("truth as sidecars", total=len(world.videos), note="")
            write_world_sidecars(world, progress=lambda done, name: bar.update(writing, completed=done, note=name))
    errors.print(f"{len(world.videos)} videos")
    out.print(str(world.segments))


@app.command()
def sheet(
    path: Annotated[Path, typer.Option("--out", "-o", help="Picture to write (png or jpg).")],
    preset: Preset = "demo",
    seed: Seed = 0,
    rows: Annotated[int, typer.Option(min=1, help="Videos, evenly spread over the world.")] = 10,
    columns: Annotated[int, typer.Option(min=1, help="Moments of each.")] = 8,
    scenario: Annotated[
        str | None, typer.Option(help="Videos of this scenario instead; `all` takes one of each.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Draw boxes, skeletons and relations.")] = False,
    acts: Annotated[bool, typer.Option("--acts", help="Take the moments from the acts only.")] = False,
) -> None:
    """Draw a contact sheet: a row for each video, a column for each moment, anomalous moments framed red."""
    import cv2

    from hawkeye_core.atomic import replacing
    from hawkeye_core.datasets.reconsim.contact_sheet import contact_sheet
    from hawkeye_core.datasets.reconsim.plan import plan_video
    from hawkeye_core.datasets.reconsim.scenarios import SCENARIOS
    from hawkeye_core.datasets.reconsim.world_presets import world_plans
    from hawkeye_core.errors import HawkeyeError

    if scenario is None:
        world = world_plans(preset, seed)
        count = min(rows, len(world))
        plans = [world[i * len(world) // count].plan() for i in range(count)]
    else:
        names = list(SCENARIOS) if scenario == "all" else [scenario] * rows
        plans = [plan_video(seed + i, video=f"{i}", split="train", scenario=name) for i, name in enumerate(names)]
    picture = contact_sheet(plans, columns=columns, labels=labels, only_acts=acts)
    with replacing(path) as temporary:
        if path.suffix.lower() not in (".png", ".jpg", ".jpeg") or not cv2.imwrite(str(temporary), picture):
            raise HawkeyeError("no picture can be written there", path=path, remedy="name a .png or .jpg file")
    out.print(str(path))


@app.command()
def stats(preset: Preset = "demo", seed: Seed = 0) -> None:
    """Count a world's videos, segments, actions, relations and things; nothing is drawn."""
    from rich.progress import track

    from hawkeye_core.datasets.reconsim.statistics import statistics_of
    from hawkeye_core.datasets.reconsim.world_presets import world_plans

    world = world_plans(preset, seed)
    plans = [item.plan() for item in track(world, "planning", console=errors, transient=True)]
    groups = {
        f"{part}, {split}": [
            p for item, p in zip(world, plans, strict=True) if (item.source, item.split) == (part, split)
        ]
        for part, split in dict.fromkeys((item.source, item.split) for item in world)
    }
    counted = {name: statistics_of(group) for name, group in groups.items()}
    _print_parts({**counted, "all": statistics_of(plans)})
    total = statistics_of(plans)
    for title, counts in (
        ("segments by category", total.categories), ("acts by variant", total.acts), ("things", total.entities),
        ("videos by place", total.places), ("by view", total.views), ("by light", total.lights),
        ("by number of people", total.people), ("seconds of actions", total.actions),
        ("seconds of relations", total.relations),
    ):  # fmt: skip
        ordered = sorted(counts.items(), key=lambda pair: -pair[1])
        out.print(f"[bold]{title}[/]: " + ", ".join(f"{name} {value:.0f}" for name, value in ordered))


@app.command()
def scenarios() -> None:
    """List the scenarios: what is anomalous, and the normal acts that share its action or its target."""
    from rich.table import Table

    from hawkeye_core.datasets.reconsim.statistics import scenario_rows

    table = Table("scenario", "category", "anomalous", "same action, other target", "same target, other action")
    for row in scenario_rows():
        table.add_row(*row)
    out.print(table)


def _print_parts(parts: Mapping[str, WorldStatistics]) -> None:
    from rich.table import Table

    table = Table("part", "videos", "minutes", "anomalous videos", "segments", "segments a video", "anomalous time")
    for name, part in parts.items():
        table.add_row(
            name, f"{part.videos}", f"{part.seconds / 60:.1f}", f"{part.anomalous_videos}", f"{part.segments}",
            f"{part.segments_per_video:.2f}", f"{100 * part.anomalous_seconds / part.seconds:.1f} %",
        )  # fmt: skip
    out.print(table)
