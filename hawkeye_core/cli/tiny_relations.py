"""``hawkeye tiny train relations``, ``eval relations`` and ``card relations``: the small RelTR."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hawkeye_core.cli.console import out

RUN = "work/tiny/relations"
DATA = (
    "ReconSim: frames of random videos (`labelled_frames`), mirrored, enlarged, shifted and relit; boxes, classes and "
    "triplets of what is seen"
)

Frames = Annotated[int, typer.Option("--frames", "-n", min=1, help="Held-out frames.")]


def train_relations(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings as a=value, such as minutes=60.", metavar="[a=c]...")
    ] = None,
) -> None:
    """Train the tiny RelTR; SIGTERM, Ctrl-C or a file STOP in the run's folder write a checkpoint.

    Example: `hawkeye tiny train relations minutes=60`; to go on from the package's weights:
    `... start=shipped lr=4e-4`; to go on with a run that was stopped: `... resume=true`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.tiny.config import LoopSettings
    from hawkeye_core.tiny.loop import train
    from hawkeye_core.tiny.relation_task import RelationTask

    values = {"run": RUN, "steps": 100_000, "minutes": 60.0, "batch": 8, "lr": 8e-4, "clip": 5.0, "eval_every": 2000}
    settings = load_settings(LoopSettings, values=values, overrides=overrides or ())
    out.print(f"run: {train(RelationTask(batch=settings.batch, seed=settings.seed), settings)}")


def eval_relations(
    weights: Annotated[str, typer.Option("--weights", "-w", help="`shipped`, `untrained` or a file.")] = "shipped",
    frames: Frames = 300,
) -> None:
    """AP50 of boxes, R@20 and R@50 of triplets on whole held-out frames.

    Example: `hawkeye tiny eval relations --weights work/tiny/relations/best.safetensors`
    """
    for name, value in _metrics(weights, frames).items():
        out.print(f"{name:12} {value:.3f}")


def card_relations(
    run: Annotated[Path, typer.Option("--run", "-r", help="Folder of the run.")] = Path(RUN),
    frames: Frames = 300,
    before: Annotated[
        list[Path] | None, typer.Option("--before", help="A run whose weights this one went on with; may be repeated.")
    ] = None,
) -> None:
    """Measure the best weights of a run, copy them into the package in half precision, write their card.

    Example: `hawkeye tiny card relations --run work/tiny/relations`
    """
    from hawkeye_core.tiny.card import as_markdown, best_weights, publish
    from hawkeye_core.tiny.shipped import shipped_folder

    metrics = _metrics(str(best_weights(run)), frames)
    card = publish(
        "relations", run, folder=shipped_folder(), metrics=metrics, data=DATA, half=True, before=before or ()
    )
    out.print(as_markdown(card))


def _metrics(weights: str, frames: int) -> dict[str, float]:
    import torch

    from hawkeye_core.relation.config import RelTRSettings
    from hawkeye_core.relation.frames import to_input
    from hawkeye_core.relation.reltr_weights import load_reltr
    from hawkeye_core.tiny.held_out import held_out_frames
    from hawkeye_core.tiny.relation_eval import relation_measures

    settings = RelTRSettings(size="tiny", weights=weights)
    model, _ = load_reltr(settings)
    found = relation_measures(
        model,
        held_out_frames(frames),
        lambda images: to_input(
            images,
            short_side=settings.short_side,
            long_side=settings.long_side,
            device=torch.device("cpu"),
            dtype=torch.float32,
        ),
    )
    return found | {"frames": float(frames)}
