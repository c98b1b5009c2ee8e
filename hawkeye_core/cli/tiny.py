"""``hawkeye tiny``: train, measure and publish the small networks that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hawkeye_core.cli.console import out
from hawkeye_core.cli.tiny_llava import card_llava, train_language, train_vision
from hawkeye_core.cli.tiny_relations import card_relations, eval_relations, train_relations
from hawkeye_core.cli.tiny_scene import card_answers, card_scene, eval_scene, train_scene

app = typer.Typer(
    help="Train, measure and publish the small networks that ship with the package.", no_args_is_help=True
)
train_app = typer.Typer(help="Train one of them on drawn scenes, on one core.", no_args_is_help=True)
eval_app = typer.Typer(help="Measure the weights on held-out scenes.", no_args_is_help=True)
card_app = typer.Typer(help="Copy a run's best weights into the package and write their card.", no_args_is_help=True)
app.add_typer(train_app, name="train")
app.add_typer(eval_app, name="eval")
app.add_typer(card_app, name="card")
train_app.command("relations")(train_relations)
eval_app.command("relations")(eval_relations)
card_app.command("relations")(card_relations)
train_app.command("vision")(train_vision)
train_app.command("language")(train_language)
card_app.command("llava")(card_llava)
train_app.command("scene")(train_scene)
eval_app.command("scene")(eval_scene)
card_app.command("scene")(card_scene)
card_app.command("answers")(card_answers)

Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings as a=value, such as minutes=60.", metavar="[a=c]...")
]
Weights = Annotated[str, typer.Option("--weights", "-w", help="`shipped` or a file.")]
Frames = Annotated[int, typer.Option("--frames", "-n", min=1, help="Held-out frames.")]

Before = Annotated[
    list[Path] | None, typer.Option("--before", help="A run whose weights this one went on with; may be repeated.")
]

POSE_RUN = "work/tiny/pose"
POSE_DATA = "ReconSim: frames of random videos (`labelled_frames`), random crops, scales and mirror images of them"


@app.command("cards")
def cards(
    names: Annotated[list[str] | None, typer.Argument(help="Of networks; left out: all that are there.")] = None,
) -> None:
    """Print the cards of the shipped weights: data, steps, metrics on held-out scenes, what they are not for.

    Example: `hawkeye tiny cards pose`
    """
    from hawkeye_core.tiny.card import as_markdown, read_card
    from hawkeye_core.tiny.shipped import shipped_folder

    folder = shipped_folder()
    for name in names or sorted(path.stem for path in folder.glob("*.json")):
        out.print(as_markdown(read_card(folder / f"{name}.json")), markup=False, highlight=False)


@train_app.command("pose")
def train_pose(overrides: Overrides = None) -> None:
    """Train the tiny HigherHRNet; SIGTERM, Ctrl-C or a file STOP in the run's folder write a checkpoint.

    Example: `hawkeye tiny train pose minutes=60`; to go on from the package's weights: `... start=shipped lr=1e-3`;
    to go on with a run that was stopped: `... resume=true`
    """
    from hawkeye_core.settings import load_settings
    from hawkeye_core.tiny.config import PoseSettings
    from hawkeye_core.tiny.loop import train
    from hawkeye_core.tiny.pose_task import PoseTask

    values = {"run": POSE_RUN, "steps": 100_000, "minutes": 60.0, "batch": 16, "lr": 2e-3, "eval_every": 2000}
    given = {text.partition("=")[0] for text in overrides or ()}
    settings = load_settings(
        PoseSettings,
        overrides=overrides or (),
        values={key: value for key, value in values.items() if key not in given},
    )
    task = PoseTask(
        batch=settings.batch, side=settings.side, held_out=settings.held_out, seed=settings.seed,
        bfloat16=settings.precision == "bfloat16",
    )  # fmt: skip
    out.print(f"run: {train(task, settings)}")


@eval_app.command("pose")
def eval_pose(weights: Weights = "shipped", frames: Frames = 300) -> None:
    """OKS-AP on whole held-out frames, without and with flip test.

    Example: `hawkeye tiny eval pose --weights work/tiny/pose/best.safetensors`
    """
    for name, value in _pose_metrics(weights, frames).items():
        out.print(f"{name:12} {value:.3f}")


@card_app.command("pose")
def card_pose(
    run: Annotated[Path, typer.Option("--run", "-r", help="Folder of the run.")] = Path(POSE_RUN),
    frames: Frames = 300,
    before: Before = None,
) -> None:
    """Measure the best weights of a run, copy them into the package in half precision, write their card.

    Example: `hawkeye tiny card pose --run work/tiny/pose`
    """
    from hawkeye_core.tiny.card import as_markdown, best_weights, publish
    from hawkeye_core.tiny.shipped import shipped_folder

    metrics = _pose_metrics(str(best_weights(run)), frames)
    card = publish(
        "pose", run, folder=shipped_folder(), metrics=metrics, data=POSE_DATA, half=True, before=before or ()
    )
    out.print(as_markdown(card))


def _pose_metrics(weights: str, frames: int) -> dict[str, float]:
    from hawkeye_core.tiny.config import SHIPPED
    from hawkeye_core.tiny.held_out import held_out_frames
    from hawkeye_core.tiny.keypoint_ap import keypoint_ap
    from hawkeye_core.tiny.shipped import shipped
    from hawkeye_core.weights import load_state_dict

    state = load_state_dict(shipped("pose") if weights == SHIPPED else weights)
    held_out = held_out_frames(frames)
    plain = keypoint_ap(state, held_out)
    flipped = keypoint_ap(state, held_out, flip_test=True)
    return plain | {f"{name}_flip": value for name, value in flipped.items()} | {"frames": float(frames)}
