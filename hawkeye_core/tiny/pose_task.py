"""HigherHRNet on drawn scenes: crops of frames, heatmaps at two resolutions, tags; OKS-AP on held-out seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from hawkeye_core.datasets.reconsim.frames import labelled_frames
from hawkeye_core.pose.higher_hrnet import ARCHITECTURES, PIXEL_MEAN, PIXEL_STD, HigherHRNet
from hawkeye_core.tiny.graphed import Graphed
from hawkeye_core.tiny.held_out import held_out_frames
from hawkeye_core.tiny.keypoint_ap import keypoint_ap
from hawkeye_core.tiny.pose_loss import heatmap_loss, tag_losses
from hawkeye_core.tiny.pose_samples import PoseSample, random_sample
from hawkeye_core.tiny.pose_targets import counted_cells, heatmaps, sigma_of, tag_cells
from hawkeye_core.tiny.shipped import ShippedName

STRIDES = (4, 2)
"""Of the two outputs, pixels a cell."""

_FRESH, _MIX = 96, 8
"""Frames drawn at a time, and how often each is cropped: a crop costs a tenth of a frame."""
_PER_VIDEO, _PER_SITE = 8, 6
"""Frames of a video, and videos with a camera: setting up a camera costs some 50 frames, planning a video 10."""


@dataclass(frozen=True, slots=True)
class PoseBatch:
    """B crops of side S and who is in them: P people, N boxes that do not count; positions in pixels of the crop."""

    images: Tensor  # [B, 3, S, S] uint8 RGB
    xy: Tensor  # [B, P, J, 2]
    labelled: Tensor  # [B, P, J] bool
    longer_side: Tensor  # [B, P]
    uncounted: Tensor  # [B, N, 4], NaN for padding

    def targets(self) -> PoseTargets:
        """What the outputs should be, computed where the batch lies."""
        height, width = self.images.shape[2:]
        sigma = sigma_of(self.longer_side)
        coarse, fine = (
            (
                heatmaps(self.xy, self.labelled, sigma, stride=stride, height=height, width=width),
                counted_cells(self.uncounted, stride=stride, height=height, width=width),
            )
            for stride in STRIDES
        )
        cells = tag_cells(self.xy, self.labelled, stride=STRIDES[0], height=height, width=width)
        return PoseTargets((coarse[0], fine[0]), (coarse[1], fine[1]), cells)


class PoseTargets(NamedTuple):
    """Coarse map first."""

    heat: tuple[Tensor, Tensor]  # [B, J, S/4, S/4], [B, J, S/2, S/2]
    counted: tuple[Tensor, Tensor]  # [B, 1, S/4, S/4], [B, 1, S/2, S/2]
    cells: Tensor  # [B, P, J] of the coarse map


class PoseTask:
    """See :class:`hawkeye_core.tiny.loop.Task`.

    Args:
        batch: B.
        side: S, pixels of the network's input; a multiple of 32.
        zoom: Further factor of the frame's scale, drawn evenly in its logarithm.
        held_out: Frames to measure on.
        foreground: Further weight of a joint's cells.
        tags: Weight of push beside the heatmaps' errors. The paper has 0.001 beside unweighted errors, which are
            smaller; at 0.002 beside these, all tags stayed at 0 for 1500 steps.
        pull: Weight of pull as a part of push's (the paper: 1). While people look alike to a network, pull makes all
            tags 0, where push has no slope.
        flip_test: Whether the measure also runs the mirrored frame.
        seed: Of new weights.
        bfloat16: See :class:`~hawkeye_core.tiny.graphed.Graphed`.
    """

    name: ShippedName = "pose"
    measure = "ap"

    def __init__(
        self, *, batch: int, side: int = 96, zoom: tuple[float, float] = (0.8, 1.3), held_out: int = 80,
        foreground: float = 5.0, tags: float = 0.05, pull: float = 0.1, flip_test: bool = False, seed: int = 0,
        bfloat16: bool = False,
    ) -> None:  # fmt: skip
        self.batch, self.side, self.zoom, self.held_out = batch, side, zoom, held_out
        self.foreground, self.tags, self.pull, self.flip_test = foreground, tags, pull, flip_test
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model: nn.Module = HigherHRNet(ARCHITECTURES["tiny"])
        self.model.to(memory_format=torch.channels_last)
        self._forward = Graphed(self.model, bfloat16=bfloat16)

    def batches(self, seed: int, start: int) -> Iterator[PoseBatch]:
        """Batch k: crops of the frames of pool k // (pool / B), in an order of its own."""
        per_pool = max(1, _FRESH * _MIX // self.batch)
        size = per_pool * self.batch
        pool, place = divmod(start, per_pool)
        while True:
            samples = self._pool(seed, pool, size)
            for number in range(place, per_pool):
                yield collate(samples[number * self.batch : (number + 1) * self.batch])
            pool, place = pool + 1, 0

    def _pool(self, seed: int, number: int, size: int) -> list[PoseSample]:
        rng = np.random.default_rng([seed, 7, number])
        stream = labelled_frames(int(rng.integers(2**31)), per_video=_PER_VIDEO, per_site=_PER_SITE)
        frames = [next(stream) for _ in range(_FRESH)]
        order = rng.permutation(np.arange(size) % _FRESH)
        input_size = ARCHITECTURES["tiny"].input_size
        return [random_sample(frames[i], rng, side=self.side, input_size=input_size, zoom=self.zoom) for i in order]

    def losses(self, batch: PoseBatch) -> dict[str, Tensor]:
        """Heatmaps of both resolutions, pull and push."""
        joints = batch.xy.shape[2]
        heat, counted, cells = batch.targets()
        coarse, fine = self._forward(normalised(batch.images))
        pull, push = tag_losses(coarse[:, joints:], cells)
        scale = 10.0  # heatmap errors are means over mostly empty cells: near 1e-3
        found = {
            f"heat_{stride}": scale * heatmap_loss(maps, wanted, where, foreground=self.foreground)
            for stride, maps, wanted, where in zip(STRIDES, (coarse[:, :joints], fine), heat, counted, strict=True)
        }
        return {**found, "pull": scale * self.tags * self.pull * pull, "push": scale * self.tags * push}

    def evaluate(self) -> dict[str, float]:
        """OKS-AP of the backend that will use the weights, on whole held-out frames."""
        return keypoint_ap(self.model.state_dict(), held_out_frames(self.held_out), flip_test=self.flip_test)


def normalised(images: Tensor) -> Tensor:
    """[B, 3, H, W] uint8 RGB -> the network's input, channels last."""
    mean, std = (torch.tensor(values, device=images.device).view(1, 3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
    return ((images.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def collate(samples: Sequence[PoseSample]) -> PoseBatch:
    """Pad people and boxes."""
    people = max(1, *(len(sample.xy) for sample in samples))
    uncounted = max(1, *(len(sample.uncounted) for sample in samples))
    xy = np.zeros((len(samples), people, samples[0].xy.shape[1], 2), np.float32)
    labelled = np.zeros(xy.shape[:3], bool)
    longer = np.full(xy.shape[:2], 1.0, np.float32)
    boxes = np.full((len(samples), uncounted, 4), np.nan, np.float32)
    for row, sample in enumerate(samples):
        count = len(sample.xy)
        xy[row, :count], labelled[row, :count] = sample.xy, sample.labelled
        longer[row, :count] = sample.longer_side
        boxes[row, : len(sample.uncounted)] = sample.uncounted
    images = np.ascontiguousarray(np.stack([sample.image for sample in samples]).transpose(0, 3, 1, 2))
    return PoseBatch(*(torch.from_numpy(part) for part in (images, xy, labelled, longer, boxes)))
