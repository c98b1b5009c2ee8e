"""The scheme of the code that the paper's authors released, written anew as a reference, and ours at the same shape.

Theirs asks about every second of a video on its own: 8 frames of 257 tokens each (2,056), the question, `generate`,
yes or no, one second after the other. Ours reads a minute as one window of two tokens a frame and answers once, with a
score for every frame. Both have the same language model, type, threads and projector, decode greedily, and begin with
features that are at hand: neither is charged for the tower, nor for pose and relations, which both need.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from made_up_scenes import make_scene
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.evaluation.probe_windows import probe_windows
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.training.build import max_length
from hawkeye_core.training.collate import Collator, PromptBatch
from hawkeye_core.training.windows import WindowSpec

FRAME_TOKENS, FRAMES = 257, 8
MINUTE_S, FPS = 60, 8.0
QUESTION = "Is there an implicit anomalous sentiment in the video?"
ANSWER = "From 15.0 to 17.0 seconds, there exists shooting, as a man near the door is shooting at someone."
SHORT = 2
"""Tokens of yes or no: the word and the end."""


def shape(*, hidden: int, layers: int, heads: int, vision: int, experts: int, words: int) -> HawkeyeConfig:
    """A language model of Llama's proportions, with scene modules; LoRA is merged for answering, so there is none."""
    text = {"model_type": "llama", "vocab_size": words, "hidden_size": hidden, "intermediate_size": hidden * 3,
            "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads,
            "max_position_embeddings": 4096}  # fmt: skip
    tower = {"model_type": "clip_vision_model", "hidden_size": vision, "intermediate_size": 3 * vision,
             "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}  # fmt: skip
    llava = {"text_config": text, "vision_config": tower, "image_token_index": 3, "video_token_index": 4}
    return HawkeyeConfig(
        llava=llava, expert_layers=experts, action_width=vision // 2, graph_width=vision // 2, dense_head=True
    )


class Released:
    """One `generate` a second.

    Args:
        model: Whose language model and projector are used.
        tokenizer: Of the language model.
        frame_tokens: Tokens of a frame.
    """

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, frame_tokens: int = FRAME_TOKENS
    ) -> None:
        self._backbone: Any = model.backbone
        self._video = int(model.scene_token_id)
        ids = [int(tokenizer.bos_token_id), *tokenizer.encode("USER: ", add_special_tokens=False)]
        ids += [self._video] * (FRAMES * frame_tokens)
        ids += tokenizer.encode(f"\n{QUESTION} ASSISTANT:", add_special_tokens=False)
        self.ids = torch.tensor([ids], device=model.device)
        width = int(model.config.vision_width)
        self._features = torch.randn(FRAMES * frame_tokens, width, generator=torch.Generator().manual_seed(0)).to(
            model.device, self._backbone.model.multi_modal_projector.linear_1.weight.dtype
        )

    @torch.inference_mode()
    def second(self) -> Tensor:
        """Answer one second of video."""
        places = self.ids == self._video
        text = self._backbone.get_input_embeddings()(self.ids.masked_fill(places, 0))
        tokens = self._backbone.model.multi_modal_projector(self._features)
        result: Tensor = self._backbone.generate(
            inputs_embeds=text.masked_scatter(places[..., None], tokens.to(text.dtype)),
            attention_mask=torch.ones_like(self.ids), max_new_tokens=SHORT, min_new_tokens=SHORT, do_sample=False,
            eos_token_id=2, pad_token_id=0,
        )  # fmt: skip
        return result


class OnePass:
    """One window of a minute.

    Args:
        model: With a dense head, or asked about every second instead.
        tokenizer: Of its language model.
        frames: Of the window.
        windows: Answered together.
    """

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, frames: int = round(MINUTE_S * FPS),
        windows: int = 1,
    ) -> None:  # fmt: skip
        self._model = model
        self._collate = Collator(tokenizer, scene_token_id=model.scene_token_id, max_length=max_length(model.config))
        self._specs = [WindowSpec(f"v{number}", 0, frames, FPS) for number in range(windows)]
        ids = torch.tensor([self._collate.prompt_ids(spec) for spec in self._specs], device=model.device)
        scene = make_scene(model.config, windows=windows, frames=frames, device=str(model.device))
        self.batch = PromptBatch(input_ids=ids, attention_mask=torch.ones_like(ids), scene=scene)
        self.words = len(self._collate.end_answer(ANSWER))

    @torch.inference_mode()
    def minute(self, *, probes: bool = False) -> None:
        """Answer the window, and score each of its frames, or ask about each of its seconds."""
        ids, mask, scene = self.batch["input_ids"], self.batch["attention_mask"], self.batch["scene"]
        generated = self._model.generate(
            ids, mask, scene, max_new_tokens=self.words, eos_token_id=-1, pad_token_id=0
        )  # fmt: skip
        assert generated.kept is not None
        if probes:
            probe_windows(self._model, self._collate, self.batch, generated, self._specs).tolist()
        else:
            self._model.frame_scores(ids, mask, scene, hidden=generated.kept.hidden).tolist()


class Took(NamedTuple):
    """Seconds: by the clock, and of all this process's cores together, which other programs disturb less."""

    wall: float
    cpu: float


def seconds(call: Callable[[], Any]) -> Took:
    """What a call takes, on a GPU too."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    begun, cpu = time.perf_counter(), time.process_time()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Took(time.perf_counter() - begun, time.process_time() - cpu)


def ratios(pairs: Sequence[tuple[Took, Took]], *, times: float = 1.0) -> dict[str, Any]:
    """First over second, pair by pair: median and all by the clock, median by processor time."""
    wall = [times * first.wall / second.wall for first, second in pairs]
    cpu = [times * first.cpu / second.cpu for first, second in pairs]
    return {
        "ratio": statistics.median(wall), "ratios": [round(ratio, 2) for ratio in wall],
        "ratio_cpu": statistics.median(cpu),
    }  # fmt: skip


def compare(
    config: HawkeyeConfig, tokenizer: PreTrainedTokenizerBase, *, rounds: int, asked: int,
    frame_tokens: int = FRAME_TOKENS, frames: int = round(MINUTE_S * FPS),
) -> dict[str, Any]:  # fmt: skip
    """Both in turn; seconds for a minute of video.

    Args:
        config: Shape of the model.
        tokenizer: Of its language model.
        rounds: Pairs; one more warms up.
        asked: Seconds of video of the reference in a round; each costs the same, so a minute is 60 / asked as much.
        frame_tokens: Of the reference.
        frames: Of our window.
    """
    torch.manual_seed(0)
    model = HawkeyeModel(config).eval()
    reference, own = Released(model, tokenizer, frame_tokens=frame_tokens), OnePass(model, tokenizer, frames=frames)
    rows = []
    for _ in range(rounds + 1):
        theirs = seconds(lambda: [reference.second() for _ in range(asked)])
        rows.append((theirs, seconds(own.minute), seconds(lambda: own.minute(probes=True))))
    times = MINUTE_S / asked
    released, dense, probed = (
        statistics.median(took.wall for took in column) for column in zip(*rows[1:], strict=True)
    )
    return {
        "parameters": sum(p.numel() for p in model.backbone.parameters()), "released_s": times * released,
        "ours_s": dense, **ratios([(a, b) for a, b, _ in rows[1:]], times=times), "probes_s": probed,
        "probes": ratios([(a, c) for a, _, c in rows[1:]], times=times),
        "released_tokens": MINUTE_S * reference.ids.shape[1], "tokens": own.batch["input_ids"].shape[1],
        "words": own.words,
    }  # fmt: skip
