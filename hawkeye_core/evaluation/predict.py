"""Windows to answers to segments: prediction of whole videos."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.parse import ParsedAnswer, Status, parse_segments
from hawkeye_core.answers.render import NO_SEGMENT, render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.prediction_records import Answer, PredictedSegment, Prediction
from hawkeye_core.evaluation.scores import ScoredSegment, merge_scored, time_score, token_spans
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.opening import Opening
from hawkeye_core.training.build import max_length
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.windows import WindowDataset, WindowSample


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """What the model said about one window, times on the clock of the video."""

    video: str
    start_s: float
    end_s: float
    text: str
    status: Status
    segments: tuple[ScoredSegment, ...]


@dataclass(frozen=True, slots=True)
class VideoPrediction:
    """Segments of one video, merged over its windows, and the answers they come from."""

    video: str
    segments: tuple[ScoredSegment, ...]
    answers: tuple[WindowAnswer, ...]

    def record(self) -> Prediction:
        """What of it is written."""
        return Prediction(
            self.video,
            tuple(PredictedSegment(item.segment, item.score) for item in self.segments),
            tuple(Answer(item.start_s, item.end_s, item.status, item.text) for item in self.answers),
        )


class Predictor:
    """Answers windows in batches, greedily; the same inputs give the same answers.

    Args:
        model: In evaluation mode.
        tokenizer: Of its language model.
        max_new_tokens: Longest answer.
        autocast: Makes the context that the model runs in, such as ``Accelerator.autocast``.
        presence: Probability of an anomaly from which a window is answered with segments, whose scores are then
            multiplied by it; none: what the model finds likelier.

    Raises:
        ConfigError: ``presence`` is set and the tokenizer begins both answers alike.
    """

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, max_new_tokens: int,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext, presence: float | None = None,
    ) -> None:  # fmt: skip
        self.autocast = autocast
        self.model = model
        self.tokenizer = tokenizer
        self.max_new_tokens = max_new_tokens
        self.collate = Collator(tokenizer, scene_token_id=model.scene_token_id, max_length=max_length(model.config))
        self.presence = presence
        self.none = _first_of_none(self.collate) if presence is not None else -1

    def answer(self, samples: Sequence[WindowSample]) -> list[WindowAnswer]:
        """The model's answers to some windows."""
        batch = self.collate.prompts(samples, room=self.max_new_tokens)
        device = self.model.device
        with self.autocast():
            generated = self.model.generate(
                batch["input_ids"].to(device), batch["attention_mask"].to(device), batch["scene"].to(device),
                max_new_tokens=self.max_new_tokens, eos_token_id=int(self.tokenizer.eos_token_id),
                pad_token_id=int(self.tokenizer.pad_token_id),
                opening=None if self.presence is None else Opening(self.none, threshold=self.presence),
            )  # fmt: skip
        rows = zip(samples, generated.token_ids.tolist(), generated.probabilities.tolist(), strict=True)
        return [self._read(sample, ids, probabilities) for sample, ids, probabilities in rows]

    def _read(self, sample: WindowSample, ids: list[int], probabilities: list[float]) -> WindowAnswer:
        eos = self.tokenizer.eos_token_id
        length = ids.index(eos) if eos in ids else len(ids)
        text, tokens = token_spans(self.tokenizer, ids[:length])
        spec = sample.spec
        parsed = parse_segments(text, duration_s=spec.duration_s)
        return WindowAnswer(
            video=spec.video,
            start_s=spec.start_s,
            end_s=spec.start_s + spec.duration_s,
            text=text,
            status=parsed.status,
            segments=_scored(
                parsed,
                tokens,
                probabilities[:length],
                offset_s=spec.start_s,
                factor=1.0 if self.presence is None else probabilities[0],
            ),
        )

    def videos(
        self, data: WindowDataset, *, batch_size: int, on_window: Callable[[int], None] = lambda done: None
    ) -> Iterator[VideoPrediction]:
        """Predictions of all videos of a data set, in its order.

        Args:
            data: Windows, those of a video one after another.
            batch_size: Windows answered together.
            on_window: Called with the number of windows that were just answered.
        """
        waiting: dict[str, list[WindowAnswer]] = {spec.video: [] for spec in data.specs}
        for start in range(0, len(data), batch_size):
            samples = [data[index] for index in range(start, min(start + batch_size, len(data)))]
            for answer in self.answer(samples):
                waiting[answer.video].append(answer)
            on_window(len(samples))
        for video, answers in waiting.items():
            merged = merge_scored(item for answer in answers for item in answer.segments)
            yield VideoPrediction(video, tuple(merged), tuple(answers))


def predict_videos(
    predictor: Predictor, data: WindowDataset, *, batch_size: int, on_window: Callable[[int], None] = lambda done: None
) -> tuple[list[VideoPrediction], float]:
    """All predictions, and the wall time in seconds from stored features to segments."""
    begun = time.monotonic()
    with torch.inference_mode():
        found = list(predictor.videos(data, batch_size=batch_size, on_window=on_window))
    return found, time.monotonic() - begun


def _scored(
    parsed: ParsedAnswer, tokens: Sequence[tuple[int, int]], probabilities: Sequence[float], *, offset_s: float,
    factor: float,
) -> tuple[ScoredSegment, ...]:  # fmt: skip
    return tuple(
        ScoredSegment(segment.shifted(offset_s), factor * time_score(spans, tokens, probabilities))
        for segment, spans in zip(parsed.segments, parsed.time_spans, strict=True)
    )


def _first_of_none(collate: Collator) -> int:
    """The token that the answer "none" begins with."""
    none = collate.end_answer(NO_SEGMENT)[0]
    if none == collate.end_answer(render_answer([Segment(1.0, 2.0, "x")]))[0]:
        raise ConfigError("the tokenizer begins every answer with the same token", remedy="leave `presence` out")
    return none
