"""A small random Video-LLaVA and a byte tokenizer: all runs without downloads, and nothing was learned before."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hawkeye_core.answers.render import INSTRUCTION, NO_SEGMENT

BOS, EOS, PAD, SCENE, IMAGE = "<s>", "</s>", "<pad>", "<video>", "<image>"

PHRASES = (
    "USER: ",
    f"\n{INSTRUCTION} ASSISTANT:",
    f" {NO_SEGMENT}",
    " From ",
    " to ",
    " seconds, there exists ",
    ", as ",
)
"""One token each: the fixed words of question and answer, 160 bytes that a model with no language would have to learn
letter by letter. Times, categories and reasons are bytes."""


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte of UTF-8, a few for fixed phrases, and five special ones.

    ``<video>`` is the scene placeholder, as in Video-LLaVA.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([PAD, BOS, EOS, IMAGE, SCENE, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (PAD, BOS, EOS, IMAGE, SCENE)])
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in PHRASES])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[IMAGE, SCENE],
        clean_up_tokenization_spaces=False,
    )


def tiny_llava(
    *, vision_width: int, hidden_size: int = 128, layers: int = 2, heads: int = 4, max_length: int = 4096
) -> dict[str, Any]:
    """Values of a ``VideoLlavaConfig`` for :func:`byte_tokenizer`.

    Args:
        vision_width: D of the stored vision tokens.
        hidden_size: H.
        layers: Layers of the language model.
        heads: Its attention heads.
        max_length: Longest sequence in tokens.
    """
    tokenizer = byte_tokenizer()
    return {
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": vision_width,
            "intermediate_size": 2 * vision_width,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
        "text_config": {
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": hidden_size,
            "intermediate_size": 3 * hidden_size,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "max_position_embeddings": max_length,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        "image_token_index": tokenizer.convert_tokens_to_ids(IMAGE),
        "video_token_index": tokenizer.convert_tokens_to_ids(SCENE),
    }
