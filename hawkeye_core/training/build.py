"""From settings to a model and its tokenizer."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.tiny import byte_tokenizer, tiny_llava
from hawkeye_core.training.config import TrainSettings


def build_model(settings: TrainSettings, *, vision_width: int) -> tuple[HawkeyeModel, PreTrainedTokenizerBase]:
    """A new model for vision tokens of the given width; its weights come from torch's global generator.

    Raises:
        ConfigError: The scene modules do not fit that width.
    """
    backbone = settings.backbone
    llava = tiny_llava(
        vision_width=vision_width, hidden_size=backbone.hidden_size, layers=backbone.layers, heads=backbone.heads,
        max_length=backbone.max_length,
    )  # fmt: skip
    try:
        config = HawkeyeConfig(llava=llava, **settings.model.model_dump())
    except ValueError as error:
        raise ConfigError(str(error), remedy="change the setting under `model`") from error
    return HawkeyeModel(config), byte_tokenizer()


def max_length(config: HawkeyeConfig) -> int:
    """Longest sequence the language model of a configuration takes, in tokens."""
    return int(config.llava["text_config"]["max_position_embeddings"])
