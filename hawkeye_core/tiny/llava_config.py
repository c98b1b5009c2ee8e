"""The shape of the small Video-LLaVA: a CLIP tower, a projector, a Llama, in the classes of the published one."""

from __future__ import annotations

from transformers import CLIPVisionConfig, LlamaConfig, PreTrainedTokenizerBase, VideoLlavaConfig

from hawkeye_core.model.tiny import IMAGE, SCENE

SIDE, PATCH = 144, 12
"""Pixels: 12 x 12 patches. Measured on one core: 4.2 ms a frame; 16 x 16 patches of 8 px take 6.4 ms."""

VISION_WIDTH, VISION_LAYERS = 128, 3
"""D, and layers with the last one, which only training uses (:attr:`VisionSettings.layer` is -2)."""

TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS = 128, 4, 4
MAX_LENGTH = 4096


def vision_config() -> CLIPVisionConfig:
    """The tower's shape."""
    return CLIPVisionConfig(
        hidden_size=VISION_WIDTH,
        intermediate_size=3 * VISION_WIDTH,
        num_hidden_layers=VISION_LAYERS,
        num_attention_heads=4,
        image_size=SIDE,
        patch_size=PATCH,
        projection_dim=VISION_WIDTH,
    )


def llava_config(tokenizer: PreTrainedTokenizerBase) -> VideoLlavaConfig:
    """The whole model's shape for a tokenizer of :mod:`hawkeye_core.tiny.llava_tokenizer`."""
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=3 * TEXT_WIDTH,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=TEXT_HEADS,
        num_key_value_heads=TEXT_HEADS,
        max_position_embeddings=MAX_LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    patches = (SIDE // PATCH) ** 2
    return VideoLlavaConfig(
        vision_config=vision_config(),
        text_config=text,
        image_token_index=_id(tokenizer, IMAGE),
        video_token_index=_id(tokenizer, SCENE),
        image_seq_length=patches,
        video_seq_length=8 * (patches + 1),
    )


def _id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    if not isinstance(found, int):
        raise ValueError(f"the tokenizer has no single {token!r}")
    return found
