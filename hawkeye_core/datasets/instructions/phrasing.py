"""Ways to ask stage 2's question. The paper has one; a model that has heard several does not hang on its words."""

from __future__ import annotations

import hashlib

from hawkeye_core.answers.render import INSTRUCTION

QUESTIONS: tuple[str, ...] = (
    INSTRUCTION,
    "Find the moments of this video in which an implicit anomalous sentiment shows, with their times and reasons.",
    "Watch the video. When, if ever, is something implicitly anomalous going on, and why?",
    "State from when to when implicit anomalous sentiments are present in the video, and what they are.",
    "Does the video hold implicit anomalous sentiments? Name the times, the kind and the reason of each.",
    "Which stretches of the video are anomalous although nobody says so? Give start, end, kind and reason.",
)
"""The paper's question first."""


def question_for(video: str, *, seed: int, phrasings: int = len(QUESTIONS)) -> str:
    """The phrasing of a video: a function of its id and the seed, not of its place in a list.

    Args:
        video: Id.
        seed: Another seed asks otherwise.
        phrasings: How many of :data:`QUESTIONS` are used; 1: the paper's alone.

    Raises:
        ValueError: No or too many phrasings.
    """
    if not 1 <= phrasings <= len(QUESTIONS):
        raise ValueError(f"phrasings must lie in 1 .. {len(QUESTIONS)}, not {phrasings}")
    digest = hashlib.sha256(f"{seed}/{video}".encode()).digest()
    return QUESTIONS[int.from_bytes(digest[:8], "big") % phrasings]
