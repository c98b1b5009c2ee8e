"""Answers whose times come from the dense head: it says when, the language model says what.

Each segment found in the scores of frames (:mod:`.curve_segments`) opens a sentence, ``From 3.0 to 4.5 seconds, there
exists``, which the language model finishes. Our addition, a switch: in the paper the times are the model's own text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.parse import Status, parse_segments
from hawkeye_core.answers.render import render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.answers.time_text import format_seconds
from hawkeye_core.evaluation.curve_segments import curve_segments
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.kept import Kept, read
from hawkeye_core.training.collate import Collator, PromptBatch
from hawkeye_core.training.windows import WindowSpec

_END = re.compile(r"\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class GuidedAnswer:
    """One window's answer on the window's own clock."""

    text: str
    status: Status
    segments: tuple[ScoredSegment, ...]


class GuidedBatch(NamedTuple):
    """Answers of a batch of windows and what the model gave on the way."""

    answers: list[GuidedAnswer]
    scores: Tensor  # [B, T] of frames
    weights: Tensor | None  # [B, T, 2, N] routing weights


class _Begun(NamedTuple):
    row: int
    start_s: float
    end_s: float
    score: float


@torch.no_grad()
def guided_answers(
    model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, collate: Collator, batch: PromptBatch,
    specs: Sequence[WindowSpec], *, threshold: float, max_new_tokens: int,
) -> GuidedBatch:  # fmt: skip
    """Segments of the dense head with the language model's words.

    Args:
        model: With a dense head.
        tokenizer: Of its language model.
        collate: Made the batch.
        batch: Prompts of B windows, with room for the longest answer.
        specs: [B] of the windows.
        threshold: From which a frame's smoothed score is positive.
        max_new_tokens: Of one sentence, with its beginning.

    Raises:
        ValueError: The model has no dense head.
    """
    device = model.device
    ids, mask, scene = batch["input_ids"].to(device), batch["attention_mask"].to(device), batch["scene"].to(device)
    embeds, encoded = model.embed(ids, scene)
    kept = read(model.backbone.model.language_model, embeds, mask)
    scores = model.frame_scores(ids, mask, scene, hidden=kept.hidden)
    begun = [
        _Begun(row, start / spec.fps, stop / spec.fps, score)
        for row, (spec, values) in enumerate(zip(specs, scores.tolist(), strict=True))
        for start, stop, score in curve_segments(values[: spec.stop - spec.start], fps=spec.fps, threshold=threshold)
    ]
    found: list[list[ScoredSegment]] = [[] for _ in specs]
    for first in range(0, len(begun), len(specs)):  # no more sentences at a time than windows: memory stays bounded
        part = begun[first : first + len(specs)]
        for item, words in zip(
            part,
            _finish(model, tokenizer, collate, embeds, mask, kept, part, max_new_tokens=max_new_tokens),
            strict=True,
        ):
            segment = Segment(item.start_s, item.end_s, words.category, words.reason)
            found[item.row].append(ScoredSegment(segment, item.score))
    answers = [
        GuidedAnswer(render_answer([one.segment for one in own]), "ok" if own else "empty", tuple(own)) for own in found
    ]
    return GuidedBatch(answers, scores, encoded.weights)


def _finish(
    model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, collate: Collator, embeds: Tensor, mask: Tensor,
    kept: Kept, begun: Sequence[_Begun], *, max_new_tokens: int,
) -> list[Segment]:  # fmt: skip
    """Category and reason of each sentence that was begun; its times are not looked at.

    Of each only the beginning is read, behind the kept prompt; between the two stands the padding of shorter ones.
    """
    openings = [collate.end_answer(opening(item.start_s, item.end_s))[:-1] for item in begun]
    rows = [item.row for item in begun]
    longest = max(map(len, openings))
    pad = int(tokenizer.pad_token_id)
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in openings], device=embeds.device)
    lengths = torch.tensor([len(row) for row in openings], device=embeds.device)
    shown = torch.arange(longest, device=embeds.device) >= longest - lengths[:, None]
    said = model.decode(
        torch.cat([embeds[rows], model.get_input_embeddings()(ids).to(embeds.dtype)], 1),
        torch.cat([mask[rows], shown.to(mask.dtype)], 1),
        max_new_tokens=max(max_new_tokens - longest, 1), eos_token_id=int(tokenizer.eos_token_id), pad_token_id=pad,
        past=kept.rows(rows),
    ).token_ids.tolist()  # fmt: skip
    return [
        read_words(_text(tokenizer, ids, row), item.start_s, item.end_s)
        for ids, row, item in zip(openings, said, begun, strict=True)
    ]


def opening(start_s: float, end_s: float) -> str:
    """``From 3.0 to 4.5 seconds, there exists``, as answers are written (:mod:`hawkeye_core.answers.render`)."""
    return f"From {format_seconds(start_s)} to {format_seconds(end_s)} seconds, there exists"


def read_words(text: str, start_s: float, end_s: float) -> Segment:
    """Category and reason of the first sentence behind :func:`opening`; empty where none is said."""
    end = _END.search(text)
    sentence = text[: end.end()] if end else text
    parsed = parse_segments(sentence, duration_s=end_s + 1).segments
    words = parsed[0] if parsed else Segment(start_s, end_s)
    return Segment(start_s, end_s, words.category, words.reason)


def _text(tokenizer: PreTrainedTokenizerBase, begun: list[int], said: list[int]) -> str:
    eos = tokenizer.eos_token_id
    whole: Any = begun + (said[: said.index(eos)] if eos in said else said)
    return cast(str, tokenizer.decode(whole, skip_special_tokens=True)).strip()
