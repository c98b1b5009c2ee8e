"""Evaluation during training: loss, and in stage 2 F2, on the test split, shared among the processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, send_to_device
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from feature_store.store import FeatureStore
from hawkeye_core.evaluation.metrics import FPS, FrameCounts, count_frames, f_beta, false_negative_rate, frame_mask
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.training.annotations import VideoAnnotation
from hawkeye_core.training.calibration import Calibration, fit_calibration
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.windows import WindowDataset


class HeldOut:
    """Samples of the test split. Each process takes a part of them; what they find is joined.

    Args:
        data: This process's part; may be empty.
        count: Samples or videos of all processes; 0 if there is no test split.
        settings: Of the run.
        accelerator: Joins.
    """

    def __init__(
        self, data: Dataset[Any], *, count: int, settings: TrainSettings, accelerator: Accelerator
    ) -> None:  # fmt: skip
        self.data = data
        self.count = count
        self.settings = settings
        self.accelerator = accelerator

    @torch.no_grad()
    def loss(self, model: HawkeyeModel, collate: Collator, *, between: Callable[[], None]) -> float:
        """Next-token loss, every answer token counted alike.

        Args:
            model: Unwrapped (processes have different numbers of batches), in evaluation mode.
            collate: Of the run.
            between: Called before each batch; may raise to leave.
        """
        sums = torch.zeros(2, dtype=torch.float64, device=self.accelerator.device)  # loss, tokens
        for batch in self._batches(collate):
            between()
            with self.accelerator.autocast():  # the model only: batches are made in half precision
                output = model(**send_to_device(batch, self.accelerator.device))
            sums += sums.new_tensor([output.lm_loss.item() * output.answer_tokens, output.answer_tokens])
        total, tokens = self.accelerator.reduce(sums, "sum").tolist()
        return total / tokens

    @torch.no_grad()
    def calibration(
        self, model: HawkeyeModel, collate: Collator, *, between: Callable[[], None]
    ) -> Calibration | None:  # fmt: skip
        """Of the dense head, on all frames; None where there is none or nothing to fit.

        Args:
            model: Unwrapped, in evaluation mode.
            collate: Of the run.
            between: Called before each batch; may raise to leave.
        """
        found: list[tuple[list[float], list[float]]] = []
        for batch in self._batches(collate) if model.dense is not None else ():
            between()
            batch = send_to_device(batch, self.accelerator.device)
            if (truth := batch.get("anomalous")) is None:
                continue
            mask = batch["scene"].frame_mask
            with self.accelerator.autocast():
                scores = model.frame_scores(batch["input_ids"], batch["attention_mask"], batch["scene"])
            found.append((scores[mask].float().tolist(), truth[mask].float().tolist()))
        found = gather_object(found)
        return fit_calibration([p for part, _ in found for p in part], [y for _, part in found for y in part])

    def _batches(self, collate: Collator) -> DataLoader[Any]:
        """In order; the generator is its own, so that training's random numbers stay."""
        return DataLoader(
            self.data, batch_size=self.settings.batch_size, collate_fn=collate, generator=torch.Generator()
        )

    def scores(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, between: Callable[[], None]
    ) -> dict[str, float]:
        """What is scored beside the loss: nothing."""
        return {}


class HeldOutVideos(HeldOut):
    """Videos of the test split (stage 2): also grounded and scored.

    Args:
        store: Features.
        annotations: Videos of the split; may be none.
        settings: Of the run.
        accelerator: Says who takes what.
    """

    data: WindowDataset

    def __init__(
        self, store: FeatureStore, annotations: Sequence[VideoAnnotation], *, settings: TrainSettings,
        accelerator: Accelerator,
    ) -> None:  # fmt: skip
        mine = annotations[accelerator.process_index :: accelerator.num_processes]
        data = WindowDataset(store, mine, length=settings.window_frames, hop=settings.hop_frames)
        super().__init__(data, count=len(annotations), settings=settings, accelerator=accelerator)
        self.frames = {item.video: round(store.n_frames(item.video) / store.source(item.video).fps * FPS)
                       for item in mine}  # fmt: skip

    def scores(
        self, model: HawkeyeModel, tokenizer: PreTrainedTokenizerBase, *, between: Callable[[], None]
    ) -> dict[str, float]:
        """F2 and FNR over all frames, as `hawkeye eval` counts them; 0 and 1 where no frame is positive.

        Args:
            model: Unwrapped, in evaluation mode.
            tokenizer: Of the run.
            between: Called after each batch of windows; may raise to leave.
        """
        predictor = Predictor(
            model, tokenizer, max_new_tokens=self.settings.eval_new_tokens, autocast=self.accelerator.autocast
        )
        counts = FrameCounts()
        with torch.no_grad():
            for found in predictor.videos(
                self.data, batch_size=self.settings.batch_size, on_window=lambda done: between()
            ):
                frames = self.frames[found.video]
                truth = [(s.start_s, s.end_s) for s in self.data.timelines[found.video]]
                said = [(item.segment.start_s, item.segment.end_s) for item in found.segments]
                counts += count_frames(frame_mask(truth, frames), frame_mask(said, frames))
        total = sum(gather_object([counts]), FrameCounts())
        return {
            "test_f2": f_beta(total) if total.positives else 0.0,
            "test_fnr": false_negative_rate(total) if total.positives else 1.0,
        }
