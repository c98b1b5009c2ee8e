"""Entry point of evaluation: a run's checkpoint on a split of a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch

from feature_store.fingerprint import FAMILIES
from feature_store.store import FeatureStore
from hawkeye_core.answers.parse import Status
from hawkeye_core.atomic import write_text
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.metrics import FPS, Detection
from hawkeye_core.evaluation.predict import Predictor, VideoPrediction, predict_videos, write_predictions
from hawkeye_core.evaluation.result import EvalResult, Row, Truth, score_row
from hawkeye_core.evaluation.trivial import all_positive, oracle_clips, random_clips
from hawkeye_core.progress import step_progress
from hawkeye_core.training.annotations import of_split, read_annotations
from hawkeye_core.training.checkpoint import load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import BACKBONE
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.record import RunRecord, read_record, store_fingerprints
from hawkeye_core.training.windows import WindowDataset, require_features

PREDICTIONS, MARKDOWN, RESULTS = "predictions.jsonl", "results.md", "results.json"


def evaluate(settings: EvalSettings) -> EvalResult:
    """Predict the videos of a split and score them beside the rows that need no model.

    Writes ``predictions.jsonl``, ``results.md`` and ``results.json`` into ``settings.out``.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong, or the store's features are not those of the run.
    """
    store = FeatureStore.open(settings.store)
    record = read_record(settings.run)
    _require_same_features(store, record, settings)
    data = _windows(store, record, settings)
    checkpoint = locate_checkpoint(settings.run, settings.checkpoint)
    model, tokenizer = load_checkpoint(checkpoint)
    model = model.to("cuda" if settings.device == "auto" and torch.cuda.is_available() else "cpu")  # type: ignore[arg-type]
    predictor = Predictor(model, tokenizer, max_new_tokens=settings.max_new_tokens, presence=settings.presence)
    with step_progress() as bar:
        task = bar.add_task("predict", total=len(data), note="")
        predictions, seconds = predict_videos(
            predictor, data, batch_size=settings.batch_size, on_window=lambda done: bar.advance(task, done)
        )
    truth = _truth(store, data)
    result = _result(predictions, truth, marks=_marks(record), seconds=seconds, settings=settings)
    return _write(result, predictions, Path(settings.out))


def _require_same_features(store: FeatureStore, record: RunRecord, settings: EvalSettings) -> None:
    fingerprints, _ = store_fingerprints(store)
    other = [family for family, digest in fingerprints.items() if record.fingerprints.get(family) != digest]
    if other:
        raise ConfigError(
            f"its {', '.join(other)} features are not those that {settings.run} was trained on",
            path=settings.store,
            remedy="extract with the settings of the training store, or train on this one",
        )


def _windows(store: FeatureStore, record: RunRecord, settings: EvalSettings) -> WindowDataset:
    """Windows of the split, cut as in training."""
    annotations = of_split(read_annotations(settings.annotations), settings.split)
    if not annotations:
        raise AnnotationError(f"has no video of split {settings.split!r}", path=settings.annotations)
    require_features(store, annotations, path=settings.annotations)
    trained = TrainSettings.model_validate(record.settings)
    return WindowDataset(store, annotations, length=trained.window_frames, hop=trained.hop_frames)


def _truth(store: FeatureStore, data: WindowDataset) -> Truth:
    durations = {video: store.n_frames(video) / store.source(video).fps for video in data.timelines}
    segments = {
        video: [(s.start_s, min(s.end_s, durations[video])) for s in timeline]
        for video, timeline in data.timelines.items()
    }
    return Truth(durations, segments)


def _marks(record: RunRecord) -> tuple[str, ...]:
    """What about a run was untrained, in words."""
    families = [family for family in FAMILIES if family in record.untrained]
    marks = [f"untrained features ({', '.join(families)})"] if families else []
    return (*marks, *(["untrained backbone"] if BACKBONE in record.untrained else []))


def _result(
    predictions: Sequence[VideoPrediction], truth: Truth, *, marks: tuple[str, ...], seconds: float,
    settings: EvalSettings,
) -> EvalResult:  # fmt: skip
    statuses = Counter(answer.status for prediction in predictions for answer in prediction.answers)
    detections = [
        Detection(prediction.video, item.segment.start_s, item.segment.end_s, item.score)
        for prediction in predictions
        for item in prediction.segments
    ]
    rows = (score_row("Hawkeye", detections, truth, note="UNTRAINED" if marks else ""), *_trivial(truth, settings.seed))
    return EvalResult(
        rows=rows,
        protocol=_protocol(truth, settings),
        marks=marks,
        unparsed_rate=statuses["unparsed"] / statuses.total(),
        statuses={status: statuses[status] for status in get_args(Status)},
        seconds_per_minute=seconds / (sum(truth.durations.values()) / 60),
    )


def _trivial(truth: Truth, seed: int) -> list[Row]:
    durations = truth.durations
    return [
        score_row("all positive", all_positive(durations), truth),
        score_row("random 1 s clips", random_clips(durations, seed=seed), truth),
        score_row("oracle 1 s clips", oracle_clips(durations, truth.segments), truth),
    ]


def _protocol(truth: Truth, settings: EvalSettings) -> str:
    count = sum(len(segments) for segments in truth.segments.values())
    return (
        f"{len(truth.durations)} videos ({sum(truth.durations.values()):.1f} s), {count} segments, split "
        f"{settings.split} of {Path(settings.annotations).name} (SHA-256 {sha256_of(settings.annotations)[:12]}); "
        f"frame metrics pooled at {FPS:g} fps, mAP as in ActivityNet; {settings.checkpoint} checkpoint"
        + (f"; anomalous from a probability of {settings.presence:g} on" if settings.presence is not None else "")
    )


def _write(result: EvalResult, predictions: Sequence[VideoPrediction], folder: Path) -> EvalResult:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in (PREDICTIONS, MARKDOWN, RESULTS)]
    result = replace(result, files=tuple(map(str, paths)))
    write_predictions(predictions, paths[0])
    for path, text in (
        (paths[1], result.to_markdown()),
        (paths[2], json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n"),
    ):
        write_text(path, text)
    return result
