"""Many questions about one video in one sequence, each seeing the video and itself only.

The video is most of a sequence (two tokens a frame), so asking eight times costs little more than asking once. With the
mask and the positions here the losses are exactly those of eight separate sequences.

Legend: B videos, L tokens, N video tokens of the batch, D vision width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hawkeye_core.model.outputs import IGNORE

VIDEO, PADDING = 0, -1
"""Values of :attr:`PackedBatch.turn`."""

ALONE = 1000
"""Turns from this number on are text without a video: they do not see it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer as token ids; ``alone``: a text that has nothing to do with the video."""

    question: list[int]
    answer: list[int]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """B videos with their questions.

    Args:
        input_ids: [B, L] int64.
        labels: [B, L] int64, the answers' tokens, -100 elsewhere.
        turn: [B, L] int64: 0 the video and its times, 1 and up the question a token belongs to, -1 padding.
        positions: [B, L] int64: every question goes on where the video ends.
        tokens: [N, D] float32 the video tokens in the order of their placeholders.
    """

    input_ids: Tensor
    labels: Tensor
    turn: Tensor
    positions: Tensor
    tokens: Tensor

    def visible(self) -> Tensor:
        """[B, 1, L, L] bool: which tokens (last axis) a token sees."""
        query, key = self.turn[:, :, None], self.turn[:, None, :]
        length = self.turn.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=self.turn.device).tril()
        seen = (key == query) | ((key == VIDEO) & (query > VIDEO) & (query < ALONE))
        # Padding sees itself, so that no row of the softmax is empty.
        return (seen & causal)[:, None]


def pack(
    prefixes: Sequence[list[int]], turns: Sequence[Sequence[Turn]], tokens: Sequence[Tensor], *, pad: int
) -> PackedBatch:
    """Batch of videos.

    Args:
        prefixes: [B] token ids of the video and its times.
        turns: [B] the questions about each.
        tokens: [B] video tokens, [placeholders, D] each.
        pad: Token id that fills up.
    """
    rows = [_row(prefix, asked) for prefix, asked in zip(prefixes, turns, strict=True)]
    longest = max(len(row[0]) for row in rows)
    input_ids, labels, turn, positions = (
        torch.tensor([values + [fill] * (longest - len(values)) for values in column], dtype=torch.int64)
        for column, fill in zip(zip(*rows, strict=True), (pad, IGNORE, PADDING, 0), strict=True)
    )
    return PackedBatch(input_ids, labels, turn, positions, torch.cat(list(tokens)))


def _row(prefix: list[int], turns: Sequence[Turn]) -> tuple[list[int], list[int], list[int], list[int]]:
    ids, labels, turn, positions = list(prefix), [IGNORE] * len(prefix), [VIDEO] * len(prefix), [*range(len(prefix))]
    for number, item in enumerate(turns, 1):
        begin = 0 if item.alone else len(prefix)
        length = len(item.question) + len(item.answer)
        ids += item.question + item.answer
        labels += [IGNORE] * len(item.question) + item.answer
        turn += [number + ALONE if item.alone else number] * length
        positions += range(begin, begin + length)
    return ids, labels, turn, positions
