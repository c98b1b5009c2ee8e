"""Samples to batches: the question with time texts and scene placeholders, the answer, labels on the answer only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.render import INSTRUCTION, render_answer
from hawkeye_core.answers.time_text import stamp
from hawkeye_core.errors import ConfigError
from hawkeye_core.model.outputs import IGNORE
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.scene_encoder import TOKENS_PER_FRAME
from hawkeye_core.training.scene_tensors import collate_scenes
from hawkeye_core.training.windows import WindowSample, WindowSpec

ASSISTANT = " ASSISTANT:"
"""Ends a prompt."""

MAX_KNOWN, MAX_KNOWN_LENGTH = 10_000, 300
"""Texts whose token ids are kept, and their length; a few megabytes at most."""


class PromptBatch(TypedDict):
    """Questions, padded on the left."""

    input_ids: Tensor  # [B, L] int64
    attention_mask: Tensor  # [B, L] int64
    scene: SceneBatch


class TrainBatch(PromptBatch):
    """Questions and answers, padded on the right."""

    labels: Tensor  # [B, L] int64, -100 outside the answers
    anomalous: NotRequired[Tensor]  # [B, T] float32, 1 for frames whose middle lies in a segment; not in stage 1


class Collator:
    """Makes batches of samples.

    A prompt is ``USER: 0.0s<scene tokens of the first second>1.0s<...>...\\n<question> ASSISTANT:``; time is the
    window's own.

    Args:
        tokenizer: Of the language model.
        scene_token_id: The placeholder, two a frame.
        max_length: Longest sequence the language model takes; scene tokens are never cut.
    """

    tells_frames = True
    """Whether segments say of every frame if it is anomalous."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, scene_token_id: int, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.scene_token_id = scene_token_id
        self.max_length = max_length
        self.pad = int(tokenizer.pad_token_id)
        self._known: dict[str, list[int]] = {}

    def prompt_ids(self, spec: WindowSpec) -> list[int]:
        """Token ids of the paper's question about a window."""
        return self._asked(spec, INSTRUCTION)

    def training_ids(self, sample: WindowSample) -> list[int]:
        """Token ids of the sample's own question."""
        return self._asked(sample.spec, sample.question)

    def _asked(self, spec: WindowSpec, question: str) -> list[int]:
        seconds = Counter(int(k / spec.fps) for k in range(spec.stop - spec.start))
        return self.join_prompt(list(seconds.items()), question)

    def answer_ids(self, sample: WindowSample) -> list[int]:
        """Token ids of one window's answer, ended."""
        return self.end_answer(render_answer(sample.segments))

    def join_prompt(self, seconds: Sequence[tuple[int, int]], question: str) -> list[int]:
        """Token ids of a question behind its scene placeholders.

        Args:
            seconds: Second and how many frames it has, in order.
            question: What is asked.
        """
        ids, text = [int(self.tokenizer.bos_token_id)], "USER: "
        for second, frames in seconds:
            ids += self._encode(text + stamp(second)) + [self.scene_token_id] * (TOKENS_PER_FRAME * frames)
            text = ""
        return ids + self._encode(f"{text}\n{question}{ASSISTANT}")

    def end_answer(self, text: str) -> list[int]:
        """Token ids of an answer behind ``ASSISTANT:``, ended.

        Tokenizers of the Llama family put a space in front of whatever they encode, so the answer is encoded together
        with the words before it: alone it would begin with a space too many.
        """
        before, whole = self._encode(ASSISTANT), self._encode(f"{ASSISTANT} {text}")
        fits = whole[: len(before)] == before
        ids = whole[len(before) :] if fits else self._encode(f" {text}")
        return [*ids, int(self.tokenizer.eos_token_id)]

    def __call__(self, samples: Sequence[WindowSample]) -> TrainBatch:
        """A training batch.

        Raises:
            ConfigError: A sample is longer than the language model takes; it is named.
        """
        prompts = [self.training_ids(sample) for sample in samples]
        answers = [self.answer_ids(sample) for sample in samples]
        self._check(samples, [len(p) + len(a) for p, a in zip(prompts, answers, strict=True)])
        rows = [p + a for p, a in zip(prompts, answers, strict=True)]
        labels = [[IGNORE] * len(p) + a for p, a in zip(prompts, answers, strict=True)]
        batch = TrainBatch(
            input_ids=_pad(rows, self.pad),
            attention_mask=_pad([[1] * len(row) for row in rows], 0),
            labels=_pad(labels, IGNORE),
            scene=collate_scenes([sample.window for sample in samples]),
        )
        if self.tells_frames:
            batch["anomalous"] = _anomalous(samples)
        return batch

    def prompts(self, samples: Sequence[WindowSample], *, room: int) -> PromptBatch:
        """A batch to answer, with room for ``room`` new tokens.

        Raises:
            ConfigError: A prompt leaves less room; it is named.
        """
        rows = [self.prompt_ids(sample.spec) for sample in samples]
        self._check(samples, [len(row) + room for row in rows])
        return PromptBatch(
            input_ids=_pad(rows, self.pad, left=True),
            attention_mask=_pad([[1] * len(row) for row in rows], 0, left=True),
            scene=collate_scenes([sample.window for sample in samples]),
        )

    def _encode(self, text: str) -> list[int]:
        """Token ids; time texts and questions come again and again, so those of short texts are kept."""
        known = self._known.get(text)
        if known is None:
            known = list(self.tokenizer.encode(text, add_special_tokens=False))
            if len(self._known) < MAX_KNOWN and len(text) < MAX_KNOWN_LENGTH:
                self._known[text] = known
        return known.copy()

    def _check(self, samples: Sequence[WindowSample], lengths: Sequence[int]) -> None:
        for sample, length in zip(samples, lengths, strict=True):
            if length > self.max_length:
                spec = sample.spec
                raise ConfigError(
                    f"frames {spec.start} to {spec.stop} of {spec.video!r} need {length} tokens; the language model "
                    f"takes {self.max_length}",
                    remedy="use shorter windows (`window_frames`)",
                )


def _anomalous(samples: Sequence[WindowSample]) -> Tensor:
    """[B, T] 1 for frames whose middle lies in a segment, 0 behind a window's end."""
    lengths = [sample.spec.stop - sample.spec.start for sample in samples]
    found = torch.zeros(len(samples), max(lengths))
    for row, sample, frames in zip(found, samples, lengths, strict=True):
        middle = (torch.arange(frames) + 0.5) / sample.spec.fps
        for segment in sample.segments:
            row[:frames][(middle >= segment.start_s) & (middle < segment.end_s)] = 1
    return found


def _pad(rows: Sequence[Sequence[int]], value: int, *, left: bool = False) -> Tensor:
    """[B, longest] int64."""
    longest = max(len(row) for row in rows)
    filled = [
        [value] * (longest - len(row)) + [*row] if left else [*row] + [value] * (longest - len(row)) for row in rows
    ]
    return torch.tensor(filled, dtype=torch.int64)
