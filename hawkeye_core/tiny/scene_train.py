"""Training of the scene modules on drawn worlds, and the folder of what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field
from transformers import PreTrainedTokenizerBase

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import save_trainable
from hawkeye_core.settings import load_settings
from hawkeye_core.tiny.card import best_weights
from hawkeye_core.tiny.config import SHIPPED, LoopSettings
from hawkeye_core.tiny.corpus import sentences
from hawkeye_core.tiny.loop import train
from hawkeye_core.tiny.scene_clips import StoredVideo, Video, stored_videos
from hawkeye_core.tiny.scene_labels import LabelBook
from hawkeye_core.tiny.scene_source import DrawnPool, DrawnSource, StoredSource, VideoSource, held_out_videos
from hawkeye_core.tiny.scene_task import SceneTask
from hawkeye_core.training.build import begin_with, build_model, start_weights
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import FINAL
from hawkeye_core.weights import load_state_dict, load_strictly

PRESET = "demo-stage1"
"""Its ``model`` and ``backbone`` are trained; stage 1 by this preset can begin with the result."""


class SceneRunSettings(LoopSettings):
    """Training of scene modules, projector and language model."""

    run: str = "work/tiny/scene"
    steps: int = Field(default=20_000, ge=1)
    batch: int = Field(default=4, ge=1, le=4096)
    lr: float = Field(default=1.5e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    worlds: tuple[str, ...] = ()
    """Drawn worlds (`hawkeye reconsim draw`); the videos of their split `train` are learned from. None: videos are
    drawn while training goes on, with graphs of the truth, and none is seen for long."""
    stores: tuple[str, ...] = ()
    """Feature store of each world, best with graphs of the truth (`sidecar` backends); see docs/tiny.md."""
    all_of: tuple[str, ...] = ()
    """Those of `worlds` whose other splits are learned from as well, so that they measure nothing."""
    stretches_a_video: float = Field(default=80.0, gt=0)
    """Without worlds: stretches drawn of a video before it is left out. Drawing one takes about a second of a core."""
    clip: float = Field(default=5.0, gt=0)
    questions: bool = True
    """Answer questions, and train the language model with it; off: labels of the frames only, several times as fast,
    which is the way to begin."""
    dense: float = Field(default=1.0, ge=0)
    """Weight of the frames' labels."""
    balance: float = Field(default=0.02, ge=0)
    """Weight of L_bc. At the paper's 0.2 its gradient was thirty times that of the answers, measured at the beginning:
    clipped together, answers were hardly learned from in batches with scene modules."""
    exchanged: float = Field(default=0.0, ge=0, le=1)
    """Share of the stretches that have the picture's tokens of another one, so that graphs have to be read. It slows
    learning down: after 400 steps on 400 videos, true graphs, held-out average precision 0.09 at 0.5, 0.18 at 0."""
    noise: float = Field(default=0.5, ge=0, le=1)
    """How uncertain graphs are made at most: 0 leaves those of the truth as they are, which suits a study on them;
    graphs that networks find need some."""
    moved: bool = True
    """Mirror, enlarge and move stretches, and exchange tokens (`exchanged`); off: as they are, for short trainings."""
    without: tuple[Literal["asg", "org", "moe"], ...] = ()
    """Parts of the model to leave out, for the ablation study."""
    longest: int = Field(default=96, ge=8, le=1024)
    """Frames of a stretch of video."""
    held_out: int = Field(default=32, ge=1)
    """Videos of the other splits to measure on."""


def train_scene(settings: SceneRunSettings) -> Path:
    """Train; returns the run's folder, whose ``checkpoint`` other trainings can begin with (``--start``).

    Raises:
        ConfigError: Worlds and stores do not go together.
        AnnotationError: A world has no videos to learn from or to measure on.
    """
    task = scene_task(settings)
    folder = train(task, settings, begun=_of_a_checkpoint(settings.start))
    task.book.write(folder)
    best = best_weights(folder)
    load_strictly(task.model, load_state_dict(best), path=best)
    task.hawkeye.requires_grad_(True)  # a checkpoint of all that stage 2 trains, the language model as it was
    save_trainable(task.hawkeye, folder / FINAL)
    return folder


def scene_task(settings: SceneRunSettings, *, book: LabelBook | None = None) -> SceneTask:
    """The task: a model with new scene modules on the package's Video-LLaVA, and the videos.

    Args:
        settings: See there.
        book: Labels of a run that is measured, perhaps on other videos; none: those of the videos to learn from.
    """
    if unknown := sorted({*settings.all_of} - {*settings.worlds}):
        raise ConfigError(f"`all_of` names {unknown[0]}, which is none of `worlds`", remedy="name it in both or none")
    if len(settings.worlds) != len(settings.stores):
        raise ConfigError(
            f"{len(settings.worlds)} worlds and {len(settings.stores)} stores", remedy="give one store for each world"
        )
    source, held_out = _drawn(settings) if not settings.worlds else _stored(settings)
    model, tokenizer = scene_model(held_out[0], seed=settings.seed, without=settings.without)
    if _of_a_checkpoint(settings.start):
        begin_with(model, start_weights(settings.start))
    return SceneTask(
        model, tokenizer, source, held_out, batch=settings.batch, longest=settings.longest,
        questions=settings.questions, dense=settings.dense, balance=settings.balance,
        exchanged=settings.exchanged, noise=settings.noise, moved=settings.moved, texts=sentences(), book=book,
        seed=settings.seed,
    )  # fmt: skip


def _of_a_checkpoint(start: str) -> bool:
    """Whether the modules alone are taken over; a weights file has heads too, which fit the same labels only."""
    return start == SHIPPED or Path(start).is_dir()


def _drawn(settings: SceneRunSettings) -> tuple[VideoSource, Sequence[Video]]:
    fresh = settings.batch / settings.stretches_a_video
    return DrawnSource(DrawnPool(fresh)), held_out_videos(settings.held_out)


def _stored(settings: SceneRunSettings) -> tuple[VideoSource, Sequence[Video]]:
    videos: list[StoredVideo] = []
    held_out: list[StoredVideo] = []
    for world, store in zip(settings.worlds, settings.stores, strict=True):
        for name, found in stored_videos(world, store).items():
            (videos if name == "train" or world in settings.all_of else held_out).extend(found)
    if not videos or not held_out:
        raise ConfigError(
            f"{len(videos)} videos to learn from and {len(held_out)} to measure on",
            remedy="draw a world with splits `train` and `test`, such as preset `small`, and extract all of it",
        )
    return StoredSource(videos), spread(held_out, settings.held_out)


def scene_model(
    video: Video, *, seed: int = 0, without: Sequence[str] = ()
) -> tuple[HawkeyeModel, PreTrainedTokenizerBase]:
    """New scene modules, perhaps without some, on the package's Video-LLaVA, and its tokenizer."""
    import torch

    vision = video.cut(0, 1).window.vision
    assert vision is not None
    training = load_settings(
        TrainSettings,
        config=PRESET,
        package="hawkeye_core.training",
        overrides=[f"model.{part}=off" for part in without],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(training, vision_width=int(vision.masked_token.shape[-1]))


def spread(videos: list[StoredVideo], count: int) -> list[StoredVideo]:
    """``count`` of them, evenly over the list."""
    chosen = min(count, len(videos))
    return [videos[number * len(videos) // chosen] for number in range(chosen)]
