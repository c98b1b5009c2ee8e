"""Loads a finished model for the commands that answer about videos, and says what it is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hawkeye_core.cli.console import errors
from hawkeye_core.errors import ConfigError

if TYPE_CHECKING:
    from hawkeye_core.ground.hawkeye import Hawkeye

Checkpoint = Annotated[
    str, typer.Option("--checkpoint", "-m", help="Training run or checkpoint; `shipped`: the one in the package.")
]
Extraction = Annotated[
    str | None,
    typer.Option("--config", "-c", help="Extraction, preset or YAML; unset: as the model was trained on."),
]
Store = Annotated[
    str | None, typer.Option("--store", "-s", help="Keeps what is extracted; unset: ~/.cache/hawkeye/store.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold", min=0.0, max=1.0,
        help="Of a model with a dense head: its score from which something is anomalous; unset: 0.1.",
    ),
]  # fmt: skip
Presence = Annotated[
    float | None,
    typer.Option(
        "--presence", min=0.0, max=1.0,
        help="Take times from the answers' own text, and probability from which a window is anomalous.",
    ),
]  # fmt: skip


def load_hawkeye(
    checkpoint: str, config: str | None, store: str | None, *, device: str, presence: float | None = None,
    threshold: float | None = None, curve: bool = True,
) -> Hawkeye:  # fmt: skip
    """The model of a run or of the package, with a line on what it is good for.

    Args:
        checkpoint: See :meth:`~hawkeye_core.ground.hawkeye.Hawkeye.from_pretrained`, also of the rest.
        config: Preset or file of extraction.
        store: Cache of features.
        device: Where it runs.
        presence: As the option.
        threshold: As the option.
        curve: Whether the anomaly curve is wanted.

    Raises:
        HawkeyeError: Something cannot be loaded, or a probability is none.
    """
    from hawkeye_core.extraction.config import ExtractSettings
    from hawkeye_core.settings import load_settings

    for name, value in (("--presence", presence), ("--threshold", threshold)):
        if value is not None and not 0 < value < 1:
            raise ConfigError(f"{name} is {value:g}; it lies between 0 and 1")
    extract = None
    if config is not None:
        extract = load_settings(
            ExtractSettings, config=config, package="hawkeye_core.extraction", values={"device": device}
        )
    with errors.status("loading the model"):
        from hawkeye_core.ground.hawkeye import Hawkeye

        hawkeye = Hawkeye.from_pretrained(
            checkpoint, device=device, extract=extract, store=store, presence=presence, threshold=threshold,
            curve=curve,
        )  # fmt: skip
    note = hawkeye.note
    for line in (f"{note.name} ({note.checkpoint}) is good for {note.good_for}", *(f"  {mark}" for mark in note.marks)):
        errors.print(line, style="yellow", markup=False, highlight=False)
    return hawkeye
