"""``protocol.json`` of an evaluated run: which row of the tables it is, and what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hawkeye_core import __version__
from hawkeye_core.digest import sha256_of
from hawkeye_core.evaluation.command import command_of
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.protocol import Kind, Protocol, VideoTruth
from hawkeye_core.model.saving import TRAINABLE
from hawkeye_core.training.annotations import VideoAnnotation
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import START
from hawkeye_core.training.record import RunRecord, environment, git_commit

FULL = "Hawkeye"


def row_of(record: RunRecord) -> tuple[str, Kind]:
    """Name and kind of the row of a run: the whole model, or the paper's name of what it is without.

    Pre-tuning counts only where nothing else is off: a start that was left out says little about a model that could
    not have begun with the same one.
    """
    settings = TrainSettings.model_validate(record.settings)
    model = settings.model
    if not model.scene:
        return "scene: off", "ablation"
    switches = {
        "w/o ASG": not model.asg,
        "w/o ORG": not model.org,
        "w/o B-H MoE": not model.moe,
        "w/o L_bc": model.moe and model.lambda_bc == 0,  # without experts there is nothing to balance
    }
    off = [name for name, without in switches.items() if without]
    if not off and not settings.pretuned and START not in record.inputs:
        off = ["w/o pre-tuning"]
    if not off:
        return FULL, "ours"
    return "w/o " + ", ".join(name.removeprefix("w/o ") for name in off), "ablation"


def run_protocol(
    settings: EvalSettings, record: RunRecord, *, checkpoint: Path, annotations: Sequence[VideoAnnotation],
    durations: Mapping[str, float],
) -> Protocol:  # fmt: skip
    """What was scored against what.

    Args:
        settings: Of the evaluation.
        record: Of the run.
        checkpoint: Its folder.
        annotations: Of the videos that were scored, in their order.
        durations: Seconds of each.
    """
    name, kind = row_of(record)
    return Protocol(
        name=settings.name or name,
        kind=kind,
        annotations=settings.annotations,
        split=settings.split,
        videos=tuple(VideoTruth.inside(item.video, durations[item.video], item.timeline()) for item in annotations),
        seed=record.seed,
        run=settings.run,
        checkpoint=settings.checkpoint,
        store=settings.store,
        command=command_of(settings, options=("store", "annotations", "run", "out")),
        git_commit=git_commit(Path(__file__).parent),
        versions={"hawkeye": __version__, **environment()},
        inputs={
            Path(settings.annotations).name: sha256_of(settings.annotations),
            TRAINABLE: sha256_of(checkpoint / TRAINABLE),
        },
    )
