"""Windows to answers to segments: prediction of whole videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hawkeye_core.answers.parse import ParsedAnswer, parse_segments
from hawkeye_core.answers.render import NO_SEGMENT, render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.evaluation.anomaly_curve import frame_curve, seconds_of, window_curve, window_probes
from hawkeye_core.evaluation.by_second import BySecond
from hawkeye_core.evaluation.router_weights import window_router
from hawkeye_core.evaluation.scores import ScoredSegment, time_score, token_spans
from hawkeye_core.evaluation.spent import ANSWER, PROBE, READ, Spent
from hawkeye_core.evaluation.window_answers import VideoPrediction, WindowAnswer, join_windows
from hawkeye_core.model.hawkeye import Generated, HawkeyeModel
from hawkeye_core.model.opening import Opening
from hawkeye_core.model.probes import yes_probabilities
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

    Raises:
        ConfigError: ``presence`` is set and the tokenizer begins both answers alike.
    """

    def __init__(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, max_new_tokens: int,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext, presence: float | None = None,
        curve: bool = False,
    ) -> None:  # fmt: skip
        self.autocast = autocast
        self.model = model
        self.tokenizer = tokenizer
        self.max_new_tokens = max_new_tokens
        self.collate = Collator(tokenizer, scene_token_id=model.scene_token_id, max_length=max_length(model.config))
        self.presence = presence
        self.none = _first_of_none(self.collate) if presence is not None else -1
        self.curve = curve
        self.spent = Spent()

    def answer(self, samples: Sequence[WindowSample]) -> list[WindowAnswer]:
        """The model's answers to some windows.

        Raises:
            ConfigError: A window, with the answer or a probe, is longer than the language model takes.
            WeightsError: What the model gives is no number.
        """
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
        if not generated.probabilities.isfinite().all():
            raise WeightsError(
                f"the model's answer to frames {samples[0].spec.start} on of {samples[0].spec.video!r} is no number",
                remedy="its weights or the stored features are damaged; train again, or evaluate another checkpoint",
            )
        return [
            self._read(sample.spec, *said[row], curve=curves[row], weights=_of_row(generated.weights, row))
            for row, sample in enumerate(samples)
        ]

    def _curves(self, batch: PromptBatch, generated: Generated, samples: Sequence[WindowSample]) -> list[BySecond]:
        """By the dense head, if the model has one, else by probes."""
        specs = [sample.spec for sample in samples]
        if self.model.dense is None:
            probed = self._probe(batch, generated, samples).tolist()
            return [window_curve(spec, row) for spec, row in zip(specs, probed, strict=True)]
        device = self.model.device
        with self.autocast():
            scores = self.model.frame_scores(
                batch["input_ids"].to(device), batch["attention_mask"].to(device), batch["scene"].to(device),
                embeds=generated.embeds,
            )  # fmt: skip
        return [frame_curve(spec, row) for spec, row in zip(specs, scores.tolist(), strict=True)]

    def _probe(self, batch: PromptBatch, generated: Generated, samples: Sequence[WindowSample]) -> Tensor:
        """[B, most seconds] P(yes) for each second of each window."""
        if generated.embeds is None:
            raise ValueError("a curve needs the embedded prompts of generate()")
        # Prompts are padded on the left and end alike, so all scene tokens end in one column.
        places = (batch["input_ids"] == self.collate.scene_token_id).any(0).nonzero()
        end = int(places.max()) + 1
        probes = window_probes(self.collate, max(seconds_of(sample.spec) for sample in samples))
        mask = batch["attention_mask"][:, :end].to(self.model.device)
        longest = int(mask.sum(1).max()) + probes.length
        if longest > self.collate.max_length:
            raise ConfigError(
                f"a window and a question about one of its seconds need {longest} tokens; the language model takes "
                f"{self.collate.max_length}",
                remedy="leave the curve out with curve=off, or train with shorter windows",
            )
        head = torch.tensor(probes.head, dtype=torch.long, device=self.model.device)
        with self.autocast():
            embeds = self.model.get_input_embeddings()(head).to(generated.embeds.dtype).expand(len(samples), -1, -1)
            shared = torch.cat([generated.embeds[:, :end], embeds], 1)
            shared_mask = torch.cat([mask, mask.new_ones(len(samples), len(probes.head))], 1)
            return yes_probabilities(
                self.model, shared, shared_mask, probes.tails, yes=probes.yes, no=probes.no
            )  # fmt: skip

    def _read(
        self, spec: WindowSpec, ids: list[int], probabilities: list[float], *, curve: BySecond | None,
        weights: Tensor | None,
    ) -> WindowAnswer:  # fmt: skip
        eos = self.tokenizer.eos_token_id
        length = ids.index(eos) if eos in ids else len(ids)
        text, tokens = token_spans(self.tokenizer, ids[:length])
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
            curve=curve,
            router=None if weights is None else window_router(spec, weights),
        )

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


def _of_row(weights: Tensor | None, row: int) -> Tensor | None:
    return None if weights is None else weights[row]


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
