"""``hawkeye tiny train scene``, ``eval scene`` and ``card scene``: where Hawkeye-tiny's own training begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hawkeye_core.cli.console import out

if TYPE_CHECKING:
    from hawkeye_core.tiny.scene_train import SceneRunSettings

RUN = "work/tiny/scene"

Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings as a=value, such as minutes=60.", metavar="[a=c]...")
]
Run = Annotated[Path, typer.Option("--run", "-r", help="Folder of the run.")]


def train_scene(overrides: Overrides = None) -> None:
    """Train scene modules, and with questions projector and language model, on drawn worlds whose graphs are known.

    Videos are drawn while it learns, about a second of a core each: give `workers=8` where there are cores. With few,
    draw a world and put its true graphs into a store beforehand (docs/tiny.md) and give `worlds=[W] stores=[S]`.

    Example: `hawkeye tiny train scene questions=false minutes=60 workers=4`; to go on from the package's weights:
    `... start=shipped`; from another run's, whatever labels its videos had: `... start=RUN`; to go on with a run that
    was stopped: `... resume=true`
    """
    from hawkeye_core.tiny.scene_train import train_scene

    out.print(f"run: {train_scene(_settings(overrides or ()))}")


def eval_scene(run: Run = Path(RUN), overrides: Overrides = None) -> None:
    """Measure a run's best weights, with and without scene modules (`plain_`), on videos it has not seen.

    Example: `hawkeye tiny eval scene --run work/tiny/scene held_out=60`; on graphs of another store:
    `... "worlds=[W]" "stores=[S]"`
    """
    for name, value in _metrics(run, overrides or ()).items():
        out.print(f"{name:<16}{value:.3f}")


def card_scene(run: Run = Path(RUN), overrides: Overrides = None) -> None:
    """Measure a run's best weights, copy them into the package in half precision, write their cards.

    If the run trained the language model, the package's becomes the run's, so that training begins at the same point
    with and without scene modules.

    Example: `hawkeye tiny card scene --run work/tiny/scene held_out=60`
    """
    from hawkeye_core.tiny.card import as_markdown
    from hawkeye_core.tiny.scene_card import publish_scene
    from hawkeye_core.tiny.scene_train import scene_task
    from hawkeye_core.tiny.shipped import shipped_folder

    metrics = _metrics(run, overrides or ())
    config = scene_task(_settings_of(run, overrides or ())).hawkeye.config
    for card in publish_scene(run, folder=shipped_folder(), metrics=metrics, config=config):
        out.print(as_markdown(card), markup=False, highlight=False)


def card_answers(
    run: Annotated[Path, typer.Option("--run", "-r", help="Run of stage 2 on the package's Video-LLaVA.")],
    evaluation: Annotated[Path, typer.Option("--evaluation", "-e", help="Its `hawkeye eval` on other videos.")],
) -> None:
    """Copy a finished model into the package, where `hawkeye ground` finds it, and write its card.

    Example: `hawkeye tiny card answers --run work/runs/stage2 --evaluation work/eval`
    """
    from hawkeye_core.tiny.answers_card import publish_answers
    from hawkeye_core.tiny.card import as_markdown
    from hawkeye_core.tiny.shipped import shipped_folder

    out.print(as_markdown(publish_answers(run, evaluation, folder=shipped_folder())), markup=False, highlight=False)


def _settings(overrides: list[str] | tuple[str, ...], **values: object) -> SceneRunSettings:
    from hawkeye_core.settings import load_settings
    from hawkeye_core.tiny.scene_train import SceneRunSettings

    return load_settings(SceneRunSettings, overrides=overrides, values=values)


def _settings_of(run: Path, overrides: list[str] | tuple[str, ...]) -> SceneRunSettings:
    import json

    from hawkeye_core.training.record import RECORD

    return _settings(overrides, **json.loads((run / RECORD).read_text())["settings"])


def _metrics(run: Path, overrides: list[str] | tuple[str, ...]) -> dict[str, float]:
    from hawkeye_core.tiny.card import best_weights
    from hawkeye_core.tiny.scene_labels import LabelBook
    from hawkeye_core.tiny.scene_train import scene_task
    from hawkeye_core.weights import load_state_dict, load_strictly

    path = best_weights(run)
    task = scene_task(_settings_of(run, overrides), book=LabelBook.read(run))
    load_strictly(task.model, load_state_dict(path), path=path)
    task.model.eval()
    return task.evaluate()
