"""The paper's question to a model whose dense head says when: sentence by sentence over the kept prefix.

The same answer as :mod:`hawkeye_core.evaluation.guided` gives, so that a conversation and a table of segments agree.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import NamedTuple

from hawkeye_core.answers.parse import Status
from hawkeye_core.answers.render import render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.chat.decode import Greedy
from hawkeye_core.chat.prefix import KeptWindow
from hawkeye_core.evaluation.curve_segments import curve_segments
from hawkeye_core.evaluation.guided import opening, read_words
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.training.windows import WindowSpec

_SENTENCE = re.compile(r"\.\s")


class GuidedTalk(NamedTuple):
    """What was said, on the window's own clock."""

    text: str
    status: Status
    segments: tuple[ScoredSegment, ...]


def guided_talk(
    predictor: Predictor, kept: KeptWindow, row: list[int], spec: WindowSpec, threshold: float
) -> Generator[Segment | None, None, GuidedTalk]:
    """Segments as their sentences are finished; None where there is none to be said.

    Args:
        predictor: Of a model with a dense head.
        kept: The window.
        row: Token ids up to the question's end.
        spec: The window.
        threshold: From which a frame's smoothed score is positive.

    Raises:
        ValueError: The model has no dense head.
    """
    kept.read(row)
    if kept.seen is None or kept.seen.frame_scores is None:
        raise ValueError("times come from the dense head, which this model does not have")
    scores = kept.seen.frame_scores.tolist()[: spec.stop - spec.start]
    found: list[ScoredSegment] = []
    for start, stop, score in curve_segments(scores, fps=spec.fps, threshold=threshold):
        segment = _finish(predictor, kept, row, start / spec.fps, stop / spec.fps)
        found.append(ScoredSegment(segment, score))
        yield segment
    if not found:
        yield None
    return GuidedTalk(render_answer([one.segment for one in found]), "ok" if found else "empty", tuple(found))


def _finish(predictor: Predictor, kept: KeptWindow, row: list[int], start_s: float, end_s: float) -> Segment:
    """One sentence in the model's words; it does not see the others, as in evaluation."""
    begun = predictor.collate.end_answer(opening(start_s, end_s))[:-1]
    choose, said = Greedy(predictor.model), list(begun)
    eos = predictor.tokenizer.eos_token_id
    text = ""
    for _ in range(max(predictor.max_new_tokens - len(begun), 1)):
        token = choose(kept.read(row + said)).token
        if token == eos:
            break
        said.append(token)
        text = str(predictor.tokenizer.decode(said, skip_special_tokens=True)).strip()
        if _SENTENCE.search(text):
            break
    return read_words(text, start_s, end_s)
