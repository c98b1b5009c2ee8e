"""RelTR as a relation backend: frames in, scene graphs out."""

from __future__ import annotations

import torch

from feature_store.fingerprint import Fingerprint
from hawkeye_core.relation.config import RelTRSettings
from hawkeye_core.relation.frames import to_input
from hawkeye_core.relation.graph import build_graph
from hawkeye_core.relation.postprocess import select_triplets
from hawkeye_core.relation.reltr_weights import load_reltr
from hawkeye_core.scene import FrameBatch, FrameRelations

VERSION = "1"
"""Raised when the same weights and settings would give other graphs."""


class RelTRBackend:
    """Detects the objects of each frame and the relations between them.

    Args:
        settings: Network size, weights, input size and thresholds.
        device: Where the network runs.
        dtype: Of the network, none takes ``settings.precision``; scores and boxes are always computed in float32 from
            its outputs.

    Raises:
        WeightsError: The weights file cannot be used.
    """

    def __init__(
        self, settings: RelTRSettings, *, device: str | torch.device = "cpu", dtype: torch.dtype | None = None
    ) -> None:
        self.settings = settings
        self.device = torch.device(device)
        self.dtype = getattr(torch, settings.precision) if dtype is None else dtype
        model, weights = load_reltr(settings)
        # Channels-last: 1.4 times as fast on a CPU, and what tensor cores want.
        self.model = model.to(memory_format=torch.channels_last).to(device=self.device, dtype=self.dtype)
        self._weights = weights

    @property
    def fingerprint(self) -> Fingerprint:
        """Backend, weights and every setting that changes a graph."""
        settings = self.settings.model_dump(mode="json", exclude={"backend", "weights", "precision"})
        return Fingerprint(
            family="relations",
            backend=self.settings.backend,
            version=VERSION,
            weights=self._weights,
            settings={**settings, "dtype": str(self.dtype).removeprefix("torch.")},
        )

    @torch.inference_mode()
    def detect(self, batch: FrameBatch) -> list[FrameRelations]:
        """One scene graph a frame, in order, boxes in pixels of the frame; no graph depends on the other frames."""
        if not len(batch):
            return []
        height, width = batch.images.shape[1:3]
        settings = self.settings
        inputs = to_input(
            batch.images,
            short_side=settings.short_side,
            long_side=settings.long_side,
            device=self.device,
            dtype=self.dtype,
        )
        found = select_triplets(
            self.model(inputs),
            [(width, height)] * len(batch),
            threshold=settings.threshold,
            top_k=settings.max_relations,
            exclude_background=settings.exclude_background,
        )
        return [build_graph(one, merge_iou=settings.merge_iou, width=width, height=height) for one in found]
