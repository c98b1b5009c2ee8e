"""RelTR on drawn scenes: set losses at every decoder layer, a loss on the encoder's cells, recall on held-out seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hawkeye_core.datasets.reconsim.frames import LabelledFrame, labelled_frames
from hawkeye_core.relation.architecture import ARCHITECTURES
from hawkeye_core.relation.config import RelTRSettings
from hawkeye_core.relation.frames import to_input
from hawkeye_core.relation.reltr import RelTR, RelTROutput, build_reltr
from hawkeye_core.tiny.graphed import Graphed
from hawkeye_core.tiny.held_out import held_out_frames
from hawkeye_core.tiny.relation_dense import dense_loss
from hawkeye_core.tiny.relation_eval import relation_measures
from hawkeye_core.tiny.relation_loss import LossWeights, relation_losses
from hawkeye_core.tiny.relation_targets import Annotation, RelationTargets, annotation, stack_targets
from hawkeye_core.tiny.shipped import ShippedName

_FRESH, _USES = 96, 4
"""Frames drawn at a time, and how often each is used, mirrored and shifted otherwise each time."""
_PER_VIDEO, _PER_SITE = 8, 6
"""Frames of a video, and videos with a camera; see :mod:`hawkeye_core.tiny.pose_task`."""


_PARTS = tuple(field.name for field in fields(RelTROutput) if field.name != "auxiliary")


@dataclass(frozen=True, slots=True)
class RelationBatch:
    """B frames and what is in them."""

    images: Tensor  # [B, H, W, 3] uint8 RGB
    targets: RelationTargets


class RelationTask:
    """See :class:`hawkeye_core.tiny.loop.Task`.

    Args:
        batch: B.
        held_out: Frames to measure on.
        weights: Of the losses.
        seed: Of new weights.
    """

    name: ShippedName = "relations"
    measure = "r20"

    def __init__(self, *, batch: int, held_out: int = 200, weights: LossWeights | None = None, seed: int = 0) -> None:
        self.batch, self.held_out = batch, held_out
        self.weights = LossWeights() if weights is None else weights
        self.settings = RelTRSettings(size="tiny", weights="untrained")
        self.model = build_reltr(ARCHITECTURES["tiny"], seed=seed)
        self.model.to(memory_format=torch.channels_last)
        self._every = EveryLayer(self.model)
        self._forward = Graphed(self._every)

    def batches(self, seed: int, start: int) -> Iterator[RelationBatch]:
        """Batch k: frames of pool k // (batches a pool), in an order of its own."""
        each = max(1, _FRESH * _USES // self.batch)
        pool, place = divmod(start, each)
        while True:
            rng = np.random.default_rng([seed, 11, pool])
            stream = labelled_frames(int(rng.integers(2**31)), per_video=_PER_VIDEO, per_site=_PER_SITE)
            frames = [next(stream) for _ in range(_FRESH)]
            order = rng.permutation(np.arange(each * self.batch) % _FRESH)
            for number in range(each):
                chosen = order[number * self.batch : (number + 1) * self.batch]
                samples = [varied(frames[i], rng) for i in chosen.tolist()]  # also those skipped: the same numbers
                if number >= place:
                    yield _collate(samples)
            pool, place = pool + 1, 0

    def losses(self, batch: RelationBatch) -> dict[str, Tensor]:
        """Set losses of the last layer by part, of earlier layers as one, and of the encoder's cells."""
        logits, boxes, *flat = self._forward(self._input(batch.images))
        *earlier, final = outputs_of(flat)
        output = replace(final, auxiliary=tuple(earlier))
        found = relation_losses(output, batch.targets, weights=self.weights)
        return {**found, "dense": self.weights.dense * dense_loss(logits, boxes, batch.targets, self._every.grid)}

    def evaluate(self) -> dict[str, float]:
        """AP50 of entities and R@20 of triplets on whole held-out frames."""
        return relation_measures(self.model, held_out_frames(self.held_out), self._input)

    def _input(self, images: NDArray[np.uint8] | Tensor) -> Tensor:
        s, device = self.settings, next(self.model.parameters()).device
        return to_input(images, short_side=s.short_side, long_side=s.long_side, device=device, dtype=torch.float32)


class EveryLayer(nn.Module):
    """What the losses need of a network, as one tuple of tensors.

    Shapes:
        images [B, 3, H, W] -> logits [B, S, C + 1] and boxes [B, S, 4] of the encoder's cells, then the predictions of
        every decoder layer; see :func:`outputs_of`
    """

    grid: tuple[int, int]
    """Rows and columns of the S cells of the last images."""

    def __init__(self, model: RelTR) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        memory, self.grid = self.model.encode(images)
        states, anchors = self.model.decode(memory, self.grid, every_layer=True)
        layers = [self.model.predict(state, self.grid, anchors) for state in states]
        parts = [getattr(layer, name) for layer in layers for name in _PARTS]
        return (*self.model.predict_cells(memory, self.grid), *parts)


def outputs_of(parts: Sequence[Tensor]) -> list[RelTROutput]:
    """The predictions of each layer, from all parts of all layers one after the other."""
    layers = (parts[i : i + len(_PARTS)] for i in range(0, len(parts), len(_PARTS)))
    named: list[dict[str, Any]] = [dict(zip(_PARTS, layer, strict=True)) for layer in layers]
    return [RelTROutput(**one) for one in named]


def varied(frame: LabelledFrame, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Annotation]:
    """A frame mirrored or not, enlarged, shifted and relit at random, with its entities and triplets."""
    height, width = frame.image.shape[:2]
    scale = np.exp(rng.uniform(np.log(0.9), np.log(1.3)))
    slack = np.array([width, height]) * (scale - 1)
    shift = -rng.uniform(np.minimum(slack, 0), np.maximum(slack, 0))
    a = np.array([scale, scale])
    if rng.random() < 0.5:
        a[0], shift[0] = -scale, width - shift[0]
    # Pixel i covers [i, i + 1), OpenCV counts from pixel centres.
    matrix = np.array([[a[0], 0, shift[0] + 0.5 * (a[0] - 1)], [0, a[1], shift[1] + 0.5 * (a[1] - 1)]])
    image = cv2.warpAffine(
        frame.image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    corners = np.sort(frame.boxes.reshape(-1, 2, 2) * a + shift, axis=1)
    inside = np.clip(corners, 0, (width, height)).reshape(-1, 4).astype(np.float32)
    whole = np.prod(corners[:, 1] - corners[:, 0], axis=1)
    cut = np.prod(inside[:, 2:] - inside[:, :2], axis=1)
    visible = frame.visible * np.divide(cut, whole, out=np.zeros_like(whole), where=whole > 0)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
    table = np.clip(np.arange(256)[:, None] * gain + rng.uniform(-15, 15), 0, 255).astype(np.uint8)
    relit: NDArray[np.uint8] = np.asarray(cv2.LUT(image, table.reshape(1, 256, 3)), np.uint8)
    return relit, annotation(replace(frame, boxes=inside, visible=visible.astype(np.float32)))


def _collate(samples: list[tuple[NDArray[np.uint8], Annotation]]) -> RelationBatch:
    height, width = samples[0][0].shape[:2]
    targets = stack_targets([one for _, one in samples], width=width, height=height)
    return RelationBatch(torch.from_numpy(np.stack([image for image, _ in samples])), targets)
