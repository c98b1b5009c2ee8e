"""The vision backend: frames and the objects found in them to a few pooled tokens a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray

from feature_store.fingerprint import Fingerprint
from hawkeye_core.scene import FrameBatch, FrameRelations, FrameVision
from hawkeye_core.vision.config import VisionSettings
from hawkeye_core.vision.preprocess import FrameView, prepare, view_of
from hawkeye_core.vision.tokens import pool_tokens
from hawkeye_core.vision.tower import load_tower

VERSION = "1"
"""Raised when the same inputs give other tokens."""


class ClipVisionBackend:
    """Tokens of a frozen CLIP vision tower: g x g frame tokens, the object-masked token, one an object.

    An object outside the visible part (possible with ``fit: crop``, or with a box outside the frame) has a token of
    zeros: there is nothing to see, and its class and box still stand in the scene graph.

    Args:
        settings: Which tower, layer, grid and fit.
        device: Where the tower runs.
        dtype: Arithmetic of the tower; none takes ``settings.precision``.

    Raises:
        WeightsError: The tower's files are missing, damaged or of another network.
        ConfigError: Settings that contradict each other or the checkpoint.
    """

    def __init__(self, settings: VisionSettings, *, device: str = "cpu", dtype: torch.dtype | None = None) -> None:
        self._settings = settings
        self._device = device
        self._dtype = getattr(torch, settings.precision) if dtype is None else dtype
        self._tower = load_tower(settings, device=device, dtype=self._dtype)

    @property
    def width(self) -> int:
        """D, width of a token."""
        return self._tower.width

    @property
    def tokens_per_frame(self) -> int:
        """G = grid * grid."""
        return self._settings.grid**2

    def fingerprint_for(self, relations: Fingerprint) -> Fingerprint:
        """What decides the tokens: tower, weights and preparation, and the relations backend that gave the boxes."""
        return Fingerprint(
            family="vision",
            backend=self._settings.backend,
            version=VERSION,
            weights=self._tower.weights,
            settings={
                "layer": self._settings.layer,
                "grid": self._settings.grid,
                "fit": self._settings.fit,
                "precision": str(self._dtype).removeprefix("torch."),
                "tower": self._tower.config,
                "image": asdict(self._tower.recipe),
                "relations": relations.digest,
            },
        )

    def encode(self, batch: FrameBatch, relations: Sequence[FrameRelations]) -> list[FrameVision]:
        """Tokens of every frame.

        Args:
            batch: B frames.
            relations: [B] the objects of each frame; only their boxes are used.

        Raises:
            ValueError: The two differ in length.
        """
        if len(relations) != len(batch):
            raise ValueError(f"{len(batch)} frames, but relations of {len(relations)}")
        if not len(batch):
            return []
        recipe, fit = self._tower.recipe, self._settings.fit
        view = view_of(*batch.images.shape[1:3], recipe=recipe, fit=fit)
        patches = self._tower.patches(prepare(batch.images, recipe=recipe, fit=fit, device=self._device))
        counts = [len(scene.object_box) for scene in relations]
        pooled = pool_tokens(
            patches,
            self._to_patches(np.concatenate([scene.object_box.reshape(-1, 4) for scene in relations]), view),
            counts,
            grid=self._settings.grid,
            visible=[edge / self._tower.patch for edge in view.visible],
        )
        frame, masked, objects = (_half(tokens) for tokens in (pooled.frame, pooled.masked, pooled.objects))
        parts = np.split(objects, np.cumsum(counts)[:-1])
        return [
            FrameVision(frame_tokens=frame[i], masked_token=masked[i], object_tokens=parts[i])
            for i in range(len(batch))
        ]

    def _to_patches(self, box: NDArray[np.float32], view: FrameView) -> torch.Tensor:
        """[N, 4] source pixels -> [N, 4] patches of the tower's square."""
        scale = np.array([view.scale_x, view.scale_y] * 2)
        shift = np.array([view.left, view.top] * 2)
        return torch.from_numpy((box.astype(np.float64) * scale + shift) / self._tower.patch)


def _half(tokens: torch.Tensor) -> NDArray[np.float16]:
    return tokens.to(torch.float16).cpu().numpy()
