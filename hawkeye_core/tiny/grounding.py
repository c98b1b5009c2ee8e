"""How good answers to plain questions are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hawkeye_core.answers.parse import parse_segments
from hawkeye_core.answers.segments import Segment
from hawkeye_core.tiny.questions import NOT_SEEN, Exchange

GRID_S = 0.05


def grounding_measures(asked: Sequence[Exchange], said: Sequence[str], durations: Sequence[float]) -> dict[str, float]:
    """Measures over questions.

    Args:
        asked: The questions with their right answers.
        said: What the model answered.
        durations: Length of each video in seconds.

    Returns:
        ``iou``: mean temporal IoU of the answers to "when" questions (an unreadable answer counts 0); ``iou_50``: part
        of them of 0.5 or more; ``absent``: part of the questions for what is not there that are answered so;
        ``denied``: part of the "when" questions wrongly answered so; ``exact``: part of all answers that are right to
        the letter.
    """
    scores, absent, denied, exact = [], [], [], []
    for item, answer, duration in zip(asked, said, durations, strict=True):
        exact.append(answer == item.answer)
        if item.kind == "when":
            truth, found = (parse_segments(text, duration_s=duration).segments for text in (item.answer, answer))
            scores.append(temporal_iou(truth, found))
            denied.append(answer == NOT_SEEN)
        elif item.kind == "not":
            absent.append(answer == NOT_SEEN)
    values = np.array(scores)
    return {
        "iou": _mean(scores), "iou_50": _mean(list(values >= 0.5)), "absent": _mean(absent), "denied": _mean(denied),
        "exact": _mean(exact),
    }  # fmt: skip


def temporal_iou(first: Sequence[Segment], second: Sequence[Segment]) -> float:
    """Length of what both unions share over the length of either; 1 for two empty ones."""
    if not first and not second:
        return 1.0
    end = max(segment.end_s for segment in (*first, *second))
    middle = np.arange(GRID_S / 2, end, GRID_S)
    covered = [
        np.any([(middle >= s.start_s) & (middle < s.end_s) for s in segments], axis=0)
        if segments
        else np.zeros_like(middle, bool)
        for segments in (first, second)
    ]
    return float((covered[0] & covered[1]).sum() / max((covered[0] | covered[1]).sum(), 1))


def _mean(values: Sequence[float | bool]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
