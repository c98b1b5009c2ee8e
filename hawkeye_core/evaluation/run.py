"""Entry point of evaluation: a run's checkpoint on a split of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

import torch

from feature_store.fingerprint import FAMILIES
from feature_store.store import FeatureStore
from hawkeye_core.answers.parse import Status
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.predict import Predictor, VideoPrediction, predict_videos
from hawkeye_core.evaluation.result import EvalResult, Truth, score_row
from hawkeye_core.evaluation.result_files import PREDICTIONS, protocol, trivial_rows, write_results
from hawkeye_core.evaluation.scored_predictions import evaluate_predictions
from hawkeye_core.progress import step_progress
from hawkeye_core.training.annotations import of_split, read_annotations
from hawkeye_core.training.checkpoint import load_checkpoint
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import BACKBONE
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.record import RunRecord, read_record, store_fingerprints
from hawkeye_core.training.windows import WindowDataset, require_features

__all__ = ["PREDICTIONS", "evaluate"]


def evaluate(settings: EvalSettings) -> EvalResult:
    """Predict the videos of a split and score them beside the rows that need no model; or score a predictions file.

    Writes ``predictions.jsonl``, ``predictions.parquet``, ``results.md`` and ``results.json`` into ``settings.out``.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong, or the store's features are not those of the run.
    """
    if settings.predictions is not None:
        return evaluate_predictions(settings)
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
    return write_results(result, [prediction.record() for prediction in predictions], settings.out)


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
    row = score_row(settings.name or "Hawkeye", detections, truth, note="UNTRAINED" if marks else "")
    return EvalResult(
        rows=(row, *trivial_rows(truth, seed=settings.seed)),
        protocol=protocol(truth, settings, system=_system(settings)),
        marks=marks,
        unparsed_rate=statuses["unparsed"] / statuses.total(),
        statuses={status: statuses[status] for status in get_args(Status)},
        seconds_per_minute=seconds / (sum(truth.durations.values()) / 60),
    )


def _system(settings: EvalSettings) -> str:
    presence = f"; anomalous from a probability of {settings.presence:g} on" if settings.presence is not None else ""
    return f"{settings.checkpoint} checkpoint{presence}"
