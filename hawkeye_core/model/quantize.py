"""A frozen language model in 4 bits (NF4; QLoRA, Dettmers et al. 2023): a quarter of the memory of bfloat16."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch import nn
from transformers import VideoLlavaForConditionalGeneration

from hawkeye_core.errors import BackendUnavailableError


def quantize_4bit(
    backbone: VideoLlavaForConditionalGeneration, *, compute_dtype: torch.dtype, device: torch.device | str = "cpu"
) -> None:
    """Replace the language model's linear layers, in place; embeddings, norms, head and projector stay as they are.

    Blocks of 64 weights share a scale, and scales are quantised again (double quantisation): about 0.52 bytes a weight.

    Args:
        backbone: From :func:`~hawkeye_core.model.backbone.load_backbone`, before adapters.
        compute_dtype: Of the products.
        device: Where each layer goes and is quantised; the rest of the model follows when it is moved.

    Raises:
        BackendUnavailableError: bitsandbytes is not installed.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BackendUnavailableError(
            "bitsandbytes is not installed", remedy="pip install -e '.[4bit]', or set backbone.four_bit=off"
        )
    import bitsandbytes

    language_model: Any = backbone.model.language_model
    for name, module in list(language_model.named_modules()):
        if isinstance(module, nn.Linear):
            parent, _, leaf = name.rpartition(".")
            packed = bitsandbytes.nn.Linear4bit(
                module.in_features, module.out_features, bias=module.bias is not None, compute_dtype=compute_dtype,
                compress_statistics=True, quant_type="nf4", device="meta",
            )  # fmt: skip
            packed.weight = bitsandbytes.nn.Params4bit(
                module.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4"
            )
            if module.bias is not None:
                packed.bias = module.bias
            packed.to(device)
            packed.support_avx512bf16_for_cpu = False  # that path repacks in evaluation and cannot train afterwards
            setattr(packed, "_is_hf_initialized", True)  # noqa: B010 - transformers must not make its weights anew
            setattr(language_model.get_submodule(parent), leaf, packed)


def is_4bit(module: nn.Module) -> bool:
    """Whether any layer is in 4 bits."""
    return any(type(layer).__name__ == "Linear4bit" for layer in module.modules())


def numel(parameter: torch.Tensor) -> int:
    """Weights in a parameter; one in 4 bits has two of them in a byte."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else state.shape.numel()
