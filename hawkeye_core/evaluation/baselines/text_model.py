"""A video-text model that is shown a clip, asked a question, and answers greedily.

Legend: F frames shown, A tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import GenerationConfig
from transformers.video_utils import VideoMetadata

from hawkeye_core.evaluation.baselines.clips import Clip
from hawkeye_core.evaluation.baselines.loading import VideoText
from hawkeye_core.evaluation.baselines.prompt import ask, write_prompt
from hawkeye_core.evaluation.metrics import FPS


@dataclass(frozen=True, slots=True)
class Said:
    """An answer.

    Args:
        token_ids: [A], end of text and the like among them.
        probabilities: [A] of each token when it was chosen, 0..1.
    """

    token_ids: tuple[int, ...]
    probabilities: tuple[float, ...]


class Answers(Protocol):
    """What answers questions about clips."""

    tokenizer: Any

    def __call__(self, clip: Clip) -> Said:
        """The answer about one clip."""
        ...


class TextModel:
    """Asks a model of transformers about clips, one at a time; the same clip gives the same answer.

    Greedy: the sampling and the penalties that a checkpoint's ``generation_config.json`` may ask for are off.

    Args:
        loaded: From :func:`~hawkeye_core.evaluation.baselines.loading.load_video_text`.
        question: With a place for the length, perhaps.
        template: ``baseline.prompt_template``.
        max_new_tokens: Longest answer.
    """

    def __init__(
        self, loaded: VideoText, *, question: str, template: str | None = None, max_new_tokens: int = 256
    ) -> None:
        self.model, self.processor = loaded
        self.tokenizer = self.processor.tokenizer
        self.question, self.template = question, template
        self.generation = _greedy(self.model.generation_config, max_new_tokens, self.tokenizer)

    def prompt(self, duration_s: float) -> str:
        """The prompt about a clip of that length."""
        return write_prompt(self.processor, ask(self.question, duration_s), template=self.template)

    @torch.inference_mode()
    def __call__(self, clip: Clip) -> Said:
        """The answer about one clip.

        Raises:
            ValueError, RuntimeError: The processor or the model refuses it (absurd shapes, memory).
        """
        inputs = self.inputs(clip)
        generator: Any = self.model
        found = generator.generate(**inputs, generation_config=self.generation)
        logits: tuple[Tensor, ...] = found.logits
        chosen = found.sequences[0, found.sequences.shape[1] - len(logits) :].tolist()
        sure = [float(step[0].float().softmax(-1)[token]) for step, token in zip(logits, chosen, strict=True)]
        return Said(tuple(chosen), tuple(sure))

    def inputs(self, clip: Clip) -> Mapping[str, Tensor]:
        """Tensors of prompt and frames on the model's device; the processor is told when each frame was."""
        prompt = self.prompt(clip.duration_s)
        height, width = clip.images.shape[1:3]
        told = VideoMetadata(
            total_num_frames=clip.frames, fps=FPS, width=width, height=height, duration=clip.duration_s,
            frames_indices=list(clip.shown),
        )  # fmt: skip
        bos = self.tokenizer.bos_token
        batch = self.processor(
            text=[prompt], videos=[clip.images], video_metadata=[told], do_sample_frames=False, return_tensors="pt",
            add_special_tokens=not (bos and prompt.startswith(bos)),
        )  # fmt: skip
        moved: Mapping[str, Tensor] = batch.to(self.model.device, dtype=self.model.dtype)
        return moved


def _greedy(given: GenerationConfig | None, max_new_tokens: int, tokenizer: Any) -> GenerationConfig:
    """Greedy decoding with the marks of begin, end and padding that the checkpoint has."""
    own = given if given is not None else GenerationConfig()
    end = own.eos_token_id if own.eos_token_id is not None else tokenizer.eos_token_id
    first = end[0] if isinstance(end, list) else end
    pad = own.pad_token_id if own.pad_token_id is not None else tokenizer.pad_token_id
    return GenerationConfig(
        do_sample=False, num_beams=1, max_new_tokens=max_new_tokens, eos_token_id=end, bos_token_id=own.bos_token_id,
        pad_token_id=first if pad is None else pad, decoder_start_token_id=own.decoder_start_token_id,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
