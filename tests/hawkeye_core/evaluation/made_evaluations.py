"""Evaluation folders of made-up systems on made-up videos, with known segments."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hawkeye_core.answers.segments import Segment
from hawkeye_core.evaluation.folder import RouterWeights, write_protocol, write_router
from hawkeye_core.evaluation.prediction_files import write_jsonl, write_parquet
from hawkeye_core.evaluation.prediction_records import Answer, PredictedSegment, Prediction
from hawkeye_core.evaluation.protocol import Kind, Protocol, VideoTruth

VIDEOS: tuple[VideoTruth, ...] = (
    VideoTruth("Abuse001", 12.0, "Abuse", (Segment(2.0, 6.0, "abuse", "a man beats a dog"),)),
    VideoTruth("Arson001", 10.4, "Arson", (Segment(1.0, 3.0, "arson", "a man sets fire"), Segment(7.0, 9.0, "arson"))),
    VideoTruth("Arson002", 8.0, "Arson", (Segment(4.0, 8.0, "arson"),)),
    VideoTruth("Normal001", 9.0),
    VideoTruth("Normal002", 6.0),
)  # fmt: skip

Said = Mapping[str, Sequence[tuple[float, float]]]


def make_evaluation(
    folder: Path, name: str, said: Said, *, kind: Kind = "ours", seed: int | None = 0,
    videos: Sequence[VideoTruth] = VIDEOS, curves: bool = True, router: bool = False, scored: bool = True,
    results: Mapping[str, Any] | None = None, split: str = "test", command: str = "hawkeye eval",
    run: str | None = None,
) -> Path:  # fmt: skip
    """Write an evaluation folder; a video that ``said`` does not name has no prediction."""
    predictions = []
    for number, video in enumerate(v for v in videos if v.video in said):
        segments = tuple(
            PredictedSegment(Segment(start, end, "arson", "said"), 0.9 - 0.01 * number - 0.1 * k if scored else None)
            for k, (start, end) in enumerate(said[video.video])
        )
        seconds = math.ceil(video.duration_s)
        curve = tuple(0.9 if any(start <= k < end for start, end in said[video.video]) else 0.1 for k in range(seconds))
        answers = (Answer(0.0, video.duration_s, "ok" if segments else "empty", "what was said"),)
        predictions.append(Prediction(video.video, segments, answers, curve if curves else None))
    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(predictions, folder / "predictions.jsonl")
    write_parquet(predictions, folder / "predictions.parquet")
    (folder / "results.json").write_text(json.dumps(results or {"seconds_per_minute": 2.0, "marks": []}))
    write_protocol(folder, Protocol(
        name=name, kind=kind, seed=seed, annotations="segments.jsonl", split=split, videos=tuple(videos),
        checkpoint="last", run=run, command=command, git_commit="0" * 40, versions={"torch": "2"},
        inputs={"segments.jsonl": "a" * 64},
    ))  # fmt: skip
    if router:
        write_router(folder, {video.video: router_of(video.duration_s) for video in videos})
    return folder


def router_of(duration_s: float) -> RouterWeights:
    """Weights of two experts that change over the seconds."""
    first = 0.5 + 0.3 * np.sin(np.arange(math.ceil(duration_s)))
    weights = np.stack([first, 1 - first], 1).astype(np.float32)
    return RouterWeights(weights, weights[:, ::-1].copy())


def near_truth(shift: float = 0.0, *, videos: Sequence[VideoTruth] = VIDEOS) -> dict[str, list[tuple[float, float]]]:
    """The true segments, moved, inside their videos; normal videos have none."""
    return {
        video.video: [
            (max(0.0, s.start_s + shift), min(video.duration_s, s.end_s + shift)) for s in video.segments
        ]
        for video in videos
    }  # fmt: skip
