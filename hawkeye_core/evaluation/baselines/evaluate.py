"""Entry point of baselines: ``hawkeye eval --model hf:NAME`` and ``hawkeye eval --model motion-energy``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from hawkeye_core import __version__
from hawkeye_core.answers.parse import Status
from hawkeye_core.datasets.source import Remark
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.baselines.annotated import locate, read_videos
from hawkeye_core.evaluation.baselines.kept import Kept
from hawkeye_core.evaluation.baselines.outcome import Outcome
from hawkeye_core.evaluation.baselines.settings import HF, MOTION
from hawkeye_core.evaluation.baselines.truth import Judged, judge
from hawkeye_core.evaluation.command import command_of
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.folder import write_protocol
from hawkeye_core.evaluation.frame_ranking import rank_frames
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.protocol import Protocol
from hawkeye_core.evaluation.result import EvalResult, score_row
from hawkeye_core.evaluation.result_files import protocol, trivial_rows, write_results
from hawkeye_core.training.record import environment, git_commit

CODE = 1
"""Of what is kept: raised when the same settings give other answers."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """A baseline's outcome with what is told about it."""

    name: str
    outcome: Outcome
    judged: Judged
    system: str
    remarks: tuple[Remark, ...] = ()


def evaluate_baseline(settings: EvalSettings) -> EvalResult:
    """Run a baseline on the videos of ``settings.videos`` and score it beside the rows that need no model.

    Writes what the evaluation of a run writes, and keeps each video's result in ``kept/``: the same command goes on
    where a killed one stood. A video without a file, or with one that cannot be used, counts as missed.

    Raises:
        HawkeyeError, StoreError: An input is missing or wrong, or no video can be used.
    """
    if settings.model is None or settings.videos is None:
        raise ConfigError("`model` or `videos` is not set", remedy="give --model NAME and --videos FOLDER")
    scored = _motion(settings, settings.videos) if settings.model == MOTION else _text_model(settings, settings.videos)
    return _write(scored, settings)


def _motion(settings: EvalSettings, folder: str) -> _Scored:
    from hawkeye_core.evaluation.baselines.motion import run_motion

    found = run_motion(settings, folder)
    chosen = found.threshold
    without = f" ({found.without} more cannot be used)" if found.without else ""
    system = (
        f"motion energy above {chosen.value:.6g}, which gives the highest F2 ({100 * chosen.f2:.1f}) on the "
        f"{len(chosen.videos)} training videos{without}"
    )
    return _Scored("motion energy", found.outcome, found.judged, system)


def _text_model(settings: EvalSettings, folder: str) -> _Scored:
    import torch

    from hawkeye_core.evaluation.baselines.answers import answer_videos
    from hawkeye_core.evaluation.baselines.loading import identity, load_video_text
    from hawkeye_core.evaluation.baselines.prompt import question_of
    from hawkeye_core.evaluation.baselines.text_model import TextModel

    name, asked = str(settings.model).removeprefix(HF), settings.baseline
    videos = read_videos(settings, settings.split)
    files = locate(videos, folder, annotations=settings.annotations)  # before a model is loaded
    device = "cuda" if settings.device == "auto" and torch.cuda.is_available() else "cpu"
    loaded = load_video_text(name, revision=asked.revision, template=asked.prompt_template, device=device)
    question = question_of(asked)
    model = TextModel(loaded, question=question, template=asked.prompt_template, max_new_tokens=settings.max_new_tokens)
    inputs: dict[str, Any] = {
        "system": identity(name, loaded), "code": CODE, "dtype": str(loaded.model.dtype), "device": device,
        "max_new_tokens": settings.max_new_tokens, "prompt": model.prompt(1.0), **asked.model_dump(),
        "question": question, "versions": environment(),
    }  # fmt: skip
    outcome = answer_videos(files, model, Kept(settings.out, inputs), asked)
    windows = "the whole video at once" if asked.window_s is None else f"windows of {asked.window_s:g} s"
    system = (
        f"{name}, {type(loaded.model).__name__}, {str(loaded.model.dtype).removeprefix('torch.')} on {device}, "
        f"{asked.frames} frames of {windows}, asked: {question!r}, read as {asked.parser}"
    )
    return _Scored(Path(name).name[:40], outcome, judge(videos, outcome.lengths, settings), system)


def _write(scored: _Scored, settings: EvalSettings) -> EvalResult:
    outcome, judged = scored.outcome, scored.judged
    truth = judged.truth
    predictions = [outcome.predictions[video] for video in truth.durations if video in outcome.predictions]
    detections = [
        Detection(item.video, one.segment.start_s, one.segment.end_s, 1.0 if one.score is None else one.score)
        for item in predictions
        for one in item.segments
    ]
    statuses = Counter(answer.status for item in predictions for answer in item.answers)
    name = settings.name or scored.name
    minutes = sum(truth.durations[item.video] for item in predictions) / 60
    missing = tuple(video for video in truth.durations if video not in outcome.predictions)
    result = EvalResult(
        rows=(score_row(name, detections, truth), *trivial_rows(truth, seed=settings.seed)),
        protocol=protocol(truth, settings, system=f"lengths of the files; {scored.system}"),
        marks=(),
        unparsed_rate=statuses["unparsed"] / statuses.total() if statuses else math.nan,
        statuses={status: statuses[status] for status in get_args(Status)},
        seconds_per_minute=outcome.seconds / minutes if minutes else None,
        inference="from video files",
        missing=missing,
        frames=tuple(rank_frames(predictions, detections, truth)),
        remarks=_told(missing, outcome.faults, judged.remarks),
    )
    written = write_results(result, predictions, settings.out)
    write_protocol(settings.out, _protocol(name, judged, settings))
    return written


def _told(missing: Sequence[str], faults: Mapping[str, str], remarks: Sequence[Remark]) -> dict[str, int]:
    counts = Counter(f"{remark.deed}: {remark.rule}" for remark in remarks)
    counts["note: no file (counted as missed)"] = sum(video not in faults for video in missing)
    counts["note: file cannot be used (counted as missed)"] = sum(video in faults for video in missing)
    return {rule: count for rule, count in counts.items() if count}


def _protocol(name: str, judged: Judged, settings: EvalSettings) -> Protocol:
    return Protocol(
        name=name,
        kind="baseline",
        annotations=settings.annotations,
        split=settings.split,
        videos=judged.videos,
        checkpoint=settings.model,
        store=settings.store,
        command=command_of(settings, options=("model", "videos", "annotations", "out")),
        git_commit=git_commit(Path(__file__).parent),
        versions={"hawkeye": __version__, **environment()},
        inputs={Path(settings.annotations).name: sha256_of(settings.annotations)},
    )
