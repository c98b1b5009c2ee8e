"""The pose backend ``higherhrnet``: frames in, people in source pixels out."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from feature_store.fingerprint import Fingerprint
from hawkeye_core.pose.aggregate import ScoreMaps, aggregate, merge_scales
from hawkeye_core.pose.boxes import boxes_of
from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.decode import MapPeople, decode
from hawkeye_core.pose.geometry import InputGeometry, fit_input
from hawkeye_core.pose.higher_hrnet import PIXEL_MEAN, PIXEL_STD
from hawkeye_core.pose.higher_hrnet_weights import build_network, fold_batch_norms
from hawkeye_core.scene import FrameBatch, FramePose

VERSION = "1"
"""Raised by hand when the same weights and settings give other results."""
FINE_STRIDE = 2
"""Pixels of the input a cell of the finer output."""
_FRAMES_AT_ONCE = 2
"""On a CPU more frames at once gain nothing and cost about 120 MB each (W32-512)."""


class HigherHRNetBackend:
    """HigherHRNet with the official inference: both resolutions, flip test, grouping, adjust, refine.

    A frame's result does not depend on the other frames of its batch, up to rounding.

    Args:
        settings: Size, weights, thresholds.
        device: Where the network and the work on its maps run.
        dtype: Of the network, none takes ``settings.precision``; heatmaps are float32 from aggregation on.

    Raises:
        WeightsError: The weights file is missing, damaged, hostile, or made for another network.
    """

    def __init__(
        self,
        settings: HigherHRNetSettings,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> None:
        self.settings = settings
        self.device = torch.device(device)
        self.dtype = getattr(torch, settings.precision) if dtype is None else dtype
        network, self._weights = build_network(settings.size, settings.weights)
        self._input_size = network.config.input_size
        fold_batch_norms(network)
        # Channels last: with folded batch norm 1.6 times as fast as the plain network on a CPU (W32-512).
        network.requires_grad_(False).to(memory_format=torch.channels_last)
        self._network = network.to(device=self.device, dtype=self.dtype)
        std = torch.tensor(PIXEL_STD, device=self.device).view(1, 3, 1, 1)
        mean = torch.tensor(PIXEL_MEAN, device=self.device).view(1, 3, 1, 1)
        self._gain, self._offset = 1 / (255 * std), -mean / std

    @property
    def fingerprint(self) -> Fingerprint:
        """Backend, version, weights, and every setting that changes a result."""
        settings = self.settings.model_dump(mode="json", exclude={"backend", "weights", "precision"})
        for name, before in (("reach", None), ("project_to_image", True)):
            if settings[name] == before:  # stores made before there was this setting stay what they are
                del settings[name]
        settings["dtype"] = str(self.dtype).removeprefix("torch.")
        return Fingerprint(
            family="pose", backend="higherhrnet", version=VERSION, weights=self._weights, settings=settings
        )

    @torch.inference_mode()
    def detect(self, batch: FrameBatch) -> list[FramePose]:
        """People of each frame, best first, in pixels of the source frame.

        Joint and person scores are heatmap values, limited to 0..1. Joints can lie outside the frame by up to the
        width of the network's black border; boxes are clipped to it.
        """
        at_once = max(1, len(batch) if self.device.type == "cuda" else _FRAMES_AT_ONCE)
        parts = [batch.images[start : start + at_once] for start in range(0, len(batch), at_once)]
        if len(parts) < 2:
            return [pose for part in parts for pose in self._people(*self._score_maps(part), part.shape)]
        # People are found in the maps of a part while the network computes those of the next; never two parts ahead.
        poses: list[FramePose] = []
        with ThreadPoolExecutor(1, thread_name_prefix="people") as pool:
            pending: Future[list[FramePose]] | None = None
            for part in parts:
                maps, geometry = self._score_maps(part)
                if pending is not None:
                    poses += pending.result()
                pending = pool.submit(self._people, maps, geometry, part.shape)
            assert pending is not None
            return poses + pending.result()

    @torch.inference_mode()
    def _people(self, maps: ScoreMaps, geometry: InputGeometry, shape: tuple[int, ...]) -> list[FramePose]:
        """People of the frames of shape [B, H, W, 3] in their maps."""
        height, width = shape[1:3]
        return [
            self._to_frame(people, geometry, maps.heat.shape[-2:], width=width, height=height)
            for people in decode(maps, self.settings)
        ]

    def _score_maps(self, frames: NDArray[np.uint8]) -> tuple[ScoreMaps, InputGeometry]:
        """Maps of all scales merged, at the size of the input of scale 1 or half of it, and that input's geometry."""
        scales = sorted(self.settings.scale_factors, reverse=True)
        height, width = frames.shape[1:3]
        geometries = [
            fit_input(width, height, size=self._input_size, scale=scale, smallest_scale=scales[-1]) for scale in scales
        ]
        base = geometries[scales.index(1.0)]
        cell = 1 if self.settings.project_to_image else FINE_STRIDE
        size = base.input_height // cell, base.input_width // cell
        maps = [self._run(self._preprocess(frames, geometry), size) for geometry in geometries]
        merged = merge_scales(maps, tags_from=scales.index(1.0))
        if self.settings.reach is not None:
            merged = replace(merged, reach=self.settings.reach * min(merged.heat.shape[-2:]))
        return merged, base

    def _preprocess(self, frames: NDArray[np.uint8], geometry: InputGeometry) -> Tensor:
        """[B, 3, input_height, input_width] normalised, channels last."""
        affine, size = geometry.affine(), (geometry.input_width, geometry.input_height)
        warped = np.empty((len(frames), size[1], size[0], 3), dtype=np.uint8)
        for frame, target in zip(frames, warped, strict=True):
            cv2.warpAffine(frame, affine, size, dst=target, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        pixels = torch.from_numpy(warped).to(self.device).permute(0, 3, 1, 2)
        return torch.addcmul(self._offset, pixels, self._gain).to(self.dtype, memory_format=torch.channels_last)

    def _run(self, images: Tensor, size: tuple[int, int]) -> ScoreMaps:
        """The network on the images and, with flip test, on their mirror images."""
        flip = self.settings.flip_test
        coarse, fine = self._network(torch.cat((images, images.flip(3))) if flip else images)
        return aggregate(coarse, fine, flipped=flip, size=size)

    def _to_frame(
        self, people: MapPeople, geometry: InputGeometry, map_size: torch.Size, *, width: int, height: int
    ) -> FramePose:
        map_height, map_width = map_size
        keypoints = people.joints.copy()
        keypoints[..., :2] = geometry.to_source(keypoints[..., :2], map_width=map_width, map_height=map_height)
        keypoints[..., 2] = keypoints[..., 2].clip(0, 1)
        box = boxes_of(keypoints, threshold=self.settings.detection_threshold, width=width, height=height)
        return FramePose(keypoints, people.score.clip(0, 1), box)
