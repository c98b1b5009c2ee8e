"""``hawkeye eval``: predict segments, or take those of a file, and print FNR, F2, mAP@tIoU."""

from __future__ import annotations

from typing import Annotated

import typer

from hawkeye_core.cli.console import out


def evaluate(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a.b=value, such as split=all.", metavar="[a.b=c]...")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", "-s", help="Feature store.")] = None,
    annotations: Annotated[
        str | None,
        typer.Option("--annotations", "-a", help="Segments, JSONL; of predictions also stage2.parquet."),
    ] = None,
    run: Annotated[str | None, typer.Option("--run", "-r", help="Folder of the training run.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="last, best (by F2 in training), or a name such as step-000100.")
    ] = None,
    results: Annotated[str | None, typer.Option("--out", "-o", help="Folder for tables and predictions.")] = None,
    predictions: Annotated[
        str | None, typer.Option("--predictions", "-p", help="Score these instead of a run; no model is needed.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", help="Of the predictions: hawkeye, seconds, percent, glue or clips."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="A baseline instead of a run: hf:NAME_OR_FOLDER, or motion-energy."),
    ] = None,
    videos: Annotated[str | None, typer.Option("--videos", help="With --model: folder of the video files.")] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", help="Of the row.")] = None,
) -> None:
    """Evaluate a run, or predictions of any system, on annotated videos; the rows that need no model stand beside it.

    Example: `hawkeye eval --store work/store --annotations segments.jsonl --run work/runs/stage2`

    Example: `hawkeye eval --predictions timechat.json --format seconds --annotations work/datasets/stage2.parquet`

    Example: `hawkeye eval --model hf:LanguageBind/Video-LLaVA-7B-hf --videos videos --annotations segments.jsonl`
    """
    from hawkeye_core.evaluation.config import EvalSettings
    from hawkeye_core.settings import load_settings

    settings = load_settings(
        EvalSettings,
        overrides=overrides or (),
        values={
            "store": store, "annotations": annotations, "run": run, "checkpoint": checkpoint, "out": results,
            "predictions": predictions, "format": form, "name": name, "model": model, "videos": videos,
        },
    )  # fmt: skip
    if settings.predictions is not None:
        from hawkeye_core.evaluation.scored_predictions import evaluate_predictions  # without torch

        out.print(evaluate_predictions(settings).table())
        return
    if settings.model is not None:
        from hawkeye_core.evaluation.baselines.evaluate import evaluate_baseline

        result = evaluate_baseline(settings)
        out.print(result.table())
        if result.missing:
            raise typer.Exit(1)  # some videos could not be used
        return
    from hawkeye_core.evaluation.run import evaluate as run_evaluation

    out.print(run_evaluation(settings).table())
