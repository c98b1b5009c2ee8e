"""Scores of predicted segments from token probabilities, and windows merged on the clock of the video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.parse import Span
from hawkeye_core.answers.segments import Segment


@dataclass(frozen=True, slots=True)
class ScoredSegment:
    """A predicted segment and how sure the model was of its times, 0..1."""

    segment: Segment
    score: float


def token_spans(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int]) -> tuple[str, list[Span]]:
    """The text of some tokens, and the characters each one adds to it.

    Found by decoding ever longer beginnings, which is right for every tokenizer; a token that completes no character
    of its own has an empty span.
    """
    texts = [
        str(tokenizer.decode(list(token_ids[:end]), skip_special_tokens=True)) for end in range(len(token_ids) + 1)
    ]
    return texts[-1], list(pairwise(len(text) for text in texts))


def time_score(spans: Iterable[Span], tokens: Sequence[Span], probabilities: Sequence[float]) -> float:
    """Geometric mean of the probabilities of the tokens that touch any of the spans; 0 if none does.

    Args:
        spans: Characters of the times a segment was read from.
        tokens: Characters of each token.
        probabilities: Of each token.
    """
    wanted = list(spans)
    chosen = [
        probability
        for (start, end), probability in zip(tokens, probabilities, strict=True)
        if any(start < stop and begin < end for begin, stop in wanted)
    ]
    if not chosen or min(chosen) <= 0:
        return 0.0
    return math.exp(math.fsum(math.log(probability) for probability in chosen) / len(chosen))


def merge_scored(found: Iterable[ScoredSegment]) -> list[ScoredSegment]:
    """Segments of overlapping windows as one timeline: what overlaps or touches is one segment.

    It takes the words and the score of its surest part, of equal ones the earliest.
    """
    merged: list[ScoredSegment] = []
    for item in sorted(found, key=lambda item: (item.segment.start_s, item.segment.end_s)):
        if merged and item.segment.start_s <= merged[-1].segment.end_s:
            merged[-1] = _union(merged[-1], item)
        else:
            merged.append(item)
    return merged


def _union(first: ScoredSegment, second: ScoredSegment) -> ScoredSegment:
    surest = second if second.score > first.score else first
    end = max(first.segment.end_s, second.segment.end_s)
    return ScoredSegment(replace(surest.segment, start_s=first.segment.start_s, end_s=end), surest.score)
