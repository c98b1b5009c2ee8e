"""Tokens of an answer to segments with scores, on the clock of the video."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.parse import ParsedAnswer, parse_segments
from hawkeye_core.evaluation.by_second import BySecond
from hawkeye_core.evaluation.router_weights import window_router
from hawkeye_core.evaluation.scores import ScoredSegment, time_score, token_spans
from hawkeye_core.evaluation.window_answers import WindowAnswer
from hawkeye_core.training.windows import WindowSpec


def read_answer(
    tokenizer: PreTrainedTokenizerBase, spec: WindowSpec, ids: list[int], probabilities: list[float], *,
    factor: float = 1.0, curve: BySecond | None = None, weights: Tensor | None = None,
) -> WindowAnswer:  # fmt: skip
    """What the model said about a window, on the clock of the video.

    Args:
        tokenizer: Of the language model.
        spec: The window.
        ids: Tokens of the answer, perhaps with its end and padding behind.
        probabilities: Of each when it was chosen.
        factor: Of the scores of all segments.
        curve: Of its seconds, if asked for.
        weights: [T, 2, N] routing weights of its frames; none without a router.
    """
    eos = tokenizer.eos_token_id
    length = ids.index(eos) if eos in ids else len(ids)
    text, tokens = token_spans(tokenizer, ids[:length])
    parsed = parse_segments(text, duration_s=spec.duration_s)
    return WindowAnswer(
        video=spec.video,
        start_s=spec.start_s,
        end_s=spec.start_s + spec.duration_s,
        text=text,
        status=parsed.status,
        segments=_scored(parsed, tokens, probabilities[:length], offset_s=spec.start_s, factor=factor),
        curve=curve,
        router=None if weights is None else window_router(spec, weights),
    )


def _scored(
    parsed: ParsedAnswer, tokens: Sequence[tuple[int, int]], probabilities: Sequence[float], *, offset_s: float,
    factor: float,
) -> tuple[ScoredSegment, ...]:  # fmt: skip
    return tuple(
        ScoredSegment(segment.shifted(offset_s), factor * time_score(spans, tokens, probabilities))
        for segment, spans in zip(parsed.segments, parsed.time_spans, strict=True)
    )
