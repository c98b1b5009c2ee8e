"""Windows to answers to segments: prediction of whole videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.render import NO_SEGMENT, render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.evaluation.anomaly_curve import frame_curve, window_curve
from hawkeye_core.evaluation.by_second import BySecond
from hawkeye_core.evaluation.guided import guided_answers
from hawkeye_core.evaluation.probe_windows import probe_windows
from hawkeye_core.evaluation.read_answer import read_answer
from hawkeye_core.evaluation.router_weights import window_router
from hawkeye_core.evaluation.spent import ANSWER, PROBE, READ, Spent
from hawkeye_core.evaluation.window_answers import VideoPrediction, WindowAnswer, join_windows
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.opening import Opening
from hawkeye_core.model.outputs import Generated
from hawkeye_core.training.build import max_length
from hawkeye_core.training.collate import Collator, PromptBatch
from hawkeye_core.training.windows import WindowDataset, WindowSample, WindowSpec

__all__ = ["Predictor", "VideoPrediction", "WindowAnswer", "batches", "predict_videos"]


class Known(Protocol):
    """Answers of an earlier run, and where new ones are kept (:mod:`.kept_predictions`)."""

    def get(self, spec: WindowSpec) -> WindowAnswer | None:
        """The answer to a window, if it is known."""

    def add(self, answers: Mapping[WindowSpec, WindowAnswer]) -> None:
        """Keep new answers."""


class Predictor:
    """Answers windows in batches, greedily; the same inputs give the same answers.

    Args:
        model: In evaluation mode.
        tokenizer: Of its language model.
        max_new_tokens: Longest answer.
        autocast: Makes the context that the model runs in, such as ``Accelerator.autocast``.
        presence: Probability of an anomaly from which a window is answered with segments, whose scores are then
            multiplied by it; none: what the model finds likelier.
        curve: Whether it is also asked about every second.
        curve_threshold: From which a frame's smoothed score is in a segment: the dense head says when, the language
            model what (:mod:`.guided`); none: the times are those of the answer's text.

    Raises:
        ConfigError: ``presence`` is set and the tokenizer begins both answers alike, or ``curve_threshold`` is and the
            model has no dense head.
    """

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, max_new_tokens: int,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext, presence: float | None = None,
        curve: bool = False, curve_threshold: float | None = None,
    ) -> None:  # fmt: skip
        if curve_threshold is not None and model.dense is None:
            raise ConfigError(
                "`curve_threshold` takes times from the dense head, which this model does not have",
                remedy="leave it out, or train with model.dense_head=true",
            )
        self.autocast = autocast
        self.model = model
        self.tokenizer = tokenizer
        self.max_new_tokens = max_new_tokens
        self.collate = Collator(tokenizer, scene_token_id=model.scene_token_id, max_length=max_length(model.config))
        self.presence = presence
        self.none = _first_of_none(self.collate) if presence is not None else -1
        self.curve = curve
        self.curve_threshold = curve_threshold
        self.spent = Spent()

    def answer(self, samples: Sequence[WindowSample]) -> list[WindowAnswer]:
        """The model's answers to some windows.

        Raises:
            ConfigError: A window, with the answer or a probe, is longer than the language model takes.
            WeightsError: What the model gives is no number.
        """
        if self.curve_threshold is not None:
            return self._guided(samples, self.curve_threshold)
        with self.spent.on(ANSWER):
            batch = self.collate.prompts(samples, room=self.max_new_tokens)
            device = self.model.device
            with self.autocast():
                generated = self.model.generate(
                    batch["input_ids"].to(device), batch["attention_mask"].to(device), batch["scene"].to(device),
                    max_new_tokens=self.max_new_tokens, eos_token_id=int(self.tokenizer.eos_token_id),
                    pad_token_id=int(self.tokenizer.pad_token_id),
                    opening=None if self.presence is None else Opening(self.none, threshold=self.presence),
                )  # fmt: skip
            said = list(zip(generated.token_ids.tolist(), generated.probabilities.tolist(), strict=True))
        curves: list[BySecond | None] = [None] * len(samples)
        if self.curve:
            with self.spent.on(PROBE):
                curves = [*self._curves(batch, generated, samples)]
        _require_numbers(generated.probabilities, samples[0].spec)
        return [
            self.read_answer(sample.spec, *said[row], curve=curves[row], weights=_of_row(generated.weights, row))
            for row, sample in enumerate(samples)
        ]

    def _guided(self, samples: Sequence[WindowSample], threshold: float) -> list[WindowAnswer]:
        """Answers with times from the dense head, on the clock of the video."""
        specs = [sample.spec for sample in samples]
        with self.spent.on(ANSWER), self.autocast():
            found = guided_answers(
                self.model, self.tokenizer, self.collate, self.collate.prompts(samples, room=self.max_new_tokens),
                specs, threshold=threshold, max_new_tokens=self.max_new_tokens,
            )  # fmt: skip
        _require_numbers(found.scores, specs[0])
        scores = found.scores.tolist()
        return [
            WindowAnswer(
                video=spec.video,
                start_s=spec.start_s,
                end_s=spec.start_s + spec.duration_s,
                text=answer.text,
                status=answer.status,
                segments=tuple(replace(one, segment=one.segment.shifted(spec.start_s)) for one in answer.segments),
                curve=frame_curve(spec, scores[row]) if self.curve else None,
                router=None if found.weights is None else window_router(spec, found.weights[row]),
            )
            for row, (spec, answer) in enumerate(zip(specs, found.answers, strict=True))
        ]

    def _curves(self, batch: PromptBatch, generated: Generated, samples: Sequence[WindowSample]) -> list[BySecond]:
        """By the dense head, if the model has one, else by probes."""
        specs = [sample.spec for sample in samples]
        if self.model.dense is None:
            with self.autocast():
                probed = probe_windows(self.model, self.collate, batch, generated, specs).tolist()
            return [window_curve(spec, row) for spec, row in zip(specs, probed, strict=True)]
        device = self.model.device
        with self.autocast():
            scores = self.model.frame_scores(
                batch["input_ids"].to(device), batch["attention_mask"].to(device), batch["scene"].to(device),
                hidden=None if generated.kept is None else generated.kept.hidden,
            )  # fmt: skip
        return [frame_curve(spec, row) for spec, row in zip(specs, scores.tolist(), strict=True)]

    def read_answer(
        self, spec: WindowSpec, ids: list[int], probabilities: list[float], *, curve: BySecond | None,
        weights: Tensor | None,
    ) -> WindowAnswer:  # fmt: skip
        """What the model said about a window; see :func:`.read_answer.read_answer`."""
        factor = 1.0 if self.presence is None else probabilities[0]
        return read_answer(self.tokenizer, spec, ids, probabilities, factor=factor, curve=curve, weights=weights)

    def videos(
        self, data: WindowDataset, *, batch_size: int, on_window: Callable[[int], None] = lambda done: None,
        known: Known | None = None,
    ) -> Iterator[VideoPrediction]:  # fmt: skip
        """Predictions of all videos of a data set, in its order.

        Windows of like length are answered together, whatever their videos; only the features of one batch are held.
        A batch is answered whole unless all of its answers are known: so its windows are padded as ever, and a run
        that was interrupted gives the same bytes.

        Args:
            data: Windows, those of a video one after another.
            batch_size: Windows answered together.
            on_window: Called with the number of windows that were just answered.
            known: Answers of an earlier run.
        """
        found: dict[WindowSpec, WindowAnswer] = {}
        for batch in batches([spec.stop - spec.start for spec in data.specs], batch_size=batch_size):
            specs = [data.specs[index] for index in batch]
            seconds = sum(spec.duration_s for spec in specs)
            before = {spec: answer for spec in specs if known and (answer := known.get(spec))}
            if len(before) == len(specs):
                self.spent.known_s += seconds
            else:
                with self.spent.on(READ):
                    samples = [data[index] for index in batch]
                before = dict(zip(specs, self.answer(samples), strict=True))
                self.spent.answered_s += seconds
                if known is not None:
                    known.add(before)
            found |= before
            on_window(len(batch))
        windows: dict[str, list[WindowSpec]] = {video: [] for video in data.timelines}
        for spec in data.specs:
            windows[spec.video].append(spec)
        for specs in windows.values():
            yield join_windows(specs, [found[spec] for spec in specs])


def batches(lengths: Sequence[int], *, batch_size: int) -> list[list[int]]:
    """Places of windows that are answered together: of like length, and the longest first, so that a batch that is too
    large for the memory is the first one.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    return [order[begin : begin + batch_size] for begin in range(0, len(order), batch_size)]


def predict_videos(
    predictor: Predictor, data: WindowDataset, *, batch_size: int, on_window: Callable[[int], None] = lambda done: None,
    known: Known | None = None,
) -> list[VideoPrediction]:  # fmt: skip
    """All predictions; ``predictor.spent`` then says what they took."""
    with torch.inference_mode():
        return list(predictor.videos(data, batch_size=batch_size, on_window=on_window, known=known))


def _require_numbers(values: Tensor, spec: WindowSpec) -> None:
    if not values.isfinite().all():
        raise WeightsError(
            f"the model's answer to frames {spec.start} on of {spec.video!r} is no number",
            remedy="its weights or the stored features are damaged; train again, or evaluate another checkpoint",
        )


def _of_row(weights: Tensor | None, row: int) -> Tensor | None:
    return None if weights is None else weights[row]


def _first_of_none(collate: Collator) -> int:
    """The token that the answer "none" begins with."""
    none = collate.end_answer(NO_SEGMENT)[0]
    if none == collate.end_answer(render_answer([Segment(1.0, 2.0, "x")]))[0]:
        raise ConfigError("the tokenizer begins every answer with the same token", remedy="leave `presence` out")
    return none
