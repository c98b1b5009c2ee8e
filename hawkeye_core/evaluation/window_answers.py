"""What the model said about a window, and what the windows of a video say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from hawkeye_core.answers.parse import Status
from hawkeye_core.evaluation.by_second import BySecond, joined
from hawkeye_core.evaluation.folder import RouterWeights
from hawkeye_core.evaluation.prediction_records import Answer, PredictedSegment, Prediction
from hawkeye_core.evaluation.scores import ScoredSegment, merge_scored
from hawkeye_core.training.windows import WindowSpec

DIGITS = 6
"""Significant digits of a probability of the curve as it is written: more say nothing of a model in float32."""


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """What the model said about one window, times on the clock of the video.

    Args:
        video: Its id.
        start_s: Of the window.
        end_s: Of the window.
        text: As said.
        status: How it could be read.
        segments: Read from it.
        curve: P(yes) of its seconds; None where they were not asked about.
        router: [S, 2, N] mean routing weights of action and object tokens; None without a router.
    """

    video: str
    start_s: float
    end_s: float
    text: str
    status: Status
    segments: tuple[ScoredSegment, ...]
    curve: BySecond | None = field(default=None, compare=False)
    router: BySecond | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class VideoPrediction:
    """Segments of one video, merged over its windows, and the answers they come from.

    Args:
        video: Its id.
        segments: In the order of their starts.
        answers: Window after window.
        curve: P(yes) of each second that the video has begun, or None.
        router: Mean routing weights of each second, or None.
    """

    video: str
    segments: tuple[ScoredSegment, ...]
    answers: tuple[WindowAnswer, ...]
    curve: tuple[float, ...] | None = None
    router: RouterWeights | None = field(default=None, compare=False)

    def record(self) -> Prediction:
        """What of it is written."""
        return Prediction(
            self.video,
            tuple(PredictedSegment(item.segment, item.score) for item in self.segments),
            tuple(Answer(item.start_s, item.end_s, item.status, item.text) for item in self.answers),
            self.curve,
        )


def join_windows(specs: Sequence[WindowSpec], answers: Sequence[WindowAnswer]) -> VideoPrediction:
    """The prediction of a video from those of its windows.

    Args:
        specs: All windows of one video, which cover it.
        answers: One to each.
    """
    seconds = math.ceil(max(spec.stop / spec.fps for spec in specs))
    curves = [answer.curve for answer in answers if answer.curve is not None]
    routers = [answer.router for answer in answers if answer.router is not None]
    curve = joined(curves, seconds) if len(curves) == len(answers) else None
    weights = joined(routers, seconds).astype("float32") if len(routers) == len(answers) else None
    return VideoPrediction(
        specs[0].video,
        tuple(merge_scored(item for answer in answers for item in answer.segments)),
        tuple(answers),
        None if curve is None else tuple(float(f"{value:.{DIGITS}g}") for value in curve),
        None if weights is None else RouterWeights(weights[:, 0], weights[:, 1]),
    )
