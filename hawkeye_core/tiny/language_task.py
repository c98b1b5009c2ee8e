"""The small language model of ReconSim: reads a video's tokens, answers plain questions on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hawkeye_core.model.backbone import build_backbone
from hawkeye_core.tiny.clips import TokenClip, draw_clip, two_a_frame
from hawkeye_core.tiny.grounding import grounding_measures
from hawkeye_core.tiny.language_model import answer, answer_loss
from hawkeye_core.tiny.llava_config import MAX_LENGTH, llava_config
from hawkeye_core.tiny.packing import PackedBatch, Turn, pack
from hawkeye_core.tiny.questions import Exchange, draw_exchanges
from hawkeye_core.tiny.shipped import ShippedName
from hawkeye_core.training.collate import Collator

QUESTIONS = 8
"""Asked about each stretch of video."""

LONGEST, SHORTEST, GROW = 96, 24, 6
"""Frames of a stretch: 12 s; 3 s at first, and one frame more after every six batches. Short ones cost a quarter and
teach words and the reading of times as well."""


class LanguageTask:
    """Next-token loss on answers about plain actions and relations.

    Args:
        tokenizer: From :func:`~hawkeye_core.tiny.llava_tokenizer.train_tokenizer`.
        clips: Videos to learn from.
        held_out: Videos to measure on; whole ones.
        batch: Stretches of video a batch.
        texts: Sentences to learn without a video, one a stretch; may be empty.
        seed: Of the new weights and of the questions that are measured.
    """

    name: ShippedName = "language"
    measure = "iou"

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, clips: Sequence[TokenClip], held_out: Sequence[TokenClip], *,
        batch: int, texts: Sequence[str] = (), seed: int = 0,
    ) -> None:  # fmt: skip
        self.tokenizer, self.clips, self.held_out, self.batch, self.texts = tokenizer, clips, held_out, batch, texts
        self.config = llava_config(tokenizer)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone = build_backbone(self.config)
        self.model: nn.Module = self.backbone.train()
        self.collator = Collator(
            tokenizer, scene_token_id=int(self.config.video_token_index),
            max_length=MAX_LENGTH,
        )  # fmt: skip
        self.foreign = tuple(sorted({item.key for clip in clips for item in clip.account.told}))
        self.asked = _held_out_questions(held_out, self.foreign, seed=seed)

    def batches(self, seed: int, start: int) -> Iterator[PackedBatch]:
        """Batch k is drawn by a generator of (seed, k)."""
        number = start
        while True:
            longest = min(LONGEST, SHORTEST + number // GROW)
            yield self.draw(np.random.default_rng([seed, number]), longest=longest)
            number += 1

    def draw(self, rng: np.random.Generator, *, longest: int) -> PackedBatch:
        """One batch of stretches of at most ``longest`` frames."""
        prefixes, turns, tokens = [], [], []
        for _ in range(self.batch):
            clip = draw_clip(self.clips, rng, longest=longest)
            prefixes.append(self.prefix(clip))
            asked = draw_exchanges(clip.account, rng, count=QUESTIONS, foreign=self.foreign)
            turns.append([self.turn(exchange) for exchange in asked] + self._alone(rng))
            tokens.append(torch.from_numpy(two_a_frame(clip.tokens, rng)).flatten(0, 1))
        return pack(prefixes, turns, tokens, pad=self.collator.pad)

    def prefix(self, clip: TokenClip) -> list[int]:
        """Token ids of a video and its times."""
        seconds = Counter(int(k / clip.fps) for k in range(len(clip.tokens)))
        return self.collator.join_prompt(list(seconds.items()), "")[: -self._ending]

    @property
    def _ending(self) -> int:
        """Tokens behind the video in a prompt without a question."""
        return len(self.question(""))

    def question(self, text: str) -> list[int]:
        """Token ids of a question behind a video, as :class:`~hawkeye_core.training.collate.Collator` puts it."""
        whole = self.collator.join_prompt([(0, 1)], text)
        place = max(index for index, token in enumerate(whole) if token == self.collator.scene_token_id)
        return whole[place + 1 :]

    def turn(self, exchange: Exchange) -> Turn:
        """A question and its answer."""
        return Turn(self.question(exchange.question), self.collator.end_answer(exchange.answer))

    def _alone(self, rng: np.random.Generator) -> list[Turn]:
        if not self.texts:
            return []
        text = self.texts[int(rng.integers(len(self.texts)))]
        return [Turn([int(self.tokenizer.bos_token_id)], self.collator.end_answer(text), alone=True)]

    def losses(self, batch: PackedBatch) -> dict[str, Tensor]:
        """The mean over the answers' tokens."""
        return {"language": answer_loss(self.backbone, batch)}

    def evaluate(self) -> dict[str, float]:
        """Answers on held-out videos: temporal IoU of what is asked for, and how often "not present" is right."""
        said: list[str] = []
        for begin in range(0, len(self.asked), 16):
            part = self.asked[begin : begin + 16]
            prompts = [self.prefix(self.held_out[index]) + self.question(item.question) for index, item in part]
            tokens = [
                torch.from_numpy(two_a_frame(self.held_out[index].tokens, None)).flatten(0, 1) for index, _ in part
            ]
            eos = int(cast(int, self.tokenizer.eos_token_id))
            ids = answer(self.backbone, prompts, tokens, pad=self.collator.pad, eos=eos)
            said += [str(self.tokenizer.decode(row)).strip() for row in ids]
        durations = [self.held_out[index].account.duration_s for index, _ in self.asked]
        return grounding_measures([item for _, item in self.asked], said, durations)


def _held_out_questions(clips: Sequence[TokenClip], foreign: Sequence[str], *, seed: int) -> list[tuple[int, Exchange]]:
    """Questions on whole held-out videos, some of each kind."""
    rng = np.random.default_rng([seed, 1])
    return [
        (index, exchange)
        for index, clip in enumerate(clips)
        for exchange in draw_exchanges(clip.account, rng, count=5, foreign=foreign)
    ]
