"""Segments to the answer the model learns to give, and the question it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from hawkeye_core.answers.segments import Segment
from hawkeye_core.answers.time_text import STEP_S, format_seconds

INSTRUCTION = (
    "Analyze the following video and locate the timestamps when the implicit anomalous sentiments are present."
)
"""The paper's question (section 4.1, stage 2)."""

NO_SEGMENT = "No implicit anomalous sentiment is present."
"""The answer for a video without segments."""

DEFAULT_CATEGORY = "an implicit anomalous sentiment"


def render_answer(segments: Sequence[Segment]) -> str:
    """One sentence a segment, in the order of their starts.

    ``From 15.0 to 17.0 seconds, there exists shooting, as a man near the door is shooting at someone.`` Without a
    reason the clause is left out; a segment shorter than the written resolution is written 0.1 s long.

    Raises:
        ValueError: A segment ends before it starts, or a time is negative or not finite.
    """
    if not segments:
        return NO_SEGMENT
    ordered = sorted(segments, key=lambda segment: (segment.start_s, segment.end_s))
    return " ".join(_sentence(segment) for segment in ordered)


def _sentence(segment: Segment) -> str:
    if not segment.end_s > segment.start_s:
        raise ValueError(f"a segment must end after its start, not {segment.start_s} to {segment.end_s}")
    start, end = format_seconds(segment.start_s), format_seconds(segment.end_s)
    if start == end:
        end = format_seconds(float(start) + STEP_S)
    category = _clause(segment.category) or DEFAULT_CATEGORY
    reason = _clause(segment.reason)
    return f"From {start} to {end} seconds, there exists {category}{f', as {reason}' if reason else ''}."


def _clause(text: str) -> str:
    """Free text as part of one sentence: single spaces, no full stop at its end.

    Angle brackets go, so that no text can spell a special token of a tokenizer (``<video>``, ``</s>``).
    """
    return " ".join(text.replace("<", " ").replace(">", " ").split()).rstrip(".!?;, ")
