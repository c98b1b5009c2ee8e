"""Predictions of any system against the annotations, without a model: ``hawkeye eval --predictions``."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from hawkeye_core import __version__
from hawkeye_core.answers.parse import Status
from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.source import Remark, merged
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError
from hawkeye_core.evaluation.command import command_of
from hawkeye_core.evaluation.config import ClipSettings, EvalSettings
from hawkeye_core.evaluation.folder import write_protocol
from hawkeye_core.evaluation.frame_ranking import rank_frames
from hawkeye_core.evaluation.importers import STYLES, Style, clip_segments, read_clip
from hawkeye_core.evaluation.metrics import Detection
from hawkeye_core.evaluation.prediction_files import read_predictions
from hawkeye_core.evaluation.prediction_records import Answer, PredictedSegment, Prediction
from hawkeye_core.evaluation.protocol import Protocol
from hawkeye_core.evaluation.result import EvalResult, Truth, score_row
from hawkeye_core.evaluation.result_files import protocol, trivial_rows, write_results
from hawkeye_core.evaluation.text_files import ClipText, VideoText, read_clips, read_texts
from hawkeye_core.evaluation.truth_files import Annotated, read_truth

UNITS = {"hawkeye": "answers", "clips": "clips"}
"""What is counted as an answer; of texts the texts."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Predictions of videos that are evaluated.

    Args:
        predictions: Inside their videos.
        left_out: Predicted videos that are annotated but not evaluated.
        remarks: What was changed or dropped.
    """

    predictions: tuple[Prediction, ...]
    left_out: int
    remarks: tuple[Remark, ...] = ()


def evaluate_predictions(settings: EvalSettings) -> EvalResult:
    """Score ``settings.predictions`` beside the rows that need no model.

    Writes what the evaluation of a run writes; the predictions as they were scored.

    Raises:
        HawkeyeError, StoreError: A file is missing or wrong, a prediction is of a video that is not annotated or
            occurs twice, or the length of a video is not known.
    """
    if settings.predictions is None:
        raise AnnotationError("`predictions` is not set", remedy="give --predictions FILE")
    annotated = read_truth(settings)
    imported = import_predictions(settings.predictions, annotated, settings)
    truth = annotated.truth
    scored = any(segment.score is not None for item in imported.predictions for segment in item.segments)
    ranking = "ranked by their scores" if scored else "without scores"
    detections = _detections(imported.predictions, truth)
    name = settings.name or Path(settings.predictions).stem[:40]
    row = score_row(name, detections, truth)
    statuses = Counter(answer.status for item in imported.predictions for answer in item.answers)
    said = {item.video for item in imported.predictions}
    result = EvalResult(
        rows=(row, *trivial_rows(truth, seed=settings.seed)),
        protocol=protocol(truth, settings, system=_system(settings, annotated, ranking)),
        marks=(),
        unparsed_rate=statuses["unparsed"] / statuses.total() if statuses else math.nan,
        statuses={status: statuses[status] for status in get_args(Status)},
        seconds_per_minute=None,
        unit=UNITS.get(settings.format, "texts"),
        missing=tuple(video for video in truth.durations if video not in said),
        left_out=imported.left_out,
        remarks=dict(Counter(f"{remark.deed}: {remark.rule}" for remark in imported.remarks)),
        frames=tuple(rank_frames(imported.predictions, detections, truth)),
    )
    written = write_results(result, imported.predictions, settings.out)
    write_protocol(settings.out, _protocol(name, annotated, settings))
    return written


def _protocol(name: str, annotated: Annotated, settings: EvalSettings) -> Protocol:
    """Predictions that somebody else made are a baseline, whoever that is."""
    files = [Path(settings.annotations), *(path for path in [Path(str(settings.predictions))] if path.is_file())]
    return Protocol(
        name=name,
        kind="baseline",
        annotations=settings.annotations,
        split=settings.split,
        videos=annotated.videos,
        store=settings.store,
        command=command_of(settings, options=("predictions", "annotations", "store", "out")),
        versions={"hawkeye": __version__},
        inputs={path.name: sha256_of(path) for path in files},
    )


def import_predictions(path: str, annotated: Annotated, settings: EvalSettings) -> Imported:
    """Read predictions of any form.

    Raises:
        AnnotationError: As :func:`evaluate_predictions`.
    """
    durations = annotated.truth.durations
    if settings.format == "hawkeye":
        found = read_predictions(path)
        _check_known(((item.video, path) for item in found), annotated)
        for item in found:
            _check_curve(item, durations, path)
        fitted = [_fitted(item, durations[item.video]) for item in found if item.video in durations]
        remarks = [remark for _, said in fitted for remark in said]
        return Imported(tuple(item for item, _ in fitted), len(found) - len(fitted), tuple(remarks))
    if settings.format == "clips":
        clips = read_clips(path)
        _check_known(((item.video, item.where) for item in clips), annotated)
        return _from_clips(clips, durations, settings.clips)
    texts = read_texts(path)
    _check_known(((item.video, item.where) for item in texts), annotated)
    return _from_texts(texts, durations, settings.format)


def _from_texts(texts: Sequence[VideoText], durations: Mapping[str, float], style: Style) -> Imported:
    by_video: dict[str, list[VideoText]] = defaultdict(list)
    for text in texts:
        twin = next((item for item in by_video[text.video] if _twice(item, text)), None)
        if twin is not None:
            raise AnnotationError(f"video {text.video!r} has a second answer", path=text.where,
                                  remedy=f"keep one; the other is {twin.where}")  # fmt: skip
        by_video[text.video].append(text)
    predictions = []
    for video in (video for video in by_video if video in durations):
        answers, segments = [], []
        for item in by_video[video]:
            start, end = item.start_s or 0.0, min(item.end_s or math.inf, durations[video])
            if start >= end:
                raise AnnotationError(f"was asked about {start} s on of {end} s of {video!r}", path=item.where,
                                      remedy="correct start_s and end_s: seconds of the video")  # fmt: skip
            parsed = STYLES[style](item.text, duration_s=end - start)
            answers.append(Answer(start, end, parsed.status, item.text))
            segments += [segment.shifted(start) for segment in parsed.segments]
        predictions.append(Prediction(video, _unscored(_as_said(segments, len(answers))), tuple(answers)))
    return Imported(tuple(predictions), len(by_video) - len(predictions))


def _from_clips(clips: Sequence[ClipText], durations: Mapping[str, float], settings: ClipSettings) -> Imported:
    by_video: dict[str, dict[int, ClipText]] = defaultdict(dict)
    for clip in clips:
        number = clip.number - settings.first
        if number < 0:
            raise AnnotationError(f"video {clip.video!r} has a clip {clip.number}; clips are said to begin with "
                                  f"{settings.first}", path=clip.where, remedy="give clips.first=0")  # fmt: skip
        if number in by_video[clip.video]:
            raise AnnotationError(f"clip {clip.number} of video {clip.video!r} occurs a second time", path=clip.where,
                                  remedy="keep one of them")  # fmt: skip
        by_video[clip.video][number] = clip
    predictions: list[Prediction] = []
    remarks: list[Remark] = []
    for video in (video for video in by_video if video in durations):
        said = {
            number: read_clip(clip.text, yes=settings.yes, no=settings.no) for number, clip in by_video[video].items()
        }
        segments, found = clip_segments(said, video=video, duration_s=durations[video], length_s=settings.length_s)
        answers = [
            _clip_answer(by_video[video][number], said[number], number * settings.length_s, durations[video], settings)
            for number in sorted(said)
            if number * settings.length_s < durations[video]  # the others are dropped, and remarked on
        ]
        predictions.append(Prediction(video, _unscored(segments), tuple(answers)))
        remarks += found
    return Imported(tuple(predictions), len(by_video) - len(predictions), tuple(remarks))


def _clip_answer(clip: ClipText, said: bool | None, start_s: float, end_s: float, settings: ClipSettings) -> Answer:
    status: Status = "unparsed" if said is None else "ok" if said else "empty"
    return Answer(start_s, min(start_s + settings.length_s, end_s), status, clip.text)


def _twice(first: VideoText, second: VideoText) -> bool:
    """Whether two answers about a video are about the same part of it, or one of them is about all of it."""
    return None in (first.start_s, second.start_s) or (first.start_s, first.end_s) == (second.start_s, second.end_s)


def _as_said(segments: Iterable[Segment], answers: int) -> Iterable[Segment]:
    """Segments of several windows as one timeline, as those of a model are (what touches is one); else as they are."""
    return merged(segments) if answers > 1 else segments


def _unscored(segments: Iterable[Segment]) -> tuple[PredictedSegment, ...]:
    return tuple(PredictedSegment(segment) for segment in segments)


def _fitted(prediction: Prediction, duration_s: float) -> tuple[Prediction, list[Remark]]:
    """The segments inside their video, each on its own: proposals may overlap."""
    kept, remarks = [], []
    for item in prediction.segments:
        one = item.segment
        detail = f"{one.start_s:.3f} to {one.end_s:.3f} of {duration_s:.3f} s"
        if one.start_s >= duration_s:
            remarks.append(Remark("dropped", "segment behind the video", prediction.video, detail))
            continue
        if one.end_s > duration_s:
            remarks.append(Remark("clipped", "ends behind the video", prediction.video, detail))
            item = replace(item, segment=replace(one, end_s=duration_s))
        kept.append(item)
    return replace(prediction, segments=tuple(kept)), remarks


def _check_curve(prediction: Prediction, durations: Mapping[str, float], path: str) -> None:
    """A curve has one value for each second that its video has begun."""
    if prediction.curve is None or prediction.video not in durations:
        return
    duration, found = durations[prediction.video], len(prediction.curve)
    if found != math.ceil(duration):
        raise AnnotationError(
            f"the curve of {prediction.video!r} has {found} values; the video lasts {duration:.3f} s, which are "
            f"{math.ceil(duration)}",
            path=path,
            remedy="give one value a second of the video, the last one for what remains",
        )


def _check_known(named: Iterable[tuple[str, str]], annotated: Annotated) -> None:
    strangers = {video: where for video, where in named
                 if video not in annotated.truth.durations and video not in annotated.others}  # fmt: skip
    if strangers:
        first = ", ".join(map(repr, list(strangers)[:3])) + (", ..." if len(strangers) > 3 else "")
        raise AnnotationError(f"{len(strangers)} predicted videos are not annotated: {first}",
                              path=next(iter(strangers.values())),
                              remedy="name the videos as the annotations do, or take these out")  # fmt: skip


def _detections(predictions: Sequence[Prediction], truth: Truth) -> list[Detection]:
    """In the order of the annotations, whatever that of the file; segments without scores are all equal."""
    by_video = {item.video: item.segments for item in predictions}
    return [
        Detection(video, item.segment.start_s, item.segment.end_s, 1.0 if item.score is None else item.score)
        for video in truth.durations
        for item in by_video.get(video, ())
    ]


def _system(settings: EvalSettings, annotated: Annotated, ranking: str) -> str:
    path = Path(str(settings.predictions))
    digest = f" (SHA-256 {sha256_of(path)[:12]})" if path.is_file() else ""
    kind = f"{settings.sentiment}; " if settings.sentiment else ""
    made = f"; {'; '.join(annotated.protocols)}" if annotated.protocols else ""
    return f"{kind}lengths {annotated.lengths}{made}; predictions {path.name}{digest}, {settings.format}, {ranking}"
