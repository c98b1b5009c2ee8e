"""What a model consists of, and how much memory it needs: counted on the ``meta`` device, which holds no weights."""

from __future__ import annotations

import inspect
from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import nn

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.settings import Settings

FORMULAS = {
    "weights": "frozen x frozen_bytes + trained x 4 (float32)",
    "gradients": "trained x 4",
    "optimiser": "trained x 8 (two float32 moments of AdamW)",
    "activations": "B L n a + experts; a = 64 H + 14 I + 28 r bytes a token and layer with LoRA, without 24 H + 8 I "
    "(bfloat16) or 40 H + 16 I (float32); experts: B 2T N layers x 65 D",
    "activations, checkpointed": "B L (n x H x 2 (or 4) + a) + experts: B 2T (N layers x 4 D + 65 D)",
    "logits": "B answer_tokens x V x 10 (bfloat16, float32 and its gradient)",
    "cache": "B (L + answer_tokens) x n x 2 H_kv x frozen_bytes",
}
"""B windows, T frames, L = 2 T + text_tokens, n layers, H width, I inner width, r rank, N experts, D vision width,
V words. What a layer keeps for its backward pass was counted with ``saved_tensors_hooks`` (SDPA without a matrix of
scores); a test counts again."""


class SummarySettings(Settings):
    """A model's shape and the batch its memory is computed for."""

    backbone: dict[str, Any] = Field(default_factory=dict)
    """Values of a `VideoLlavaConfig`."""
    model: dict[str, Any] = Field(default_factory=dict)
    """Values of `HawkeyeConfig`."""
    frozen_bytes: Literal[2, 4] = 2
    """Bytes a number of the language model: 2 for bfloat16, 4 for float32."""
    batch: int = Field(default=8, ge=1)
    """B, windows at a time."""
    frames: int = Field(default=512, ge=1)
    """T, frames a window."""
    text_tokens: int = Field(default=640, ge=0)
    """Tokens of question, answer and times."""
    answer_tokens: int = Field(default=64, ge=1)
    """Tokens of an answer."""

    @model_validator(mode="after")
    def _known(self) -> SummarySettings:
        known = set(inspect.signature(HawkeyeConfig.__init__).parameters) - {"self", "llava", "kwargs"}
        unknown = sorted(set(self.model) - known)
        if unknown:
            raise ValueError(f"unknown key model.{unknown[0]}; known: {', '.join(sorted(known))}")
        return self


class Part(NamedTuple):
    """One line of the table."""

    name: str
    parameters: int
    trained: int


class Summary(NamedTuple):
    """Parts of the model and bytes by purpose."""

    parts: list[Part]
    training: dict[str, int]  # bytes, without gradient checkpointing
    checkpointed: dict[str, int]  # bytes, with it
    inference: dict[str, int]

    @property
    def total(self) -> Part:
        """The sum of the parts."""
        return Part("all", sum(p.parameters for p in self.parts), sum(p.trained for p in self.parts))


def summarize(settings: SummarySettings) -> Summary:
    """Parts and memory of a model that is built without memory.

    Raises:
        ConfigError: No model can be built from these values.
    """
    try:
        config = HawkeyeConfig(llava=settings.backbone, **settings.model)
        with torch.device("meta"):
            model = HawkeyeModel(config)
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error), remedy="change the setting under `model` or `backbone`") from error
    parts = parts_of(model)
    total, trained = sum(p.parameters for p in parts), sum(p.trained for p in parts)
    states = {
        "weights": (total - trained) * settings.frozen_bytes + trained * 4,
        "gradients": trained * 4,
        "optimiser": trained * 8,
    }
    plain, checkpointed = (activations(settings, config, checkpointing=on) for on in (False, True))
    inference = {"weights": states["weights"], "cache": cache(settings, config)}
    return Summary(parts, states | plain, states | checkpointed, inference)


def parts_of(model: HawkeyeModel) -> list[Part]:
    """Parameters by part; adapters stand in a line of their own."""
    scene, inner = model.scene, model.backbone.model
    modules: list[tuple[str, nn.Module | None]] = [
        ("action-sensitive graph (Eq. 1-3)", scene.actions),
        ("object-relation graph (Eq. 4)", scene.relations),
        ("token types", scene.kind),
        ("B-H MoE (Eq. 5)", scene.moe),
        ("concatenation (without B-H MoE)", scene.concatenate),
        ("projector", inner.multi_modal_projector),
        ("language model", inner.language_model),
        ("head", model.backbone.lm_head),
    ]
    parts = [_part(name, module, adapters=False) for name, module in modules if module is not None]
    adapters = _part("LoRA", model, adapters=True)
    return [*parts, adapters] if adapters.parameters else parts


def layer_bytes(config: HawkeyeConfig, *, width: int) -> int:
    """Bytes that one layer of the language model keeps a token for its backward pass.

    Args:
        config: The configuration.
        width: Bytes of a number: 2 for bfloat16, 4 for float32.
    """
    text: Any = config.llava_config().text_config
    if config.lora:
        return int(64 * text.hidden_size + 14 * text.intermediate_size + 28 * config.lora_rank)
    if width == 4:
        return int(40 * text.hidden_size + 16 * text.intermediate_size)
    return int(24 * text.hidden_size + 8 * text.intermediate_size)


EXPERT_BYTES = 65
"""Bytes in units of D that one float32 encoder layer keeps a token for its backward pass."""


def activations(settings: SummarySettings, config: HawkeyeConfig, *, checkpointing: bool) -> dict[str, int]:
    """Bytes kept between forward and backward pass; see :data:`FORMULAS`."""
    text: Any = config.llava_config().text_config
    width = settings.frozen_bytes
    tokens = settings.batch * (2 * settings.frames + settings.text_tokens)
    layers, layer = text.num_hidden_layers, layer_bytes(config, width=width)
    kept = layers * width * text.hidden_size + layer if checkpointing else layers * layer
    experts = 0
    if config.scene and config.moe:
        count = config.experts * config.expert_layers
        units = 4 * count + EXPERT_BYTES if checkpointing else EXPERT_BYTES * count
        experts = settings.batch * 2 * settings.frames * units * config.vision_width
    return {
        "activations": tokens * kept + experts,
        "logits": settings.batch * settings.answer_tokens * text.vocab_size * 10,
    }


def cache(settings: SummarySettings, config: HawkeyeConfig) -> int:
    """Bytes of keys and values at the end of an answer."""
    text: Any = config.llava_config().text_config
    width = text.hidden_size // text.num_attention_heads * text.num_key_value_heads
    tokens = settings.batch * (2 * settings.frames + settings.text_tokens + settings.answer_tokens)
    return int(tokens * text.num_hidden_layers * 2 * width * settings.frozen_bytes)


def _part(name: str, module: nn.Module, *, adapters: bool) -> Part:
    kept = [p for key, p in module.named_parameters() if (".lora_" in key) is adapters]
    return Part(name, sum(p.numel() for p in kept), sum(p.numel() for p in kept if p.requires_grad))
