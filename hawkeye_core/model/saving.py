"""A model of a configuration, and folders that hold only what was trained: the backbone is named, not copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.model.backbone import load_backbone, read_backbone_config
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.quantize import quantize_4bit
from hawkeye_core.weights import load_state_dict

TRAINABLE = "trainable.safetensors"


def config_for(base: str, *, revision: str | None = None, **values: Any) -> HawkeyeConfig:
    """Configuration of a model on a published backbone.

    Args:
        base: Hub name or folder.
        revision: Branch, tag or commit on the hub.
        values: Other values of :class:`HawkeyeConfig`.

    Raises:
        WeightsError: The backbone's configuration cannot be read.
        ConfigError: No model can be built from these values.
    """
    llava = read_backbone_config(base, revision=revision).to_dict()
    try:
        return HawkeyeConfig(llava=llava, base=base, base_revision=revision, **values)
    except ValueError as error:
        raise ConfigError(str(error), path=base) from error


def new_model(
    config: HawkeyeConfig, *, dtype: torch.dtype | None = None, four_bit: torch.device | str | None = None
) -> HawkeyeModel:
    """The model before training: backbone read from ``config.base`` (random without), scene modules random.

    Args:
        config: The configuration.
        dtype: Type of the backbone's weights; that of its checkpoint if not given. With ``config.lora`` what is
            trained is float32 anyway.
        four_bit: Device on which the language model is put into 4 bits; products are in ``dtype``. Needs ``base`` and
            ``lora``. None leaves it as it is.

    Raises:
        WeightsError: The backbone cannot be read.
        BackendUnavailableError: 4 bits without bitsandbytes.
    """
    if config.base is None:
        model = HawkeyeModel(config)
        if dtype is not None:
            frozen_to(model, dtype)
        return model
    backbone = load_backbone(config.base, revision=config.base_revision, dtype=dtype)
    if four_bit is not None:
        quantize_4bit(backbone, compute_dtype=dtype or torch.bfloat16, device=four_bit)
    return HawkeyeModel(config, backbone)


def frozen_to(model: HawkeyeModel, dtype: torch.dtype) -> None:
    """Cast what is not trained; without LoRA that is nothing."""
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)


def stored_parameters(model: HawkeyeModel) -> dict[str, nn.Parameter]:
    """What a checkpoint holds, by name: all that is trained, and the frozen weights if no ``base`` has them."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad or model.config.base is None}


def trainable_state(model: HawkeyeModel) -> dict[str, Tensor]:
    """:func:`stored_parameters` as tensors on the CPU."""
    return {name: p.detach().cpu().contiguous() for name, p in stored_parameters(model).items()}


def save_trainable(model: HawkeyeModel, folder: str | Path, *, state: dict[str, Tensor] | None = None) -> None:
    """Write tensors (:data:`TRAINABLE`) and configuration, which names the backbone, into a folder.

    Args:
        model: On any device.
        folder: Made if it is not there.
        state: The tensors, if they are not simply the model's (sharded weights).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(trainable_state(model) if state is None else state, folder / TRAINABLE, metadata={"format": "pt"})
    model.config.save_pretrained(folder)


def load_trainable(folder: str | Path, *, dtype: torch.dtype | None = None) -> HawkeyeModel:
    """The model of :func:`save_trainable`, in evaluation mode.

    Args:
        folder: Holds :data:`TRAINABLE` and ``config.json``.
        dtype: Type of the frozen weights.

    Raises:
        WeightsError: No such folder, a damaged file, or tensors that are not this model's.
    """
    folder = Path(folder)
    if not (folder / TRAINABLE).is_file() or not (folder / "config.json").is_file():
        raise WeightsError("is not a checkpoint of Hawkeye", path=folder, remedy="train first (`hawkeye train`)")
    state = load_state_dict(folder / TRAINABLE)
    model = new_model(HawkeyeConfig.from_pretrained(folder), dtype=dtype)
    assign_trainable(model, state, path=folder / TRAINABLE)
    return model.eval()


def assign_trainable(model: HawkeyeModel, state: dict[str, Tensor], *, path: str | Path) -> None:
    """Copy stored tensors into a model; every one of :func:`stored_parameters` must be there and of its shape.

    Raises:
        WeightsError: They are another model's.
    """
    own = stored_parameters(model)
    wrong = sorted(
        {name for name in state if name not in own or own[name].shape != state[name].shape}
        | {name for name in own if name not in state}
    )
    if wrong:
        raise WeightsError(
            f"{len(wrong)} tensors are missing, unknown or of another shape (first: {', '.join(wrong[:3])})",
            path=path,
            remedy="config.json and weights must come from one checkpoint",
        )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(state[name])
