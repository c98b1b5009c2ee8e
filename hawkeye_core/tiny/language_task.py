"""The small language model of ReconSim: reads a video's tokens, answers plain questions on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hawkeye_core.model.backbone import build_backbone
from hawkeye_core.tiny.asking import Asker, held_out_questions, keys_of
from hawkeye_core.tiny.clips import TokenClip, draw_clip, two_a_frame
from hawkeye_core.tiny.grounding import grounding_measures
from hawkeye_core.tiny.language_model import answer, answer_loss
from hawkeye_core.tiny.llava_config import llava_config
from hawkeye_core.tiny.packing import PackedBatch, pack
from hawkeye_core.tiny.shipped import ShippedName

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
        self.tokenizer, self.clips, self.held_out, self.batch = tokenizer, clips, held_out, batch
        self.config = llava_config(tokenizer)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone = build_backbone(self.config)
        self.model: nn.Module = self.backbone.train()
        foreign = keys_of([clip.account for clip in clips])
        self.asker = Asker(
            tokenizer, scene_token_id=int(self.config.video_token_index), foreign=foreign, texts=texts
        )  # fmt: skip
        self.asked = held_out_questions([clip.account for clip in held_out], foreign, seed=seed)

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
            prefixes.append(self.asker.prefix(len(clip.tokens), clip.fps))
            turns.append(self.asker.turns(clip.account, rng))
            tokens.append(torch.from_numpy(two_a_frame(clip.tokens, rng)).flatten(0, 1))
        return pack(prefixes, turns, tokens, pad=self.asker.collator.pad)

    def losses(self, batch: PackedBatch) -> dict[str, Tensor]:
        """The mean over the answers' tokens."""
        return {"language": answer_loss(self.backbone, batch)}

    def evaluate(self) -> dict[str, float]:
        """Answers on held-out videos: temporal IoU of what is asked for, and how often "not present" is right."""
        said: list[str] = []
        for begin in range(0, len(self.asked), 16):
            part = self.asked[begin : begin + 16]
            clips = [self.held_out[index] for index, _ in part]
            prompts = [
                self.asker.prefix(len(clip.tokens), clip.fps) + self.asker.question(item.question)
                for clip, (_, item) in zip(clips, part, strict=True)
            ]
            tokens = [torch.from_numpy(two_a_frame(clip.tokens, None)).flatten(0, 1) for clip in clips]
            eos = int(cast(int, self.tokenizer.eos_token_id))
            ids = answer(self.backbone, prompts, tokens, pad=self.asker.collator.pad, eos=eos)
            said += [str(self.tokenizer.decode(row)).strip() for row in ids]
        durations = [self.held_out[index].account.duration_s for index, _ in self.asked]
        return grounding_measures([item for _, item in self.asked], said, durations)
