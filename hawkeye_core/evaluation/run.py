"""Entry point of evaluation: a run's checkpoint on a split of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from feature_store.store import FeatureStore
from hawkeye_core.answers.parse import Status
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.evaluation.baselines.evaluate import evaluate_baseline
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.folder import write_protocol, write_router
from hawkeye_core.evaluation.frame_ranking import rank_frames
from hawkeye_core.evaluation.kept_predictions import JOURNAL, KeptAnswers
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.predict import Predictor, VideoPrediction, predict_videos
from hawkeye_core.evaluation.result import EvalResult, Truth, score_row
from hawkeye_core.evaluation.result_files import PREDICTIONS, protocol, trivial_rows, write_results
from hawkeye_core.evaluation.run_key import answer_keys
from hawkeye_core.evaluation.run_protocol import FULL, row_of, run_protocol
from hawkeye_core.evaluation.scored_predictions import evaluate_predictions
from hawkeye_core.evaluation.spent import Spent
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import load_trainable
from hawkeye_core.progress import step_progress
from hawkeye_core.training.annotations import VideoAnnotation, of_split, read_annotations
from hawkeye_core.training.build import answering_dtype
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.locate import locate_checkpoint
from hawkeye_core.training.record import RunRecord, read_record, store_fingerprints, untrained_parts
from hawkeye_core.training.windows import WindowDataset, require_features

__all__ = ["PREDICTIONS", "evaluate"]


def evaluate(settings: EvalSettings) -> EvalResult:
    """Predict the videos of a split and score them beside the rows that need no model; or score a predictions file.

    Writes ``predictions.jsonl``, ``predictions.parquet``, ``results.md``, ``results.json``, ``protocol.json`` and, of a
    model with a router, ``router.parquet`` into ``settings.out``. Answers are kept there as they come
    (:mod:`.kept_predictions`): after an interruption the same call goes on where it stood and gives the same files.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong, or the store's features are not those of the run.
    """
    if settings.predictions is not None:
        return evaluate_predictions(settings)
    if settings.model is not None:
        return evaluate_baseline(settings)
    store = FeatureStore.open(settings.store)
    record = read_record(settings.run)
    _require_same_features(store, record, settings)
    annotations = of_split(read_annotations(settings.annotations), settings.split)
    data = _windows(store, annotations, record, settings)
    checkpoint = locate_checkpoint(settings.run, settings.checkpoint)
    model, tokenizer = _load(checkpoint, record)
    model = model.to("cuda" if settings.device == "auto" and torch.cuda.is_available() else "cpu")  # type: ignore[arg-type]
    predictor = Predictor(
        model,
        tokenizer,
        max_new_tokens=settings.max_new_tokens,
        presence=settings.presence,
        curve=settings.curve,
        curve_threshold=settings.curve_threshold,
    )
    keys = answer_keys(store, data, checkpoint, settings)
    with KeptAnswers(Path(settings.out) / JOURNAL, keys) as kept, step_progress() as bar:
        task = bar.add_task("predict", total=len(data), note="")
        predictions = predict_videos(
            predictor, data, batch_size=settings.batch_size, on_window=lambda done: bar.advance(task, done), known=kept
        )
    truth = _truth(store, data)
    name, _ = row_of(record)
    result = _result(predictions, truth, marks=untrained_parts(record), seconds=None, settings=settings, name=name)
    result = _timed(result, predictor.spent, truth)
    result = write_results(result, [prediction.record() for prediction in predictions], settings.out)
    router = {prediction.video: prediction.router for prediction in predictions if prediction.router is not None}
    if router:
        write_router(settings.out, router)
    protocol = run_protocol(
        settings, record, checkpoint=checkpoint, annotations=annotations, durations=truth.durations
    )  # fmt: skip
    write_protocol(settings.out, protocol)
    kept.remove()
    return result


def _load(checkpoint: Path, record: RunRecord) -> tuple[HawkeyeModel, PreTrainedTokenizerBase]:
    """Model and tokenizer, the frozen weights in the type they had in training."""
    trained = TrainSettings.model_validate(record.settings)
    return load_trainable(checkpoint, dtype=answering_dtype(trained)), AutoTokenizer.from_pretrained(checkpoint)


def _require_same_features(store: FeatureStore, record: RunRecord, settings: EvalSettings) -> None:
    fingerprints, _ = store_fingerprints(store)
    other = [family for family, digest in fingerprints.items() if record.fingerprints.get(family) != digest]
    if other:
        raise ConfigError(
            f"its {', '.join(other)} features are not those that {settings.run} was trained on",
            path=settings.store,
            remedy="extract with the settings of the training store, or train on this one",
        )


def _windows(
    store: FeatureStore, annotations: Sequence[VideoAnnotation], record: RunRecord, settings: EvalSettings
) -> WindowDataset:
    """Windows of the split, cut as in training."""
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


def _result(
    predictions: Sequence[VideoPrediction], truth: Truth, *, marks: tuple[str, ...], seconds: float | None,
    settings: EvalSettings, name: str = FULL,
) -> EvalResult:  # fmt: skip
    statuses = Counter(answer.status for prediction in predictions for answer in prediction.answers)
    detections = [
        Detection(prediction.video, item.segment.start_s, item.segment.end_s, item.score)
        for prediction in predictions
        for item in prediction.segments
    ]
    row = score_row(settings.name or name, detections, truth, note="UNTRAINED" if marks else "")
    return EvalResult(
        rows=(row, *trivial_rows(truth, seed=settings.seed)),
        protocol=protocol(truth, settings, system=_system(settings)),
        marks=marks,
        unparsed_rate=statuses["unparsed"] / statuses.total(),
        statuses={status: statuses[status] for status in get_args(Status)},
        seconds_per_minute=None if seconds is None else seconds / (sum(truth.durations.values()) / 60),
        frames=tuple(rank_frames([prediction.record() for prediction in predictions], detections, truth)),
    )


def _timed(result: EvalResult, spent: Spent, truth: Truth) -> EvalResult:
    """With the time by stage; what an interrupted run had answered is neither in the seconds nor in the minutes."""
    known = spent.known_s / (spent.known_s + spent.answered_s)
    minutes = sum(truth.durations.values()) / 60 * (1 - known)
    stages = {stage: seconds / minutes for stage, seconds in spent.seconds.items()} if minutes else {}
    return replace(result, seconds_per_minute=sum(stages.values()) if stages else None, stages=stages, known=known)


def _system(settings: EvalSettings) -> str:
    presence = f"; anomalous from a probability of {settings.presence:g} on" if settings.presence is not None else ""
    return f"{settings.checkpoint} checkpoint{presence}"
