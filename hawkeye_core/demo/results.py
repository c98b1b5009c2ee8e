"""Results of all systems on the held-out videos, and how sure the differences are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feature_store.store import FeatureStore
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.demo.systems import HAWKEYE, System, systems
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.evaluation.bootstrap import Difference, Resampled, compare, draw_videos, resample
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.result import Row, Truth, score_row
from hawkeye_core.evaluation.run import PREDICTIONS
from hawkeye_core.evaluation.trivial import all_positive, random_clips
from hawkeye_core.training.annotations import of_split, read_annotations


@dataclass(frozen=True, slots=True)
class Compared:
    """Hawkeye-tiny minus another row, on the same drawn videos."""

    name: str
    f2: Difference
    mean_ap: Difference


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the tables say.

    Args:
        truth: Of the held-out videos.
        detections: By name of the row.
        rows: In the order of the table, Hawkeye-tiny first.
        compared: Hawkeye-tiny against every other row.
    """

    truth: Truth
    detections: Mapping[str, Sequence[Detection]]
    rows: tuple[Row, ...]
    compared: tuple[Compared, ...]


def read_results(settings: DemoSettings) -> Results:
    """Read the predictions of all systems and score them.

    Raises:
        HawkeyeError: Predictions are missing or damaged.
    """
    truth = held_out_truth(settings)
    known = systems(oracle=settings.oracle)
    found = {system.name: read_detections(settings, system) for system in known}
    found["all positive"] = all_positive(in_drawn_order(truth.durations, seed=settings.seed))
    found["random 1 s clips"] = random_clips(truth.durations, seed=settings.seed)
    # Equal scores in the order in which the bootstrap has them, so that rows and differences agree.
    rows = tuple(score_row(name, detections, truth, orders=0) for name, detections in found.items())
    counts = draw_videos(len(truth.durations), seed=settings.seed)
    drawn = {name: resample(detections, truth, counts) for name, detections in found.items()}
    first = drawn[HAWKEYE.name]
    compared = tuple(_compare(name, first, other) for name, other in drawn.items() if name != HAWKEYE.name)
    return Results(truth, found, rows, compared)


def in_drawn_order(durations: Mapping[str, float], *, seed: int) -> dict[str, float]:
    """The videos in a drawn order: segments of equal scores count in the order given, and a world lists anomalous
    videos together, which would be worth several points of mAP.
    """
    names = list(durations)
    return {names[i]: durations[names[i]] for i in np.random.default_rng(seed).permutation(len(names))}


def held_out_truth(settings: DemoSettings) -> Truth:
    """Durations and segments of the test videos."""
    store = FeatureStore.open(settings.paths.store(HAWKEYE.graphs))
    annotations = of_split(read_annotations(settings.paths.segments), "test")
    durations = {item.video: store.n_frames(item.video) / store.source(item.video).fps for item in annotations}
    segments = {
        item.video: [(s.start_s, min(s.end_s, durations[item.video])) for s in item.timeline()] for item in annotations
    }
    return Truth(durations, segments)


def read_detections(settings: DemoSettings, system: System) -> list[Detection]:
    """Predicted segments of a system.

    Raises:
        HawkeyeError: They are missing or damaged.
    """
    path = Path(settings.paths.evaluation(system.key)) / PREDICTIONS
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [
            Detection(line["video"], float(item["start_s"]), float(item["end_s"]), float(item["score"]))
            for line in lines
            for item in line["segments"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HawkeyeError(f"no predictions: {error}", path=path, remedy="run `make demo` again") from error


def _compare(name: str, first: Resampled, other: Resampled) -> Compared:
    return Compared(name, compare(first.f2, other.f2), compare(first.mean_ap, other.mean_ap))
