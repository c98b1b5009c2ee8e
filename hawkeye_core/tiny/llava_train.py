"""Training of the small Video-LLaVA: the tower on pictures, then projector and language model on its tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field
from transformers import AutoTokenizer

from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny.checkpoint import BEST
from hawkeye_core.tiny.config import SHIPPED, LoopSettings
from hawkeye_core.tiny.corpus import sentences, tokenizer_texts
from hawkeye_core.tiny.language_task import LanguageTask
from hawkeye_core.tiny.llava_data import HELD_OUT_SEED, TRAIN_SEED, Progress, pictures, token_clips
from hawkeye_core.tiny.llava_folder import language_state, tower_state, write_llava
from hawkeye_core.tiny.llava_tokenizer import train_tokenizer
from hawkeye_core.tiny.loop import train
from hawkeye_core.tiny.shipped import LLAVA, shipped_llava
from hawkeye_core.tiny.vision_task import Told, VisionTask
from hawkeye_core.vision.backend import ClipVisionBackend
from hawkeye_core.vision.config import VisionSettings
from hawkeye_core.weights import load_state_dict, load_strictly


class TowerSettings(LoopSettings):
    """Training of the tower."""

    run: str = "work/tiny/vision"
    steps: int = Field(default=6000, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    data: str = "work/tiny/llava-data"
    """Folder of the drawn pictures; what is missing is drawn."""
    parts: int = Field(default=24, ge=1)
    """Files of 480 pictures to learn from."""
    told: Told = "all"
    """`all`: classes, actions, body parts and predicates; `things`: classes alone. A tower that was told actions and
    predicates leaves less to be found by the graphs, whose part a study then underrates (docs/results.md)."""


class LanguageSettings(LoopSettings):
    """Training of projector and language model on a trained tower."""

    run: str = "work/tiny/language"
    steps: int = Field(default=4000, ge=1)
    batch: int = Field(default=4, ge=1, le=4096)
    lr: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    data: str = "work/tiny/llava-data"
    """Folder of the drawn videos; what is missing is drawn."""
    tower: str = "work/tiny/vision"
    """Run of the tower."""
    videos: int = Field(default=300, ge=1)
    """Videos to learn from."""
    held_out: int = Field(default=24, ge=1)
    """Videos to measure on."""


def train_tower(settings: TowerSettings, *, progress: Progress | None = None) -> Path:
    """Draw what is missing and train; returns the run's folder."""
    data = Path(settings.data)
    held_out = pictures(data, seed=HELD_OUT_SEED, parts=2)
    learned = pictures(data, seed=TRAIN_SEED, parts=settings.parts, progress=progress)
    return train(VisionTask(learned, held_out, batch=settings.batch, seed=settings.seed, told=settings.told), settings)


def train_language(settings: LanguageSettings, *, progress: Progress | None = None) -> Path:
    """Draw what is missing, compute tokens, train, and write the whole model into the run's folder; returns that.

    Raises:
        WeightsError: The tower has not been trained.
    """
    task = language_task(settings, progress=progress)
    if settings.start == SHIPPED:
        load_strictly(task.model, language_state(shipped_llava()), path=shipped_llava())
    run = train(task, settings, begun=settings.start == SHIPPED)
    write_llava(run / LLAVA, task.tokenizer, tower=tower_state(_tower(settings)), language=load_state_dict(run / BEST))
    return run


def language_task(settings: LanguageSettings, *, progress: Progress | None = None) -> LanguageTask:
    """The task: tokens of the drawn videos by the trained tower, and a tokenizer trained on what is said of them; with
    the package's weights to begin with (``start=shipped``), the package's tokenizer.
    """
    data = Path(settings.data)
    tower = tower_state(_tower(settings))
    bare = data / f"{LLAVA}-bare"  # so that the tokens are those of extraction: same files, same code
    write_llava(bare, train_tokenizer([]), tower=tower)
    backend = ClipVisionBackend(VisionSettings(tower=str(bare)))
    held_out = token_clips(data, backend, seed=HELD_OUT_SEED, count=settings.held_out)
    clips = token_clips(data, backend, seed=TRAIN_SEED, count=settings.videos, progress=progress)
    rng = np.random.default_rng(settings.seed)
    if settings.start == SHIPPED:  # its weights know the words by the numbers of its own tokenizer
        tokenizer = AutoTokenizer.from_pretrained(shipped_llava())
    else:
        tokenizer = train_tokenizer(tokenizer_texts([clip.account for clip in clips], rng))
    return LanguageTask(tokenizer, clips, held_out, batch=settings.batch, texts=sentences(), seed=settings.seed)


def _tower(settings: LanguageSettings) -> Path:
    path = Path(settings.tower) / BEST
    if not path.is_file():
        raise WeightsError("the tower is not trained", path=path, remedy="run `hawkeye tiny train vision` first")
    return path
