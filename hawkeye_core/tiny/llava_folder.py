"""The folder of the small Video-LLaVA, in the files and under the keys of the published one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import (
    PreTrainedTokenizerBase,
    VideoLlavaForConditionalGeneration,
    VideoLlavaProcessor,
)
from transformers.models.video_llava.image_processing_video_llava import VideoLlavaImageProcessor
from transformers.models.video_llava.video_processing_video_llava import VideoLlavaVideoProcessor

from hawkeye_core.tiny.llava_config import PATCH, SIDE, llava_config

TOWERS = ("model.video_tower.", "model.image_tower.")
"""Where the tower's tensors go: the published model has one tower for pictures and one for videos, here equal."""


def write_llava(
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    *,
    tower: Mapping[str, Tensor],
    language: Mapping[str, Tensor] | None = None,
    seed: int = 0,
) -> None:
    """Write config, weights (float16), tokenizer and processor; an earlier folder is replaced as a whole.

    Args:
        folder: Where to.
        tokenizer: Of the language model.
        tower: State of the whole ``CLIPVisionModel``, its last layer included.
        language: State of the backbone (:func:`~hawkeye_core.model.backbone.build_backbone`); none: new weights.
        seed: Of new weights.
    """
    config = llava_config(tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VideoLlavaForConditionalGeneration(config)
    state = model.state_dict()
    for prefix in TOWERS:
        _fill(state, {f"{prefix}{key}": value for key, value in tower.items()}, complete=prefix)
    if language is not None:
        _fill(state, language, complete="")
    model.load_state_dict(state)
    model.half()

    def write(temporary: Path) -> None:
        model.save_pretrained(temporary)
        processor_of(tokenizer).save_pretrained(temporary)

    replace_folder(folder, write)


def replace_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary folder beside ``folder``, flush its files, and put it in the place of that."""
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(temporary)
        for path in temporary.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def processor_of(tokenizer: PreTrainedTokenizerBase) -> VideoLlavaProcessor:
    """Pictures of the tower's size, the whole frame squashed: nothing of a drawn scene is cut off."""
    square = {"height": SIDE, "width": SIDE}
    size: dict[str, Any] = {"size": square, "crop_size": square, "do_center_crop": False}
    return VideoLlavaProcessor(
        image_processor=VideoLlavaImageProcessor(**size),
        video_processor=VideoLlavaVideoProcessor(**size),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
    )


def tower_state(path: Path) -> dict[str, Tensor]:
    """The tower out of the weights of :class:`~hawkeye_core.tiny.vision_task.TowerWithHeads`."""
    return {key.removeprefix("tower."): v for key, v in load_file(path).items() if key.startswith("tower.")}


def language_state(folder: Path) -> dict[str, Tensor]:
    """Projector and language model out of a folder of :func:`write_llava`, float32, as ``write_llava`` takes them."""
    model = VideoLlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    return {key: value for key, value in model.state_dict().items() if not key.startswith(TOWERS)}


def _fill(state: dict[str, Tensor], given: Mapping[str, Tensor], *, complete: str) -> None:
    """Put tensors in their places; every one must have a place, and all under ``complete`` must be given."""
    wrong = [key for key in given if key not in state or state[key].shape != given[key].shape]
    if complete:
        wrong += [key for key in state if key.startswith(complete) and key not in given]
    if wrong:
        raise ValueError(f"{len(wrong)} tensors are missing, unknown or of another shape (first: {wrong[0]})")
    state.update(given)
