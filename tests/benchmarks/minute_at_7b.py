"""A minute of video at the paper's 7B shape: operations and bytes of both schemes, and the measurement on a GPU.

The estimate counts what cannot be avoided: operations of prompts, and the weights and keys and values that each said
token has to read. Each phase takes the longer of operations / peak and bytes / bandwidth, so it is the time of a
perfect program, theirs and ours; it is no measurement.
"""

from __future__ import annotations

import statistics
from typing import Any

import torch
from bench_step import flops
from made_up_scenes import make_scene
from released_scheme import FRAME_TOKENS, FRAMES, MINUTE_S, SHORT, OnePass, Released, seconds
from transformers import PreTrainedTokenizerBase

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.lora import merge_lora
from hawkeye_core.model.saving import new_model

A100 = {"flops": 312e12, "bytes": 1.555e12}
"""Peak of an A100 with 40 GB: dense operations in bfloat16, and bandwidth of its memory, a second (NVIDIA's data
sheet)."""
TEXT, QUESTION = 640, 60
"""Text tokens of a minute's prompt (a time of about 9 tokens for each second, the question), and of one second's."""
WORDS, NONE = 64, 12
"""Tokens of an answer with two segments, and of one that says that there is none."""
TYPE = 2  # bytes of a number


def language_parameters(text: Any) -> int:
    """Of the layers and the head, which every said token reads."""
    attention = text.hidden_size * text.hidden_size * (2 + 2 * text.num_key_value_heads / text.num_attention_heads)
    layer = attention + 3 * text.hidden_size * text.intermediate_size
    return round(text.num_hidden_layers * layer) + text.hidden_size * text.vocab_size


def prompt_operations(text: Any, length: int) -> float:
    """Of one pass over a prompt: two a weight and token, attention to what comes before, the head on the last row."""
    layers = language_parameters(text) - text.hidden_size * text.vocab_size
    attention = text.num_hidden_layers * 2 * length * length * text.hidden_size  # two products, half of the square
    return float(2 * layers * length + attention + 2 * text.hidden_size * text.vocab_size)


def said_bytes(text: Any, length: int) -> float:
    """Read for one more token behind a prompt: all weights, and its keys and values."""
    width = text.hidden_size * text.num_key_value_heads / text.num_attention_heads
    return float(TYPE * (language_parameters(text) + 2 * text.num_hidden_layers * width * length))


def scheme(text: Any, *, passes: int, length: int, words: int, more: float) -> dict[str, float]:
    """A minute of one scheme.

    Args:
        text: Configuration of the language model.
        passes: Prompts a minute.
        length: Tokens of each.
        words: Said behind each; the first comes out of the prompt's pass.
        more: Operations outside of the language model, a minute.
    """
    operations = passes * prompt_operations(text, length) + more
    read = passes * (words - 1) * said_bytes(text, length)
    prompts_read = passes * TYPE * language_parameters(text)
    return {
        "tokens": passes * length, "tflop": operations / 1e12, "said": passes * words, "read_gb": read / 1e9,
        "prompts_s": max(operations / A100["flops"], prompts_read / A100["bytes"]), "said_s": read / A100["bytes"],
    }  # fmt: skip


def estimate(config: HawkeyeConfig | None = None, *, frames: int = 480) -> dict[str, Any]:
    """Both schemes for a minute; an estimate for a perfect program on one A100."""
    config = HawkeyeConfig(lora=True) if config is None else config
    text, vision = config.llava_config().text_config, config.vision_width
    assert text is not None
    hidden: int = text.hidden_size
    parts = flops(config, windows=1, frames=frames)
    # What is trained costs a step three times its forward pass.
    scene = sum(value for name, value in parts.items() if "language" not in name) / 3
    projected = MINUTE_S * FRAMES * FRAME_TOKENS * 2.0 * (vision * hidden + hidden * hidden)
    ours, none = (scheme(text, passes=1, length=2 * frames + TEXT, words=words, more=scene) for words in (WORDS, NONE))
    theirs = scheme(
        text, passes=MINUTE_S, length=FRAMES * FRAME_TOKENS + QUESTION, words=SHORT, more=projected
    )  # fmt: skip
    time = [one["prompts_s"] + one["said_s"] for one in (theirs, ours, none)]
    return {
        "estimate": True, "released": theirs, "ours": ours, "none": none, "released_s": time[0], "ours_s": time[1],
        "none_s": time[2], "ratio": time[0] / time[1], "ratio_none": time[0] / time[2],
        "ratio_operations": theirs["tflop"] / ours["tflop"],
    }  # fmt: skip


def measure(
    config: HawkeyeConfig, tokenizer: PreTrainedTokenizerBase, *, device: str, windows: int, compiled: bool,
    rounds: int, asked: int, frames: int = 480, frame_tokens: int = FRAME_TOKENS,
) -> dict[str, Any]:  # fmt: skip
    """Seconds for a minute of video by stage, and of the released scheme, with random weights in bfloat16.

    LoRA is merged, windows of a minute are answered together, keys and values lie in memory taken beforehand (a static
    cache), and the pass of each said token is compiled if asked for.

    Args:
        config: Shape of the model.
        tokenizer: Whose ids its vocabulary holds.
        device: ``cuda``; ``cpu`` shows that all of it runs.
        windows: Answered together; seconds are of one of them.
        compiled: Whether transformers compiles said tokens' passes (on a GPU only).
        rounds: Pairs; one more warms up and compiles.
        asked: Seconds of video that the reference answers in a round.
        frames: Of a window.
        frame_tokens: Of the reference.
    """
    torch.manual_seed(0)
    model = new_model(config, dtype=torch.bfloat16)
    if config.lora:
        merge_lora(model)
    model = model.to(device=device).eval().requires_grad_(False)  # type: ignore[arg-type]
    model.backbone.to(torch.bfloat16)
    own = OnePass(model, tokenizer, frames=frames, windows=windows)
    reference = Released(model, tokenizer, frame_tokens=frame_tokens)
    ids, mask = own.batch["input_ids"], own.batch["attention_mask"]
    scene = make_scene(model.config, windows=windows, frames=frames, device=device)

    @torch.inference_mode()
    def embedded() -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            return model.embed(ids, scene)[0].to(torch.bfloat16)

    embeds = embedded()
    backbone: Any = model.backbone

    @torch.inference_mode()
    def said(words: int) -> None:
        backbone.generate(
            inputs_embeds=embeds, attention_mask=mask, max_new_tokens=words, do_sample=False, eos_token_id=-1,
            pad_token_id=0, cache_implementation="static", disable_compile=not compiled,
        )  # fmt: skip

    rows = []
    for _ in range(rounds + 1):
        scene_s, first, all_words, theirs = (
            seconds(call).wall
            for call in (
                embedded, lambda: said(1), lambda: said(own.words),
                lambda: [reference.second() for _ in range(asked)],
            )
        )  # fmt: skip
        theirs *= MINUTE_S / asked
        rows.append((scene_s / windows, first / windows, (all_words - first) / windows, theirs))
    scene_s, prompt, words, theirs = (statistics.median(column) for column in zip(*rows[1:], strict=True))
    found = {
        "device": torch.cuda.get_device_name() if device == "cuda" else device, "windows": windows,
        "compiled": compiled, "words": own.words, "scene_s": scene_s, "prompt_s": prompt, "said_s": words,
        "minute_s": scene_s + prompt + words, "released_s": theirs, "ratio": theirs / (scene_s + prompt + words),
    }  # fmt: skip
    if device == "cuda":
        found["memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
    return found
