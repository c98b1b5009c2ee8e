"""How well frames are ranked: AUC and average precision by the anomaly curve, and by the scores of segments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hawkeye_core.evaluation.curves import (
    OUTSIDE,
    ScoreTable,
    curves_table,
    frame_auc,
    frame_average_precision,
    segments_table,
)
from hawkeye_core.evaluation.metrics import FPS, Detection
from hawkeye_core.evaluation.prediction_records import Prediction
from hawkeye_core.evaluation.result import FrameRanking, Truth

CURVE = "the anomaly curve"
"""What ranks frames where every video has one; it then comes first."""


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    table: ScoreTable


def rank_frames(predictions: Sequence[Prediction], detections: Sequence[Detection], truth: Truth) -> list[FrameRanking]:
    """What there is to rank by; nothing if no frame, or every frame, is anomalous.

    The curve counts if every video of the split has one. Segments without scores rank their frames before all others;
    segments with a score below 0 cannot be compared with frames that no segment covers.

    Args:
        predictions: Of one system.
        detections: Their segments.
        truth: Of the split.
    """
    curves = {item.video: item.curve for item in predictions if item.curve is not None}
    tables = []
    if curves.keys() >= truth.durations.keys():
        tables.append(_Table(CURVE, curves_table(_whole_frames(curves, truth), truth)))
    if all(item.score >= OUTSIDE for item in detections):
        tables.append(_Table("scores of segments", segments_table(detections, truth)))
    found = []
    for item in tables:
        auc = frame_auc(item.table)
        if not math.isnan(auc):
            base = int(item.table.positives.sum()) / item.table.frames
            found.append(FrameRanking(item.name, auc, frame_average_precision(item.table), base))
    return found


def _whole_frames(curves: Mapping[str, tuple[float, ...]], truth: Truth) -> dict[str, tuple[float, ...]]:
    """A last second too short for a frame has a value, but no frame to rank."""
    return {video: curves[video][: math.ceil(round(duration * FPS) / FPS)]
            for video, duration in truth.durations.items()}  # fmt: skip
