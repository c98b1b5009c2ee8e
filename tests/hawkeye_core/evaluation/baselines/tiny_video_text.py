"""Video-text models of three kinds with two small layers, random weights, saved as published ones are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    VideoLlavaConfig,
    VideoLlavaForConditionalGeneration,
    VideoLlavaProcessor,
)
from transformers.models.llava_onevision.image_processing_llava_onevision import LlavaOnevisionImageProcessor
from transformers.models.llava_onevision.video_processing_llava_onevision import LlavaOnevisionVideoProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor
from transformers.models.video_llava.image_processing_video_llava import VideoLlavaImageProcessor
from transformers.models.video_llava.video_processing_video_llava import VideoLlavaVideoProcessor

KINDS = ("video-llava", "llava-onevision", "qwen2.5-vl")
WIDTH = 32
ANSWER = ("From ", "2.5", " to ", "4.0", " seconds.", "</s>")
"""An answer as tokens that each occur once, so that one token says which is next."""
LAST = "ASSISTANT:"
"""The last token of every prompt."""
_SPECIAL = ("<pad>", "<s>", "</s>", "<image>", "<video>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
            "<|video_pad|>")  # fmt: skip
_TEMPLATE = (
    "{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'video' %}VIDEO\n"
    "{% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, the special tokens of all kinds, and the words of :data:`ANSWER`."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    found = Tokenizer(models.BPE(vocab={token: k for k, token in enumerate([*_SPECIAL, *alphabet])}, merges=[]))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    found.decoder = decoders.ByteLevel()
    found.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    found.add_tokens([AddedToken(token, normalized=False) for token in (LAST, *ANSWER[:-1])])
    return PreTrainedTokenizerFast(
        tokenizer_object=found, bos_token="<s>", eos_token="</s>", pad_token="<pad>", clean_up_tokenization_spaces=False
    )


def build(kind: str, folder: Path, *, answer: Sequence[str] = (), strengths: Sequence[float] = ()) -> Path:
    """Save a model of a kind with its processor; with an ``answer`` it gives that, whatever it is asked."""
    words = tokenizer()
    make = {"video-llava": _video_llava, "llava-onevision": _onevision, "qwen2.5-vl": _qwen}[kind]
    torch.manual_seed(0)
    model, processor = make(words)
    if answer:
        rig(model, words, answer, strengths)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def rig(model: PreTrainedModel, words: Any, answer: Sequence[str], strengths: Sequence[float]) -> None:
    """Let each token be followed by the next of the answer, with the logit that ``strengths`` says; all others have 0.

    The layers pass on what they get (their outputs are 0), so the last hidden state is the normalised embedding of the
    last token, one-hot times sqrt(WIDTH).
    """
    state: dict[str, torch.Tensor] = dict(model.named_parameters())
    ids = [words.convert_tokens_to_ids(token) for token in (LAST, *answer)]
    with torch.no_grad():
        for name, value in state.items():
            if "language_model" in name and name.endswith(("o_proj.weight", "down_proj.weight", "embed_tokens.weight")):
                value.zero_()
        embed, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        head.zero_()
        for place, (token, following, strength) in enumerate(zip(ids, ids[1:], strengths, strict=False)):
            embed[token, place] = 1.0
            head[following, place] = strength / math.sqrt(WIDTH)


def _text(words: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id,
        "rms_norm_eps": 1e-12, **more,
    }  # fmt: skip


def _tower(kind: str) -> dict[str, Any]:
    return {"model_type": kind, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 28, "patch_size": 14}  # fmt: skip


def _ids(words: Any, **names: str) -> dict[str, int]:
    return {key: words.convert_tokens_to_ids(token) for key, token in names.items()}


def _video_llava(words: Any) -> tuple[PreTrainedModel, Any]:
    config = VideoLlavaConfig(
        vision_config=_tower("clip_vision_model"), text_config=_text(words, model_type="llama"),
        **_ids(words, image_token_index="<image>", video_token_index="<video>"),
    )  # fmt: skip
    side: dict[str, Any] = {"size": {"height": 28, "width": 28}, "crop_size": {"height": 28, "width": 28}}
    processor = VideoLlavaProcessor(
        VideoLlavaImageProcessor(**side), VideoLlavaVideoProcessor(**side), words, patch_size=14,
        chat_template=_TEMPLATE.replace("VIDEO", "<video>"),
    )  # fmt: skip
    return VideoLlavaForConditionalGeneration(config), processor


def _onevision(words: Any) -> tuple[PreTrainedModel, Any]:
    config = LlavaOnevisionConfig(
        vision_config=_tower("siglip_vision_model"), text_config=_text(words, model_type="qwen2"),
        image_grid_pinpoints=[[28, 28]], **_ids(words, image_token_index="<image>", video_token_index="<video>"),
    )  # fmt: skip
    size: dict[str, Any] = {"size": {"height": 28, "width": 28}}
    processor = LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessor(image_grid_pinpoints=[[28, 28]], **size), words,
        LlavaOnevisionVideoProcessor(**size), num_image_tokens=4, vision_feature_select_strategy="full",
        chat_template=_TEMPLATE.replace("VIDEO", "<video>"),
    )  # fmt: skip
    return LlavaOnevisionForConditionalGeneration(config), processor


def _qwen(words: Any) -> tuple[PreTrainedModel, Any]:
    config = Qwen2_5_VLConfig(
        vision_config={"depth": 1, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": WIDTH,
                       "fullatt_block_indexes": [0], "window_size": 56},
        text_config=_text(
            words, rope_parameters={"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
        ),
        **_ids(words, image_token_id="<|image_pad|>", video_token_id="<|video_pad|>",
               vision_start_token_id="<|vision_start|>", vision_end_token_id="<|vision_end|>"),
    )  # fmt: skip
    size: dict[str, Any] = {"size": {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}}
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(**size), words, Qwen2VLVideoProcessor(**size),
        chat_template=_TEMPLATE.replace("VIDEO", "<|vision_start|><|video_pad|><|vision_end|>"),
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config), processor
