"""``hawkeye model``: look at a model without loading it; make one of several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hawkeye_core.cli.console import megabytes, out

if TYPE_CHECKING:
    from rich.table import Table

    from hawkeye_core.model.summary import Summary

app = typer.Typer(help="Look at a model, or make one of several.", no_args_is_help=True)


@app.command()
def summary(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=c, such as model.moe=false.", metavar="[a.b=c]...")
    ] = None,
    config: Annotated[str, typer.Option("--config", "-c", help="Preset (paper-7b, tiny) or YAML file.")] = "paper-7b",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Parts, parameters, what is trained, and the memory it takes; nothing is downloaded or loaded.

    Example: `hawkeye model summary --config paper-7b batch=4 model.lora_rank=64`
    """
    from hawkeye_core.model.summary import FORMULAS, SummarySettings, summarize
    from hawkeye_core.settings import load_settings

    settings = load_settings(SummarySettings, config=config, package="hawkeye_core.model", overrides=overrides or ())
    found = summarize(settings)
    if as_json:
        typer.echo(json.dumps(_plain(found) | {"formulas": FORMULAS}, indent=2))
        return
    out.print(_parts(found))
    out.print(_memory(found))
    tokens = 2 * settings.frames + settings.text_tokens
    out.print(
        f"{settings.batch} windows of {settings.frames} frames, {tokens} tokens each; estimated, without fragmentation "
        "and work space; `checkpointed` is training with gradient checkpointing"
    )
    for name, formula in FORMULAS.items():
        out.print(f"  {name} = {formula}", style="dim", markup=False)


@app.command()
def average(
    runs: Annotated[list[Path], typer.Argument(help="Finished runs that began alike, such as those of three seeds.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new run.")],
) -> None:
    """One run whose weights are the mean of several: no slower than one, and mostly better than each.

    Example: `hawkeye model average runs/0 runs/1 runs/2 --out runs/mean`, then `hawkeye eval --run runs/mean`
    """
    from hawkeye_core.training.average import average_runs

    out.print(f"run: {average_runs(runs, out_folder)}", markup=False)


def _plain(found: Summary) -> dict[str, object]:
    return {
        "parts": [part._asdict() for part in (*found.parts, found.total)],
        "bytes": {
            "training": found.training,
            "training_checkpointed": found.checkpointed,
            "inference": found.inference,
        },
    }


def _parts(found: Summary) -> Table:
    from rich.table import Table

    table = Table("part", title="Parts")
    for heading in ("parameters", "trained", "share"):
        table.add_column(heading, justify="right")
    learning = max(found.total.trained, 1)
    for part in (*found.parts, found.total):
        share = f"{part.trained / learning:.1%}" if part.trained else "-"
        style = "bold" if part.name == "all" else None
        table.add_row(part.name, f"{part.parameters:,}", f"{part.trained:,}", share, style=style)
    return table


def _memory(found: Summary) -> Table:
    from rich.table import Table

    columns = {"training": found.training, "checkpointed": found.checkpointed, "inference": found.inference}
    table = Table("memory", title="Memory")
    for name in columns:
        table.add_column(name, justify="right")
    for kind in ("weights", "gradients", "optimiser", "activations", "logits", "cache"):
        table.add_row(kind, *(megabytes(c[kind]) if kind in c else "-" for c in columns.values()))
    table.add_row("all", *(megabytes(sum(c.values())) for c in columns.values()), style="bold")
    return table
