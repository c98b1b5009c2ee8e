"""Low-rank adapters on the frozen language model; projector and scene modules are trained in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.quantize import is_4bit

if TYPE_CHECKING:  # peft imports bitsandbytes and torch's compiler, seconds that only adapters are worth
    from peft import LoraConfig

    from hawkeye_core.model.hawkeye import HawkeyeModel

LORA_TARGETS = r".*language_model.*(q|k|v|o|gate|up|down)_proj"
"""Linear layers of the language model, which the paper does not list. A list of names (`q_proj`, ...) would match the
CLIP towers of a Video-LLaVA too. At 7B and rank 16 these are 39,976,960 parameters."""

_4BIT = "is_loaded_in_4bit"
_TRAINED = ("scene.", "dense.", "backbone.model.multi_modal_projector.")


def lora_config(*, rank: int, alpha: int, dropout: float) -> LoraConfig:
    """Adapters ``W x + alpha / r B A dropout(x)`` on :data:`LORA_TARGETS`."""
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=LORA_TARGETS, bias="none")


def add_lora(model: HawkeyeModel) -> None:
    """Put new adapters into the language model, in place (B = 0: the output does not change), and freeze the rest.

    What is trained is float32 whatever the type of the frozen weights: an update of 2e-5 is lost in bfloat16, which
    has 8 bits.
    """
    from peft import inject_adapter_in_model

    config = model.config
    if is_4bit(model):
        setattr(model, _4BIT, True)  # peft asks for it
    inject_adapter_in_model(
        lora_config(rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout), model
    )
    if is_4bit(model):
        delattr(model, _4BIT)  # accelerate would take it for a model that is already where it belongs
    freeze(model)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def freeze(model: HawkeyeModel) -> None:
    """Leave only adapters, projector and scene modules trainable."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(_TRAINED) or ".lora_" in name


def merge_lora(model: HawkeyeModel) -> None:
    """Add the adapters to the weights and remove them, in place: ``W + alpha / r B A``.

    Afterwards the model is one without LoRA: ``config.lora`` is off, ``config.base`` none, all of it is trainable.

    Raises:
        ConfigError: The base is in 4 bits; adding to it would round what was learned.
    """
    from peft.tuners.lora import LoraLayer

    if is_4bit(model):
        raise ConfigError(
            "adapters cannot be added to weights in 4 bits", remedy="load the checkpoint again without four_bit"
        )
    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge(safe_merge=True)
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, module.get_base_layer())
    model.config.lora = False
    model.config.base = model.config.base_revision = None
    model.requires_grad_(True)


def lora_parameters(model: HawkeyeModel) -> int:
    """Number of parameters in adapters."""
    return sum(p.numel() for name, p in model.named_parameters() if ".lora_A." in name or ".lora_B." in name)
