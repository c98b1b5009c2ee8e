"""Where Hawkeye-tiny's training begins: scene modules that read graphs, with projector and language model.

The same plain questions as :mod:`hawkeye_core.tiny.language_task`, on videos with pose and scene graphs. It is never
told what is anomalous. Part of the batches have the frames' own tokens in place of those of the scene modules, so that
the language model reads both equally well: with and without scene modules training begins at the same point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.scene_encoder import halves
from hawkeye_core.tiny.asking import Asker, held_out_questions, keys_of
from hawkeye_core.tiny.graph_noise import noisy
from hawkeye_core.tiny.grounding import grounding_measures
from hawkeye_core.tiny.language_model import answer, answer_loss
from hawkeye_core.tiny.packing import PackedBatch, pack
from hawkeye_core.tiny.scene_clips import StoredVideo, draw_stretch
from hawkeye_core.tiny.shipped import ShippedName
from hawkeye_core.training.scene_tensors import collate_scenes

PLAIN = 0.25
"""Share of batches without scene modules."""

_ANSWERED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class SceneQuestions:
    """Stretches of video with packed questions, still without video tokens."""

    packed: PackedBatch
    scene: SceneBatch
    plain: bool


class SceneTask:
    """See :class:`hawkeye_core.tiny.loop.Task`.

    Args:
        model: The whole model; all of it is trained.
        tokenizer: Of its language model.
        videos: To learn from.
        held_out: To measure on, whole.
        batch: Stretches of video a batch.
        longest: Frames of a stretch at most.
        balance: Weight of L_bc.
        texts: Sentences to learn without a video, one a stretch; may be empty.
        seed: Of the questions that are measured.
    """

    name: ShippedName = "hawkeye"
    measure = "iou"

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, videos: Sequence[StoredVideo],
        held_out: Sequence[StoredVideo], *, batch: int, longest: int = 96, balance: float = 0.02,
        texts: Sequence[str] = (), seed: int = 0,
    ) -> None:  # fmt: skip
        self.hawkeye, self.tokenizer, self.videos, self.held_out = model.train(), tokenizer, videos, held_out
        self.batch, self.longest, self.balance = batch, longest, balance
        self.model: nn.Module = model
        foreign = keys_of([video.account for video in videos])
        self.asker = Asker(tokenizer, scene_token_id=model.scene_token_id, foreign=foreign, texts=texts)
        self.asked = held_out_questions([video.account for video in held_out], foreign, seed=seed)

    def batches(self, seed: int, start: int) -> Iterator[SceneQuestions]:
        """Batch k is drawn by a generator of (seed, k)."""
        number = start
        while True:
            yield self.draw(np.random.default_rng([seed, number]))
            number += 1

    def draw(self, rng: np.random.Generator) -> SceneQuestions:
        """One batch."""
        stretches = [draw_stretch(self.videos, rng, longest=self.longest) for _ in range(self.batch)]
        packed = pack(
            [self.asker.prefix(len(one), one.fps) for one in stretches],
            [self.asker.turns(one.account, rng) for one in stretches],
            [torch.zeros(0)],
            pad=self.asker.collator.pad,
        )
        windows = [noisy(one.window, rng) for one in stretches]
        return SceneQuestions(packed, collate_scenes(windows), bool(rng.random() < PLAIN))

    def losses(self, batch: SceneQuestions) -> dict[str, Tensor]:
        """The mean over the answers' tokens, and the router's balance."""
        tokens, balance = self._tokens(batch.scene, plain=batch.plain)
        packed = replace(batch.packed, tokens=tokens[batch.scene.frame_mask].flatten(0, 1))
        language = answer_loss(self.hawkeye.backbone, packed)
        return {"language": language, "balance": self.balance * balance}

    def _tokens(self, scene: SceneBatch, *, plain: bool) -> tuple[Tensor, Tensor]:
        """[B, T, 2, D], and L_bc."""
        if plain:
            return halves(scene.frame_tokens.float()), torch.zeros(())
        encoded = self.hawkeye.encode(scene)
        return encoded.tokens, encoded.balance_loss

    def evaluate(self) -> dict[str, float]:
        """Answers on held-out videos with the graphs as they are stored; ``plain_...``: without scene modules."""
        found = self._measure(plain=False)
        return found | {f"plain_{name}": value for name, value in self._measure(plain=True).items()}

    def _measure(self, *, plain: bool) -> dict[str, float]:
        tokens = [self._video_tokens(video, plain=plain) for video in self.held_out]
        said: list[str] = []
        for begin in range(0, len(self.asked), _ANSWERED_AT_ONCE):
            part = self.asked[begin : begin + _ANSWERED_AT_ONCE]
            prompts = []
            for index, item in part:
                video = self.held_out[index]
                prompts.append(self.asker.prefix(video.frames, video.fps) + self.asker.question(item.question))
            ids = answer(
                self.hawkeye.backbone, prompts, [tokens[index] for index, _ in part], pad=self.asker.collator.pad,
                eos=int(cast(int, self.tokenizer.eos_token_id)),
            )  # fmt: skip
            said += [str(self.tokenizer.decode(row)).strip() for row in ids]
        durations = [self.held_out[index].account.duration_s for index, _ in self.asked]
        return grounding_measures([item for _, item in self.asked], said, durations)

    def _video_tokens(self, video: StoredVideo, *, plain: bool) -> Tensor:
        with torch.no_grad():
            tokens, _ = self._tokens(collate_scenes([video.whole().window]), plain=plain)
        return tokens[0].flatten(0, 1)
