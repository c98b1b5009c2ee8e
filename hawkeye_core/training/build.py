"""From settings to a model and its tokenizer, and the weights that training begins with."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import TRAINABLE, assign_trainable, config_for, new_model
from hawkeye_core.model.tiny import byte_tokenizer, tiny_llava
from hawkeye_core.tiny.config import FINISHED, FINISHED_PLAIN, SHIPPED
from hawkeye_core.tiny.shipped import PLAIN, finished_model, shipped_hawkeye
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.vision.checkpoint import locate
from hawkeye_core.weights import load_state_dict

FREE_OF_START = frozenset(
    {"lambda_bc", "lambda_dense", "dense_head", "tau", "importance", "cv", "lora_dropout", "initializer_range"}
)
"""Values in which a model may differ from the one it begins with: they say how it learns, not what it is."""


def build_model(
    settings: TrainSettings, *, vision_width: int, device: torch.device | str = "cpu"
) -> tuple[HawkeyeModel, PreTrainedTokenizerBase]:
    """A model before training; new weights come from torch's global generator.

    Args:
        settings: Of the run.
        vision_width: D of the stored vision tokens.
        device: Where the run computes; only weights in 4 bits are put there at once.

    Raises:
        ConfigError: The model does not fit the stored tokens.
        WeightsError: The backbone or its tokenizer cannot be read.
    """
    backbone = settings.backbone
    values = settings.model.model_dump() | (settings.lora.config_values() if settings.lora else {})
    if backbone.base:
        config = config_for(backbone.base, revision=backbone.revision, **values)
        if config.vision_width != vision_width:
            raise ConfigError(
                f"the stored vision tokens are {vision_width} wide, those of {backbone.base} {config.vision_width}",
                path=settings.store,
                remedy="extract with the backbone's own tower (`vision.tower`)",
            )
        tokenizer = base_tokenizer(backbone.base, revision=backbone.revision)
    else:
        llava = tiny_llava(
            vision_width=vision_width, hidden_size=backbone.hidden_size, layers=backbone.layers, heads=backbone.heads,
            max_length=backbone.max_length,
        )  # fmt: skip
        try:
            config = HawkeyeConfig(llava=llava, **values)
        except ValueError as error:
            raise ConfigError(str(error), remedy="change the setting under `model`") from error
        tokenizer = byte_tokenizer()
    four_bit = device if backbone.four_bit else None
    model = new_model(config, dtype=frozen_dtype(settings), four_bit=four_bit)
    if settings.gradient_checkpointing:
        # Of language model and experts. Transformers 5.23 has another name for it, 5.17 the old one only.
        enable = getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)
        enable({"use_reentrant": False})
    return model, tokenizer


def frozen_dtype(settings: TrainSettings) -> torch.dtype:
    """Type of the language model's own weights; what is trained is float32 anyway."""
    chosen = settings.backbone.dtype
    if chosen == "auto":
        chosen = "bf16" if settings.lora is not None and settings.precision == "bf16" else "fp32"
    return torch.bfloat16 if chosen == "bf16" else torch.float32


def answering_dtype(settings: TrainSettings) -> torch.dtype | None:
    """Type of the frozen weights when a run's model answers: the one they had in training.

    Published weights are stored in half precision. Taken as stored, those of a run in float32 would be rounded, answers
    would depend on the size of batches (scores by 1e-3), and a CPU is three times slower in it. Weights that were in 4
    bits are taken as stored (None): in float32 they may not fit.
    """
    return None if settings.backbone.four_bit else frozen_dtype(settings)


def base_tokenizer(base: str, *, revision: str | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer of a published backbone, with a padding token.

    Raises:
        WeightsError: It cannot be read, or has no tokens for beginning and end.
    """
    remedy = "set `backbone.base` to a checkpoint with its tokenizer, as LanguageBind/Video-LLaVA-7B-hf has it"
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(locate(base), revision=revision or "main")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise WeightsError(f"has no tokenizer that can be read ({reason})", path=base, remedy=remedy) from error
    if tokenizer.bos_token_id is None or tokenizer.eos_token_id is None:
        raise WeightsError("its tokenizer has no tokens for beginning and end", path=base, remedy=remedy)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer


def start_weights(start: str) -> Path:
    """The file whose weights training begins with.

    Args:
        start: A finished run, a checkpoint, or one of the package: ``shipped``, which has learned labels of frames,
            ``shipped-answers`` and ``shipped-plain``, which are finished.

    Raises:
        WeightsError: It is neither.
    """
    of_package = {SHIPPED: shipped_hawkeye, FINISHED: finished_model, FINISHED_PLAIN: lambda: finished_model(PLAIN)}
    if start in of_package:
        return of_package[start]() / TRAINABLE
    try:
        return locate_checkpoint(start) / TRAINABLE
    except WeightsError as error:
        raise WeightsError(
            "is neither a finished run nor a checkpoint to begin with", path=start,
            remedy="train stage 1 first (`make train-stage1`), or leave it out with pretuned=off",
        ) from error  # fmt: skip


def begin_with(model: HawkeyeModel, weights: Path) -> None:
    """Copy the weights of :func:`start_weights` into a model; a dense head begins anew where either has none.

    Raises:
        ConfigError: They are those of a model that computes something else.
        WeightsError: The file is damaged or does not fit.
    """
    before, now = _identity(HawkeyeConfig.from_pretrained(weights.parent)), _identity(model.config)
    different = [name for name in now if before[name] != now[name]]
    if different:
        name = different[0]
        raise ConfigError(
            f"cannot be begun with: {', '.join(different)} differ (first: was {before[name]}, now {now[name]})",
            path=weights.parent,
            remedy="train both stages with the same model, or leave the first out with pretuned=off",
        )
    state = load_state_dict(weights)
    own = {f"dense.{name}": tensor for name, tensor in model.dense.state_dict().items()} if model.dense else {}
    if not own or not own.keys() <= state.keys():
        state = {name: tensor for name, tensor in state.items() if not name.startswith("dense.")} | own
    assign_trainable(model, state, path=weights)


def max_length(config: HawkeyeConfig) -> int:
    """Longest sequence the language model of a configuration takes, in tokens."""
    text: Any = config.llava_config().text_config
    return int(text.max_position_embeddings)


def _identity(config: HawkeyeConfig) -> dict[str, Any]:
    """What a model is, as JSON gives it back; which version of transformers wrote it, and where, does not count."""
    names = set(inspect.signature(HawkeyeConfig.__init__).parameters) - {"self", "kwargs"} - FREE_OF_START
    values: dict[str, Any] = {name: getattr(config, name) for name in sorted(names)}
    values["llava"] = _without(config.llava_config().to_dict(), {"transformers_version", "_name_or_path", "dtype"})
    whole: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return whole


def _without(values: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A dict of dicts without some of the names, on every level."""
    return {
        name: _without(value, names) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if name not in names
    }
