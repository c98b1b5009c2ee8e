"""``hawkeye train``: both stages, on the cached graphs of a feature store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from hawkeye_core.cli.console import out

DEFAULT = "tiny-stage2"


def train(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=value, such as steps=50.", metavar="[a.b=c]...")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", "-s", help="Feature store.")] = None,
    annotations: Annotated[str | None, typer.Option("--annotations", "-a", help="Stage 2: segments, JSONL.")] = None,
    regions: Annotated[
        str | None, typer.Option("--regions", help="Stage 1: image regions and expressions, JSONL or Parquet.")
    ] = None,
    motions: Annotated[
        str | None, typer.Option("--motions", help="Stage 1: motions and captions, JSONL or Parquet.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            help="Run or checkpoint to begin with: stage 1's, for stage 2; or a finished small model of the package, "
            "`shipped-answers` or `shipped-plain` (without scene modules).",
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", "-r", help="Folder of the run (config, metrics, weights).")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option("--config", "-c", help=f"Preset or YAML file [{DEFAULT}; with --resume the run's own]."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --run where its last checkpoint stands.")
    ] = False,
) -> None:
    """Train on the features of the store; no video is opened.

    Stage 1 pairs motions with image regions, stage 2 grounds segments: the preset (`--config`) says which. SIGTERM,
    Ctrl-C or a file STOP in the run's folder write a checkpoint and end with code 0.

    Example: `hawkeye train --config tiny-stage1 --store work/store --regions r.jsonl --motions m.jsonl --run runs/1`,
    then `hawkeye train --config tiny-stage2 --store work/store --annotations s.jsonl --start runs/1 --run runs/2`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.training.config import TrainSettings
    from hawkeye_core.training.record import CONFIG, read_record
    from hawkeye_core.training.run import train as run_training

    if resume and config is None:
        folder = Path(run or TrainSettings.model_fields["run"].default)
        read_record(folder)  # says what is missing if there is no run
        config = str(folder / CONFIG)
    tables = [
        f"stage1.{name}={json.dumps(path)}" for name, path in (("regions", regions), ("motions", motions)) if path
    ]
    settings = load_settings(
        TrainSettings,
        config=config or DEFAULT,
        package="hawkeye_core.training",
        overrides=[*tables, *(overrides or ())],
        values={"store": store, "annotations": annotations, "start": start, "run": run, "resume": resume or None},
    )
    folder = run_training(settings)
    if os.environ.get("RANK", "0") == "0":  # one line, however many processes a launcher started
        out.print(f"run: {folder}")
        if read_record(folder).status == "stopped":
            out.print(f"stopped; go on with: hawkeye train --resume --run {folder}", style="yellow")
