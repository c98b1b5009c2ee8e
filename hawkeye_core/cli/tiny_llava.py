"""``hawkeye tiny train vision``, ``train language`` and ``card llava``: the small Video-LLaVA."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hawkeye_core.cli.console import out

Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings as a=value, such as minutes=60.", metavar="[a=c]...")
]


def train_vision(overrides: Overrides = None) -> None:
    """Train the small vision tower; what is missing of its pictures is drawn first.

    Example: `hawkeye tiny train vision minutes=60`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.tiny.llava_train import TowerSettings, train_tower

    out.print(f"run: {train_tower(load_settings(TowerSettings, overrides=overrides or ()))}")


def train_language(overrides: Overrides = None) -> None:
    """Train projector and language model on the tower's tokens, and write the whole model into the run.

    Example: `hawkeye tiny train language minutes=60 tower=work/tiny/vision`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.tiny.llava_train import LanguageSettings, train_language

    out.print(f"run: {train_language(load_settings(LanguageSettings, overrides=overrides or ()))}")


def card_llava(
    run: Annotated[Path, typer.Option("--run", "-r", help="Run of the language model.")] = Path("work/tiny/language"),
    tower: Annotated[Path, typer.Option("--tower", "-t", help="Run of its tower.")] = Path("work/tiny/vision"),
) -> None:
    """Copy the model of a run into the package and write the cards of tower and language model.

    Example: `hawkeye tiny card llava --run work/tiny/language --tower work/tiny/vision`
    """
    from hawkeye_core.tiny.card import as_markdown
    from hawkeye_core.tiny.llava_card import publish_llava
    from hawkeye_core.tiny.shipped import shipped_folder

    for card in publish_llava(run, tower, folder=shipped_folder()):
        out.print(as_markdown(card))
