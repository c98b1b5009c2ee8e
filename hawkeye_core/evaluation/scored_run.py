"""One evaluation, scored: every measure that a report prints. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hawkeye_core.evaluation.folder import Evaluation
from hawkeye_core.evaluation.frame_ranking import CURVE, rank_frames
from hawkeye_core.evaluation.grounding import GroundingScore, score_sets
from hawkeye_core.evaluation.metrics import Detection, Interval
from hawkeye_core.evaluation.result import Row, Truth, score_row


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation, scored.

    Args:
        seed: Of the training; None without one.
        detections: Predicted segments in the order of the videos of the truth; those without a score have 1.
        row: FNR, F2, precision, recall and AP.
        auc: Frame AUC, part of 1; not a number where it cannot be computed.
        frame_ap: Average precision of frames, likewise.
        by_curve: Whether these two are of anomaly curves; else of the scores of segments.
        unparsed: Part of the answers that could not be read; not a number without answers.
        seconds: Of inference for a minute of video; not a number where it was not measured.
        grounding: IoU of the segments with the true ones, on anomalous videos alone.
        evaluation: What was read; None of rows without a model.
    """

    seed: int | None
    detections: tuple[Detection, ...]
    row: Row
    auc: float
    frame_ap: float
    by_curve: bool
    unparsed: float
    seconds: float
    grounding: GroundingScore
    evaluation: Evaluation | None = None


def detections_of(evaluation: Evaluation) -> list[Detection]:
    """Predicted segments in the order of the protocol, whatever that of the file; without scores all are equal."""
    by_video = {item.video: item.segments for item in evaluation.predictions}
    return [
        Detection(
            one.video, item.segment.start_s, min(item.segment.end_s, one.duration_s),
            1.0 if item.score is None else item.score,
        )
        for one in evaluation.protocol.videos
        for item in by_video.get(one.video, ())
    ]  # fmt: skip


def score_run(
    name: str, detections: Sequence[Detection], truth: Truth, *, note: str = "", evaluation: Evaluation | None = None
) -> Run:
    """All measures of some detections.

    Args:
        name: Of the row.
        detections: In the order of the videos of the truth.
        truth: Of the videos.
        note: Behind the name.
        evaluation: What they are from, for curves, answers and time; None of rows without a model.
    """
    auc, frame_ap, by_curve = _frame_measures(detections, truth, evaluation)
    anomalous = {video: segments for video, segments in truth.segments.items() if segments}
    said: dict[str, list[Interval]] = {video: [] for video in anomalous}
    for item in detections:
        if item.video in said:
            said[item.video].append((item.start_s, item.end_s))
    answers = [answer for item in evaluation.predictions for answer in item.answers] if evaluation else []
    unparsed = sum(answer.status == "unparsed" for answer in answers)
    seconds = evaluation.seconds_per_minute if evaluation else None
    return Run(
        seed=evaluation.protocol.seed if evaluation else None,
        detections=tuple(detections),
        row=score_row(name, detections, truth, note=note),
        auc=auc,
        frame_ap=frame_ap,
        by_curve=by_curve,
        unparsed=unparsed / len(answers) if answers else math.nan,
        seconds=math.nan if seconds is None else seconds,
        grounding=score_sets(anomalous, said),
        evaluation=evaluation,
    )


def _frame_measures(
    detections: Sequence[Detection], truth: Truth, evaluation: Evaluation | None
) -> tuple[float, float, bool]:
    """Frame AUC and AP by the curves if every video has one, else by the scores of segments, which must not be < 0."""
    ranked = rank_frames(evaluation.predictions if evaluation else (), detections, truth)
    if not ranked:
        return math.nan, math.nan, False
    return ranked[0].auc, ranked[0].average_precision, ranked[0].by == CURVE
