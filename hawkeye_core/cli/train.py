"""``hawkeye train``: stage 2 on the cached graphs of a feature store."""

from __future__ import annotations

from typing import Annotated

import typer

from hawkeye_core.cli.console import out


def train(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=value, such as steps=50.", metavar="[a.b=c]...")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", "-s", help="Feature store.")] = None,
    annotations: Annotated[str | None, typer.Option("--annotations", "-a", help="Segments, JSONL.")] = None,
    run: Annotated[
        str | None, typer.Option("--run", "-r", help="Folder of the run (config, metrics, weights).")
    ] = None,
    config: Annotated[str, typer.Option("--config", "-c", help="Preset or YAML file.")] = "tiny-stage2",
) -> None:
    """Train on windows of the store; no video is opened.

    Example: `hawkeye train --store work/store --annotations segments.jsonl --run work/runs/stage2 steps=50`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.training.config import TrainSettings
    from hawkeye_core.training.run import train as run_training

    settings = load_settings(
        TrainSettings,
        config=config,
        package="hawkeye_core.training",
        overrides=overrides or (),
        values={"store": store, "annotations": annotations, "run": run},
    )
    out.print(f"run: {run_training(settings)}")
