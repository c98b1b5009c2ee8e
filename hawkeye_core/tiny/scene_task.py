"""Where Hawkeye-tiny's training begins: scene modules that read graphs, with projector and language model.

Two things are learned from videos with pose and scene graphs. Each frame's two tokens say what is told of the frame
(heads of a training only, as the tower has them), and the language model answers the same plain questions as in
:mod:`hawkeye_core.tiny.language_task`. Neither is ever told what is anomalous. Part of the batches of questions have
the frames' own tokens in place of those of the scene modules, so that the language model reads both equally well: with
and without scene modules training begins at the same point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.scene_encoder import TOKENS_PER_FRAME, halves
from hawkeye_core.tiny.asking import Asker, held_out_questions, keys_of
from hawkeye_core.tiny.grounding import grounding_measures
from hawkeye_core.tiny.language_model import answer, answer_loss
from hawkeye_core.tiny.packing import PackedBatch, pack
from hawkeye_core.tiny.scene_clips import Stretch, Video, draw_stretch
from hawkeye_core.tiny.scene_labels import LabelBook, mean_average_precision
from hawkeye_core.tiny.scene_source import VideoSource
from hawkeye_core.tiny.scene_variation import noisy, varied
from hawkeye_core.tiny.shipped import ShippedName
from hawkeye_core.training.scene_tensors import collate_scenes

PLAIN = 0.25
"""Share of batches of questions without scene modules."""
POSITIVE = 4.0
"""Weight of a label that holds; most hold in few frames."""

RARE = -4.0
"""What the heads' biases begin with: the logit of a label that holds in one frame of fifty."""
_ANSWERED_AT_ONCE = 16


class SceneWithHeads(nn.Module):
    """Hawkeye, and one linear layer from a frame's two tokens to the labels of :class:`LabelBook`."""

    def __init__(self, hawkeye: HawkeyeModel, labels: int) -> None:
        super().__init__()
        self.hawkeye = hawkeye
        self.heads = nn.Linear(TOKENS_PER_FRAME * hawkeye.config.vision_width, labels)
        nn.init.constant_(self.heads.bias, RARE)

    def label_logits(self, tokens: Tensor) -> Tensor:
        """[B, T, 2, D] -> [B, T, V]."""
        logits: Tensor = self.heads(tokens.flatten(2))
        return logits


@dataclass(frozen=True, slots=True)
class SceneQuestions:
    """Stretches of video with the labels of their frames, and packed questions still without video tokens."""

    scene: SceneBatch
    labels: Tensor  # [B, T, V]
    packed: PackedBatch | None
    plain: bool


class SceneTask:
    """See :class:`hawkeye_core.tiny.loop.Task`.

    Args:
        model: The whole model.
        tokenizer: Of its language model.
        source: Of the videos to learn from.
        held_out: To measure on, whole.
        batch: Stretches of video a batch.
        longest: Frames of a stretch at most.
        questions: Whether questions are answered, and the language model is trained; else the frames' labels only.
        dense: Weight of the labels.
        balance: Weight of L_bc.
        exchanged: Share of the stretches that have the picture's tokens of another one.
        noise: How uncertain graphs are made at most, 0..1.
        moved: Whether stretches are mirrored, enlarged and moved.
        texts: Sentences to learn without a video, one a stretch; may be empty.
        book: The labels; none: those of the videos to learn from.
        seed: Of the questions that are measured, and of the heads.
    """

    name: ShippedName = "hawkeye"

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, source: VideoSource,
        held_out: Sequence[Video], *, batch: int, longest: int = 96, questions: bool = True, dense: float = 1.0,
        balance: float = 0.02, exchanged: float = 0.0, noise: float = 1.0, moved: bool = True,
        texts: Sequence[str] = (), book: LabelBook | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        self.hawkeye, self.tokenizer, self.source, self.held_out = model.train(), tokenizer, source, held_out
        self.batch, self.longest, self.questions = batch, longest, questions
        self.dense, self.balance, self.exchanged, self.noise = dense, balance, exchanged, noise
        self.moved = moved
        self.measure = "iou" if questions else "ap"
        self.book = LabelBook.of(source.accounts) if book is None else book
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model: nn.Module = SceneWithHeads(model, len(self.book))
        if not questions:
            model.backbone.requires_grad_(False)
        foreign = keys_of(source.accounts)
        self.asker = Asker(tokenizer, scene_token_id=model.scene_token_id, foreign=foreign, texts=texts)
        self.asked = held_out_questions([video.account for video in held_out], foreign, seed=seed)

    def batches(self, seed: int, start: int) -> Iterator[SceneQuestions]:
        """Batch k is drawn by a generator of (seed, k)."""
        for number, videos in enumerate(self.source.pools(seed, start), start):
            yield self.draw(videos, np.random.default_rng([seed, number]))

    def draw(self, videos: Sequence[Video], rng: np.random.Generator) -> SceneQuestions:
        """One batch of stretches of some videos."""
        stretches = [draw_stretch(videos, rng, longest=self.longest) for _ in range(self.batch)]
        packed = None
        if self.questions:
            packed = pack(
                [self.asker.prefix(len(one), one.fps) for one in stretches],
                [self.asker.turns(one.account, rng) for one in stretches],
                [torch.zeros(0)],
                pad=self.asker.collator.pad,
            )
        plain = self.questions and bool(rng.random() < PLAIN)
        exchanged = 0.0 if plain else self.exchanged
        windows = [one.window for one in stretches]
        if self.moved:
            windows = varied(windows, rng, exchanged=exchanged)
        if self.noise:
            windows = [noisy(window, rng, most=self.noise) for window in windows]
        scene = collate_scenes(windows)
        return SceneQuestions(scene, self._labels(stretches, scene.shape[1]), packed, plain)

    def _labels(self, stretches: Sequence[Stretch], frames: int) -> Tensor:
        """[B, T, V], zeros behind the end."""
        rows = np.zeros((len(stretches), frames, len(self.book)), np.float32)
        for row, one in zip(rows, stretches, strict=True):
            row[: len(one)] = self.book.frames(one.account, len(one), one.fps)
        return torch.from_numpy(rows)

    def losses(self, batch: SceneQuestions) -> dict[str, Tensor]:
        """Labels of the frames, the router's balance, and the mean over the answers' tokens."""
        mask = batch.scene.frame_mask
        found: dict[str, Tensor] = {}
        if batch.plain:
            tokens = halves(batch.scene.frame_tokens.float())
        else:
            encoded = self.hawkeye.encode(batch.scene)
            tokens = encoded.tokens
            logits = cast(SceneWithHeads, self.model).label_logits(tokens)[mask]
            found["dense"] = self.dense * label_loss(logits, batch.labels[mask])
            found["balance"] = self.balance * encoded.balance_loss
        if batch.packed is not None:
            packed = replace(batch.packed, tokens=tokens[mask].flatten(0, 1))
            found["language"] = answer_loss(self.hawkeye.backbone, packed)
        return found

    def evaluate(self) -> dict[str, float]:
        """On held-out videos with the graphs as they are stored: mean average precision of the frames' labels by kind,
        and measures of the answers, those that begin with ``plain_`` without scene modules.
        """
        tokens = [self._tokens(video, plain=False) for video in self.held_out]
        found = self._label_measures(tokens)
        if self.questions:
            found |= self._answer_measures(tokens)
            plain = [self._tokens(video, plain=True) for video in self.held_out]
            found |= {f"plain_{name}": value for name, value in self._answer_measures(plain).items()}
        return found

    def _label_measures(self, tokens: Sequence[Tensor]) -> dict[str, float]:
        scores, truth = [], []
        for video, own in zip(self.held_out, tokens, strict=True):
            scores.append(cast(SceneWithHeads, self.model).label_logits(own[None])[0].detach().cpu().numpy())
            truth.append(self.book.frames(video.account, video.frames, video.fps))
        all_scores, all_truth = np.concatenate(scores), np.concatenate(truth)
        found, begin = {}, 0
        for kind, names in (
            ("actions", self.book.actions),
            ("relations", self.book.relations),
            ("both", self.book.both),
        ):
            part = slice(begin, begin + len(names))
            found[f"ap_{kind}"] = mean_average_precision(all_scores[:, part], all_truth[:, part])
            begin += len(names)
        return {"ap": mean_average_precision(all_scores, all_truth), **found}

    def _answer_measures(self, tokens: Sequence[Tensor]) -> dict[str, float]:
        said: list[str] = []
        for begin in range(0, len(self.asked), _ANSWERED_AT_ONCE):
            part = self.asked[begin : begin + _ANSWERED_AT_ONCE]
            prompts = []
            for index, item in part:
                video = self.held_out[index]
                prompts.append(self.asker.prefix(video.frames, video.fps) + self.asker.question(item.question))
            ids = answer(
                self.hawkeye.backbone, prompts, [tokens[index].flatten(0, 1) for index, _ in part],
                pad=self.asker.collator.pad, eos=int(cast(int, self.tokenizer.eos_token_id)),
            )  # fmt: skip
            said += [str(self.tokenizer.decode(row)).strip() for row in ids]
        durations = [self.held_out[index].account.duration_s for index, _ in self.asked]
        return grounding_measures([item for _, item in self.asked], said, durations)

    def _tokens(self, video: Video, *, plain: bool) -> Tensor:
        """[T, 2, D]."""
        scene = collate_scenes([video.whole().window]).to(next(self.model.parameters()).device)
        with torch.no_grad():
            tokens = halves(scene.frame_tokens.float()) if plain else self.hawkeye.encode(scene).tokens
        return tokens[0]


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy, those that hold with weight :data:`POSITIVE`: the sum over labels, a mean over frames."""
    weight = logits.new_full((), POSITIVE)
    each = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight, reduction="none")
    return each.sum(-1).mean() / 10
