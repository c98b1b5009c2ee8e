"""The frozen vision tower: read out of a Video-LLaVA or CLIP checkpoint, cut off behind the layer that is used.

In transformers' Video-LLaVA the video tower is an ordinary CLIP vision model that sees each frame by itself (the
original LanguageBind tower had temporal attention between frames, which the port has not). So tokens computed frame by
frame are exactly those of a whole video.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import CLIPConfig, CLIPVisionConfig, CLIPVisionModel, LlavaConfig, VideoLlavaConfig

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.vision.checkpoint import Checkpoint, load_prefixed, open_checkpoint, read_json, tensors_digest
from hawkeye_core.vision.config import VisionSettings
from hawkeye_core.vision.preprocess import ImageRecipe
from hawkeye_core.weights import UNTRAINED, load_strictly

logger = logging.getLogger(__name__)

SEED = 0
"""Of random weights."""

_CONFIGS: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "video_llava": (VideoLlavaConfig, ("model.video_tower.", "video_tower.")),
    "llava": (LlavaConfig, ("model.vision_tower.", "vision_tower.")),
    "clip": (CLIPConfig, ("vision_model.",)),
    "clip_vision_model": (CLIPVisionConfig, ("vision_model.", "")),
}
"""Kinds of checkpoint by ``model_type``: configuration class, and the prefixes its tower's keys can have."""

_PROCESSORS = (
    ("video_preprocessor_config.json", None),
    ("processor_config.json", "video_processor"),
    ("preprocessor_config.json", None),
    ("processor_config.json", "image_processor"),
)
"""Where a checkpoint keeps its image processor: file, and key within it."""


@dataclass(frozen=True)
class Tower:
    """A vision tower ready to encode.

    Args:
        model: Cut off behind the used layer, frozen, in eval mode.
        recipe: How pictures are prepared for it.
        weights: ``sha256:<hex>`` of the tensors in use, or ``untrained``.
        config: The configuration that decides its shape, as plain values (for the fingerprint).
    """

    model: CLIPVisionModel
    recipe: ImageRecipe
    weights: str
    config: dict[str, Any]

    @property
    def width(self) -> int:
        """D, width of a token."""
        return int(self.model.config.hidden_size)

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return _side(self.model.config.patch_size)

    @torch.inference_mode()
    def patches(self, pixels: torch.Tensor) -> torch.Tensor:
        """[B, 3, S, S] prepared pictures -> [B, P, D] tokens of the used layer, without CLS, in the tower's dtype."""
        hidden = self.model(pixel_values=pixels.to(self.model.dtype)).last_hidden_state
        return hidden[:, 1:]


def load_tower(settings: VisionSettings, *, device: str, dtype: torch.dtype) -> Tower:
    """Build the tower the settings name.

    Raises:
        WeightsError: The checkpoint is missing, incomplete, damaged, or of another network.
        ConfigError: Settings that contradict each other or the checkpoint.
    """
    if settings.tower == "tiny":
        return _tiny(settings, device=device, dtype=dtype)
    checkpoint = open_checkpoint(settings.tower, settings.revision)
    config, prefixes = _read_config(checkpoint)
    recipe = ImageRecipe.from_processor(_read_processor(checkpoint), side=_side(config.image_size))
    if settings.weights == UNTRAINED:
        return _finish(_build(config, settings.layer), config, recipe, UNTRAINED, device=device, dtype=dtype)
    model = _build(config, settings.layer)
    state = _used(load_prefixed(checkpoint, prefixes), model)
    load_strictly(model, state, path=checkpoint.name)
    return _finish(model, config, recipe, f"sha256:{tensors_digest(state)}", device=device, dtype=dtype)


def tiny_config() -> CLIPVisionConfig:
    """A small tower for tests and the demo: 8 x 8 patches of 8 px, width 64, 3 layers."""
    return CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, image_size=64, patch_size=8
    )


def _tiny(settings: VisionSettings, *, device: str, dtype: torch.dtype) -> Tower:
    if settings.weights != UNTRAINED:
        raise ConfigError(
            "`vision.tower: tiny` has no published weights",
            remedy="set `vision.weights: untrained`, or name a checkpoint in `vision.tower`",
        )
    config = tiny_config()
    side = _side(config.image_size)
    recipe = ImageRecipe(side=side, resize=side)
    return _finish(_build(config, settings.layer), config, recipe, UNTRAINED, device=device, dtype=dtype)


def _read_config(checkpoint: Checkpoint) -> tuple[CLIPVisionConfig, tuple[str, ...]]:
    raw = read_json(checkpoint, "config.json")
    if raw is None:
        raise WeightsError(
            "has no config.json", path=checkpoint.name, remedy="set `vision.tower` to a transformers checkpoint"
        )
    kind = str(raw.get("model_type"))
    if kind not in _CONFIGS:
        raise WeightsError(
            f"is a {kind!r} checkpoint, not one of {', '.join(_CONFIGS)}",
            path=checkpoint.name,
            remedy="set `vision.tower` to a Video-LLaVA or CLIP checkpoint in transformers' format",
        )
    config_class, prefixes = _CONFIGS[kind]
    config = config_class.from_dict(raw)
    vision = config if kind == "clip_vision_model" else config.vision_config
    if not isinstance(vision, CLIPVisionConfig):
        raise WeightsError(
            f"has a {vision.model_type!r} tower, not CLIP", path=checkpoint.name, remedy="name another checkpoint"
        )
    return vision, prefixes


def _read_processor(checkpoint: Checkpoint) -> Mapping[str, Any]:
    for file, key in _PROCESSORS:
        found = read_json(checkpoint, file)
        found = found if found is None or key is None else found.get(key)
        if found:
            return found
    logger.warning("%s has no preprocessor_config.json: CLIP's mean, std and bicubic resize are used", checkpoint.name)
    return {}


def _build(config: CLIPVisionConfig, layer: int) -> CLIPVisionModel:
    """Random weights; only the layers up to the used one (``hidden_states[layer]`` is then the last hidden state)."""
    layers = config.num_hidden_layers + 1 + layer
    if layers < 1:
        raise ConfigError(
            f"`vision.layer: {layer}` of a tower with {config.num_hidden_layers} layers",
            remedy=f"choose -{config.num_hidden_layers} to -1",
        )
    cut = CLIPVisionConfig.from_dict({**config.to_dict(), "num_hidden_layers": layers})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return CLIPVisionModel(cut)


def _used(state: Mapping[str, torch.Tensor], model: CLIPVisionModel) -> dict[str, torch.Tensor]:
    """The tensors the cut model has, under its own names: releases differ in a ``vision_model.`` before every key."""
    nested = "vision_model.post_layernorm.weight" in model.state_dict()
    used = {}
    for key, tensor in state.items():
        bare = key.removeprefix("vision_model.")
        layer = bare.removeprefix("encoder.layers.").split(".")[0] if bare.startswith("encoder.layers.") else ""
        behind = layer.isdigit() and int(layer) >= model.config.num_hidden_layers
        if bare != "embeddings.position_ids" and not bare.startswith("visual_projection.") and not behind:
            used[f"vision_model.{bare}" if nested else bare] = tensor
    return used


def _side(value: Any) -> int:
    if not isinstance(value, int):
        raise ConfigError(f"the vision tower's pictures or patches are {value!r} px; only square ones are supported")
    return value


def _finish(
    model: CLIPVisionModel,
    config: CLIPVisionConfig,
    recipe: ImageRecipe,
    weights: str,
    *,
    device: str,
    dtype: torch.dtype,
) -> Tower:
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size")
    shape = {name: getattr(config, name) for name in (*names, "hidden_act", "layer_norm_eps")}
    model.eval().requires_grad_(False).to(device=device, dtype=dtype)
    return Tower(model=model, recipe=recipe, weights=weights, config=shape)
