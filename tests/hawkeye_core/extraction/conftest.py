"""Small clips and settings shared by the extraction tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.settings import load_settings


@pytest.fixture(scope="session")
def write_clip() -> Callable[..., Path]:
    """Writes an mp4 of moving blobs: write_clip(path, seed=0, frames=20, fps=10)."""

    def write(path: Path, *, seed: int = 0, frames: int = 20, fps: float = 10) -> Path:
        rng = np.random.default_rng(seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (96, 64))
        for number in range(frames):
            image = rng.integers(0, 60, (64, 96, 3), np.uint8)
            cv2.circle(image, (10 + 2 * number, 32), 12, (200, 180, 90), -1)
            writer.write(image)
        writer.release()
        return path

    return write


@pytest.fixture
def tiny_settings(tmp_path: Path) -> Callable[..., ExtractSettings]:
    """Settings of the preset tiny-untrained with the test's own folders; takes overrides."""

    def make(*overrides: str, videos: Path | None = None, store: Path | None = None) -> ExtractSettings:
        return load_settings(
            ExtractSettings,
            config="tiny-untrained",
            package="hawkeye_core.extraction",
            values={"videos": [str(videos or tmp_path / "videos")], "store": str(store or tmp_path / "store")},
            overrides=["device=cpu", "relations.short_side=64", "relations.long_side=128", *overrides],
        )

    return make
