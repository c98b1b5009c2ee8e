"""The anomaly curve, the paper's A.Score: P(yes) for each second of a video.

The paper does not define its score. Here (DESIGN, section 5) the model is asked about every second of a window, behind
the window's scene tokens in place of the paper's question, and the curve is how likely it then finds yes among yes and
no. Training does not ask this question, so what the model makes of it is what it has learned of anomalies otherwise.
A model with a dense head (our addition) has learned it of every frame; its curve is the mean over each second's frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hawkeye_core.answers.time_text import format_seconds
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.by_second import BySecond, by_second
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.windows import WindowSpec

YES, NO = "Yes", "No"
"""Words that an answer to a probe begins with."""


def probe_question(second: int) -> str:
    """What is asked about one second of a window, on the window's own clock."""
    start, end = format_seconds(second), format_seconds(second + 1)
    return f"Is there an implicit anomalous sentiment from {start} to {end} seconds?"


@dataclass(frozen=True, slots=True)
class Probes:
    """Token ids of the probes of one window.

    Args:
        head: What all of them begin with; computed once, as a part of the prompt.
        tails: The rest of each, second after second; none is empty.
        yes: The first token in which the two answers differ, of yes.
        no: The same, of no.
    """

    head: tuple[int, ...]
    tails: tuple[tuple[int, ...], ...]
    yes: int
    no: int

    @property
    def length(self) -> int:
        """Tokens of the longest probe."""
        return len(self.head) + max(map(len, self.tails))


def window_probes(collate: Collator, seconds: int) -> Probes:
    """A probe for each second of a window.

    Tokenizers may begin both answers with one token (a space); what they begin with alike belongs to the probe.

    Args:
        collate: Of the model.
        seconds: Of the window, at least one.

    Raises:
        ConfigError: The tokenizer does not tell the two answers apart.
    """
    yes, no = collate.end_answer(YES), collate.end_answer(NO)
    alike = _alike([yes, no])
    if alike == min(len(yes), len(no)):
        raise ConfigError("the tokenizer does not tell yes from no", remedy="leave the curve out with curve=off")
    probes = [_asked(collate, probe_question(second)) + yes[:alike] for second in range(seconds)]
    head = min(_alike(probes), min(map(len, probes)) - 1)
    tails = tuple(tuple(probe[head:]) for probe in probes)
    return Probes(tuple(probes[0][:head]), tails, yes[alike], no[alike])


def seconds_of(spec: WindowSpec) -> int:
    """Seconds that a window has begun."""
    return math.ceil(spec.duration_s)


def window_curve(spec: WindowSpec, probabilities: Sequence[float]) -> BySecond:
    """Answers to the probes of a window on the clock of its video.

    Args:
        spec: The window.
        probabilities: Of yes, one a second of the window; what is there beyond its seconds is left out.
    """
    bounds = window_bounds(spec.start, spec.stop, spec.fps)
    return by_second(bounds[:-1], bounds[1:], np.asarray(probabilities[: len(bounds) - 1]))


def frame_curve(spec: WindowSpec, scores: Sequence[float]) -> BySecond:
    """Scores of frames on the clock of their video, by second.

    Args:
        spec: The window.
        scores: One a frame, 0..1; what is there beyond its frames is left out.
    """
    starts = np.arange(spec.start, spec.stop) / spec.fps
    return by_second(starts, starts + 1 / spec.fps, np.asarray(scores[: len(starts)]))


def window_bounds(start: int, stop: int, fps: float) -> list[float]:
    """Bounds of a window's seconds in seconds of the video; the last one may be shorter."""
    seconds = math.ceil((stop - start) / fps)
    return [*(start / fps + second for second in range(seconds)), stop / fps]


def _asked(collate: Collator, question: str) -> list[int]:
    """What stands behind the scene tokens."""
    ids = collate.join_prompt([(0, 1)], question)
    return ids[len(ids) - ids[::-1].index(collate.scene_token_id) :]


def _alike(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with alike."""
    shortest = min(map(len, rows))
    return next((place for place in range(shortest) if len({row[place] for row in rows}) > 1), shortest)
