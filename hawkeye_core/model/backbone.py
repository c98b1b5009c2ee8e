"""The language model and projector of a Video-LLaVA, without its two vision towers, which cached features replace."""

from __future__ import annotations

import copy
import hashlib
import logging
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import VideoLlavaConfig, VideoLlavaForConditionalGeneration

from hawkeye_core.errors import WeightsError
from hawkeye_core.vision.checkpoint import (
    Checkpoint,
    Setting,
    load_prefixed,
    open_checkpoint,
    read_json,
    tensors_digest,
)
from hawkeye_core.weights import load_strictly

logger = logging.getLogger(__name__)

PAPER_BACKBONE = "LanguageBind/Video-LLaVA-7B-hf"

BASE = Setting("base", "without `base` the model is built with random weights")

_PREFIXES = {
    "model.multi_modal_projector": ("model.multi_modal_projector.", "multi_modal_projector."),
    "model.language_model": ("model.language_model.", "language_model.model."),
    "lm_head": ("lm_head.", "language_model.lm_head."),
}
"""Where the parts stand in checkpoints of transformers 5 and before."""


def build_backbone(config: VideoLlavaConfig) -> VideoLlavaForConditionalGeneration:
    """The backbone with random weights and without its vision towers."""
    slim: Any = copy.deepcopy(config)
    slim.vision_config.num_hidden_layers = 0  # built by the class, then dropped: build as little as possible
    backbone = VideoLlavaForConditionalGeneration(slim)
    backbone.model.video_tower = None
    backbone.model.image_tower = None
    backbone.config = backbone.model.config = config
    return backbone


def read_backbone_config(base: str, *, revision: str | None = None) -> VideoLlavaConfig:
    """The configuration of a published or local Video-LLaVA.

    Args:
        base: Hub name or folder of a checkpoint in transformers' format.
        revision: Branch, tag or commit on the hub.

    Raises:
        WeightsError: It cannot be reached, or is not a Video-LLaVA.
    """
    return _config_of(open_checkpoint(base, revision, setting=BASE))


def load_backbone(
    base: str, *, revision: str | None = None, dtype: torch.dtype | None = None
) -> VideoLlavaForConditionalGeneration:
    """Projector, language model and its head of a checkpoint, on the CPU; the towers' tensors are not read.

    The model is built without memory and takes the tensors as they are read, so there is one copy at any time.

    Args:
        base: Hub name or folder of a checkpoint in transformers' format, whole or in shards.
        revision: Branch, tag or commit on the hub.
        dtype: Type of the weights in memory; the checkpoint's own if not given.

    Raises:
        WeightsError: It cannot be reached, is not a Video-LLaVA, is incomplete or damaged, or its tensors do not fit
            its configuration.
    """
    checkpoint = open_checkpoint(base, revision, setting=BASE)
    config = _config_of(checkpoint)
    with torch.device("meta"):
        backbone = build_backbone(config)
    for part, prefixes in _PREFIXES.items():
        state = load_prefixed(checkpoint, prefixes)
        module = backbone.get_submodule(part)
        load_strictly(module, _cast(state, dtype), path=f"{checkpoint.name} ({part})", assign=True)
    _compute_rotary(backbone)
    for module in backbone.modules():  # tells transformers that these are not new weights
        setattr(module, "_is_hf_initialized", True)  # noqa: B010 - a plain assignment is typed as a parameter
    logger.info("%s: %.2f B parameters", checkpoint.name, sum(p.numel() for p in backbone.parameters()) / 1e9)
    return backbone.eval()


def backbone_digest(base: str, *, revision: str | None = None) -> str:
    """SHA-256 over the names, types, shapes and bytes of the tensors that :func:`load_backbone` reads.

    Raises:
        WeightsError: As there.
    """
    checkpoint = open_checkpoint(base, revision, setting=BASE)
    parts = [tensors_digest(_cast(load_prefixed(checkpoint, prefixes), None)) for prefixes in _PREFIXES.values()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _config_of(checkpoint: Checkpoint) -> VideoLlavaConfig:
    raw = read_json(checkpoint, "config.json")
    remedy = f"set `{checkpoint.setting.key}` to a Video-LLaVA in transformers' format, such as {PAPER_BACKBONE}"
    if raw is None:
        raise WeightsError("has no config.json", path=checkpoint.name, remedy=remedy)
    if raw.get("model_type") != VideoLlavaConfig.model_type:
        raise WeightsError(f"is a {raw.get('model_type')!r} checkpoint", path=checkpoint.name, remedy=remedy)
    try:
        return VideoLlavaConfig.from_dict(raw)
    except (TypeError, ValueError, KeyError, AttributeError, StrictDataclassError) as error:
        raise WeightsError(f"config.json cannot be used ({error})", path=checkpoint.name, remedy=remedy) from error


def _cast(state: dict[str, Tensor], dtype: torch.dtype | None) -> dict[str, Tensor]:
    # Old checkpoints store the rotary frequencies, which are computed here.
    kept = {key: state[key] for key in list(state) if not key.endswith("rotary_emb.inv_freq")}
    if dtype is not None:
        for key in kept:
            state.pop(key)  # so that the tensor as stored is freed when its copy is there
            kept[key] = kept[key].to(dtype)
    return kept


def _compute_rotary(backbone: VideoLlavaForConditionalGeneration) -> None:
    """Rotary frequencies are not stored in checkpoints, and on ``meta`` they were not computed."""
    language_model: Any = backbone.model.language_model
    language_model.rotary_emb = type(language_model.rotary_emb)(config=language_model.config)
