"""The baseline of frame differences: curves of the videos, a threshold from the training split, segments.

See :mod:`hawkeye_core.evaluation.motion_energy` for the energy and the rule of the threshold.
"""

from __future__ import annotations

import logging
import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import VideoError
from hawkeye_core.evaluation.baselines.annotated import AnnotatedVideo, locate, read_videos
from hawkeye_core.evaluation.baselines.clips import VideoLength
from hawkeye_core.evaluation.baselines.kept import Kept, digest_of
from hawkeye_core.evaluation.baselines.outcome import VIDEO_FAULTS, Outcome, reason_of
from hawkeye_core.evaluation.baselines.truth import Judged, judge
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.metrics import FPS
from hawkeye_core.evaluation.motion_energy import (
    F32,
    LEAST,
    NOISE,
    SIDE,
    SMOOTH_S,
    MotionCurve,
    Threshold,
    choose_threshold,
    detect,
    motion_curve,
    require_unseen,
)
from hawkeye_core.evaluation.prediction_records import PredictedSegment, Prediction
from hawkeye_core.progress import step_progress

logger = logging.getLogger(__name__)

INPUTS: Mapping[str, Any] = {
    "system": "motion energy", "code": 1, "fps": FPS, "side": SIDE, "noise": NOISE, "least": LEAST, "smooth": SMOOTH_S,
}  # fmt: skip
"""What a curve depends on beside the video."""


@dataclass(frozen=True, slots=True)
class MotionResult:
    """Motion energy on the videos that are judged.

    Args:
        outcome: Predictions and lengths.
        judged: What they are scored against.
        threshold: And where it was chosen.
        without: Training videos without a file, or with one that cannot be used.
    """

    outcome: Outcome
    judged: Judged
    threshold: Threshold
    without: int


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves and lengths by video, why others have none, and the wall time."""

    curves: Mapping[str, MotionCurve]
    lengths: Mapping[str, VideoLength]
    faults: Mapping[str, str]
    seconds: float


def run_motion(settings: EvalSettings, folder: str) -> MotionResult:
    """Threshold from the training split, segments and curves of ``settings.split``.

    A curve of motion as it is written says of each second which part of the training split's seconds moves less (of
    equal ones half): 0..1, and in the order of the energy.

    Args:
        settings: Of the evaluation.
        folder: Of the videos of both splits.

    Raises:
        AnnotationError: There is no training split, it has no anomalous second, or it is (in part) what is judged.
        VideoError: No file can be used.
    """
    judged_videos, training = read_videos(settings, settings.split), read_videos(settings, "train")
    require_unseen(Threshold(0.0, 0.0, frozenset(item.video for item in training)), [v.video for v in judged_videos])
    kept = Kept(settings.out, INPUTS)
    learnt = _curves(training, locate(training, folder, annotations=settings.annotations), kept, "threshold")
    found = [item for item in training if item.video in learnt.curves]
    truth = judge(found, learnt.lengths, settings).truth
    threshold = choose_threshold([learnt.curves[video] for video in truth.durations], truth)
    seen = _curves(judged_videos, locate(judged_videos, folder, annotations=settings.annotations), kept, "motion")
    require_unseen(threshold, seen.curves)
    judged = judge(judged_videos, seen.lengths, settings)
    ranks = sorted(np.concatenate([curve.values for curve in learnt.curves.values()]).tolist())
    durations = judged.truth.durations
    predictions = {
        video: _prediction(curve, threshold.value, ranks, durations[video]) for video, curve in seen.curves.items()
    }
    outcome = Outcome(predictions, seen.lengths, seen.faults, seen.seconds)
    return MotionResult(outcome, judged, threshold, len(training) - len(found))


def _curves(videos: Sequence[AnnotatedVideo], files: Mapping[str, Path], kept: Kept, task_name: str) -> Curves:
    curves, lengths, faults = {}, {}, {}
    seconds = 0.0
    with step_progress() as bar:
        task = bar.add_task(task_name, total=len(files), note="")
        for item in videos:
            path = files.get(item.video)
            if path is None:
                continue
            bar.update(task, note=item.video)
            digest = digest_of(path)
            found = _from_record(item.video, kept.get(item.video, digest))
            if found is None:
                try:
                    found = _timed(item.video, path)
                except VIDEO_FAULTS as error:
                    faults[item.video] = reason_of(error)
                    logger.warning("%s: %s", item.video, faults[item.video])
                    bar.advance(task)
                    continue
                kept.put(item.video, digest, _record(*found))
            curve, took = found
            curves[item.video], seconds = curve, seconds + took
            lengths[item.video] = VideoLength(round(curve.duration_s * FPS), curve.cut)
            bar.advance(task)
    if not curves:
        raise VideoError(f"none of the {len(files)} videos can be used; the first: {next(iter(faults.values()), '-')}")
    return Curves(curves, lengths, faults, seconds)


def _timed(video: str, path: Path) -> tuple[MotionCurve, float]:
    """A curve and the seconds that it took."""
    begun = time.monotonic()
    curve = motion_curve(path, video=video)
    return curve, time.monotonic() - begun


def _record(curve: MotionCurve, took: float) -> dict[str, Any]:
    values = [float(value) for value in curve.values]
    return {"values": values, "duration_s": curve.duration_s, "cut": curve.cut, "seconds": took}


def _from_record(video: str, record: Any) -> tuple[MotionCurve, float] | None:
    """A kept curve; None where there is none, or what is there is no curve."""
    try:
        values = np.array(record["values"], np.float32)
        duration, took, cut = float(record["duration_s"]), float(record["seconds"]), record["cut"]
        sane = values.shape == (math.ceil(duration),) and ((values >= 0) & (values <= 1)).all() and took >= 0
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
    if not sane or not (cut is None or isinstance(cut, str)):
        return None
    return MotionCurve(video, values, duration, cut), took


def _prediction(curve: MotionCurve, threshold: float, ranks: Sequence[float], duration_s: float) -> Prediction:
    found = (item for item in detect([curve], threshold) if item.start_s < duration_s)
    segments = tuple(PredictedSegment(Segment(item.start_s, min(item.end_s, duration_s)), item.score) for item in found)
    return Prediction(curve.video, segments, curve=_ranked(curve.values, ranks, math.ceil(duration_s)))


def _ranked(values: F32, ranks: Sequence[float], seconds: int) -> tuple[float, ...]:
    """Part of the training seconds that move less than each second; 0 behind the end of a cut file."""
    places = [(bisect_left(ranks, value) + bisect_right(ranks, value)) / (2 * len(ranks)) for value in values.tolist()]
    return tuple(places[:seconds] + [0.0] * (seconds - len(places)))
