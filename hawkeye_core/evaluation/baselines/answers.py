"""Videos to answers to predictions: windows are decoded ahead while a model answers, and what is done is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hawkeye_core.errors import AnnotationError, VideoError
from hawkeye_core.evaluation.baselines.clips import Clip, VideoLength, clips, measure
from hawkeye_core.evaluation.baselines.kept import Kept, digest_of
from hawkeye_core.evaluation.baselines.outcome import VIDEO_FAULTS, Outcome, reason_of
from hawkeye_core.evaluation.baselines.reading import ReadAnswer, read_said
from hawkeye_core.evaluation.baselines.settings import BaselineSettings
from hawkeye_core.evaluation.baselines.text_model import Answers
from hawkeye_core.evaluation.prediction_records import PredictedSegment, Prediction, prediction_of
from hawkeye_core.evaluation.scores import merge_scored
from hawkeye_core.progress import step_progress
from hawkeye_core.video.prefetch import Prefetcher

logger = logging.getLogger(__name__)

AHEAD = 1
"""Windows decoded ahead of the model; with those in work three are in memory."""


@dataclass(frozen=True, slots=True)
class End:
    """All windows of a video were given."""

    video: str
    length: VideoLength


@dataclass(frozen=True, slots=True)
class Fault:
    """A video cannot be decoded."""

    video: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """A video that was answered."""

    prediction: Prediction
    length: VideoLength
    seconds: float


def answer_videos(files: Mapping[str, Path], model: Answers, kept: Kept, settings: BaselineSettings) -> Outcome:
    """Answers about all windows of some videos, merged on the clock of each.

    A video that cannot be decoded, or that the model refuses, is a fault of its own; the others go on. It is not kept:
    the next run tries it again.

    Args:
        files: By video.
        model: What answers.
        kept: Results of earlier runs.
        settings: Which windows and frames, and how answers are read.

    Raises:
        VideoError: Not one video could be answered.
    """
    done: dict[str, Done] = {}
    faults: dict[str, str] = {}
    with step_progress() as bar:
        task = bar.add_task("answer", total=len(files), note="")
        digests = {video: digest_of(path) for video, path in files.items()}
        for video, digest in digests.items():
            found = _kept(video, kept.get(video, digest))
            if found is not None:
                done[video] = found
        bar.advance(task, len(done))
        left = {video: path for video, path in files.items() if video not in done}
        for item in _answered(left, model, settings):
            if isinstance(item, Clip):
                bar.update(task, note=f"{item.video} {item.start_s:.0f} s")
                continue
            if isinstance(item, Fault):
                faults[item.video] = item.reason
                logger.warning("%s: %s", item.video, item.reason)
            else:
                video = item.prediction.video
                done[video] = item
                kept.put(video, digests[video], _record(item))
            bar.advance(task)
    if not done and files:
        raise VideoError(f"none of the {len(files)} videos could be answered; the first: {next(iter(faults.values()))}")
    ordered = {video: done[video] for video in files if video in done}
    return Outcome(
        {video: item.prediction for video, item in ordered.items()},
        {video: item.length for video, item in ordered.items()},
        faults,
        sum(item.seconds for item in ordered.values()),
    )


def _answered(
    files: Mapping[str, Path], model: Answers, settings: BaselineSettings
) -> Iterator[Clip | Done | Fault]:  # fmt: skip
    """Each window once it was answered, and each video's end; a fault ends its video."""
    found: list[ReadAnswer] = []
    broken = ""
    begun = time.monotonic()
    with Prefetcher(decoded(files, settings), depth=AHEAD) as items:
        for item in items:
            if isinstance(item, Clip):
                if item.video != broken:
                    try:
                        found.append(read_said(model(item), model.tokenizer, item, parser=settings.parser))
                    except VIDEO_FAULTS as error:
                        broken = item.video
                        yield Fault(item.video, reason_of(error))
                    else:
                        yield item
                continue
            if item.video != broken:
                took = time.monotonic() - begun
                yield item if isinstance(item, Fault) else Done(_merged(item.video, found), item.length, took)
            found, broken, begun = [], "", time.monotonic()


def decoded(files: Mapping[str, Path], settings: BaselineSettings) -> Iterator[Clip | End | Fault]:
    """The windows of the videos one after the other, and how each video ended."""
    for video, path in files.items():
        try:
            length = measure(path)
            yield from clips(path, video=video, frames=length.frames, count=settings.frames,
                             window_s=settings.window_s)  # fmt: skip
        except VIDEO_FAULTS as error:
            yield Fault(video, reason_of(error))
        else:
            yield End(video, length)


def _merged(video: str, found: list[ReadAnswer]) -> Prediction:
    merged = merge_scored(segment for item in found for segment in item.segments)
    segments = tuple(PredictedSegment(item.segment, item.score) for item in merged)
    return Prediction(video, segments, tuple(item.answer for item in found))


def _record(item: Done) -> dict[str, Any]:
    return {"prediction": item.prediction.record(), "frames": item.length.frames, "cut": item.length.cut,
            "seconds": item.seconds}  # fmt: skip


def _kept(video: str, record: Any) -> Done | None:
    """A kept result; None where there is none, or what is there is none."""
    try:
        prediction = prediction_of(record["prediction"], where=f"kept result of {video}")
        frames, cut, seconds = int(record["frames"]), record["cut"], float(record["seconds"])
    except (TypeError, KeyError, ValueError, OverflowError, AnnotationError):
        return None
    sane = prediction.video == video and frames > 0 and seconds >= 0 and (cut is None or isinstance(cut, str))
    return Done(prediction, VideoLength(frames, cut), seconds) if sane else None
