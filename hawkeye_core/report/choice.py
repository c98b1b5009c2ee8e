"""Which videos Figure 5 shows: by rule, not by taste."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hawkeye_core.evaluation.grounding import union_iou
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.per_video import mean_over_seeds
from hawkeye_core.evaluation.systems import Study

RULE = (
    "Anomalous videos in the order of the mean IoU of the first row (over its seeds), equal ones by name: the best, "
    "the worst, and evenly between them; and the normal videos of which the first row calls the largest part anomalous."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A video, and why it is shown."""

    video: str
    why: str


def choose_videos(study: Study, count: int) -> tuple[Chosen, ...]:
    """At most ``count`` videos by :data:`RULE`: one in four is normal, at least one where there are two or more."""
    ious, alarms = mean_ious(study), false_alarms(study)
    anomalous = sorted(ious, key=lambda video: (-ious[video], video))
    normal = sorted(alarms, key=lambda video: (-alarms[video], video))
    quiet = min(len(normal), max(count // 4, 1) if count > 1 or not anomalous else 0)
    loud = min(len(anomalous), count - quiet)
    quiet = min(len(normal), count - loud)
    places = np.unique(np.linspace(0, len(anomalous) - 1, loud).round().astype(int)).tolist()
    found = [Chosen(anomalous[place], _why(place, len(anomalous), ious[anomalous[place]])) for place in places]
    found += [
        Chosen(video, f"normal; {100 * alarms[video]:.1f} % of it called anomalous, number {number} of {len(normal)}")
        for number, video in enumerate(normal[:quiet], start=1)
    ]
    return tuple(found)


def mean_ious(study: Study) -> dict[str, float]:
    """IoU of predicted and true seconds of each anomalous video, mean over our seeds."""
    truths = study.truth.segments
    runs = [
        {
            video: union_iou(((d.start_s, d.end_s) for d in said.get(video, ())), truths[video])
            for video in study.anomalous
        }
        for said in _said(study)
    ]
    return mean_over_seeds(runs)


def false_alarms(study: Study) -> dict[str, float]:
    """Part of each normal video that is called anomalous, mean over our seeds."""
    normal = [video for video, segments in study.truth.segments.items() if not segments]
    runs = []
    for said in _said(study):
        whole = {video: [(0.0, study.truth.durations[video])] for video in normal}
        shares = {
            video: union_iou(((d.start_s, d.end_s) for d in said.get(video, ())), whole[video]) for video in normal
        }
        runs.append({video: 0.0 if math.isnan(share) else share for video, share in shares.items()})
    return mean_over_seeds(runs)


def _said(study: Study) -> list[dict[str, list[Detection]]]:
    found = []
    for run in study.ours.runs:
        by_video: dict[str, list[Detection]] = {}
        for item in run.detections:
            by_video.setdefault(item.video, []).append(item)
        found.append(by_video)
    return found


def _why(place: int, count: int, iou: float) -> str:
    rank = "the best" if place == 0 else "the worst" if place == count - 1 else f"number {place + 1}"
    return f"{rank} of {count} anomalous videos by mean IoU, {100 * iou:.1f} %"
