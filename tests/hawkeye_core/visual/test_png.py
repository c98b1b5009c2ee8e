"""Pictures are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from hawkeye_core.errors import HawkeyeError
from hawkeye_core.visual.png import save_png


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def test_round_trip_in_new_folders(image: np.ndarray, tmp_path: Path) -> None:
    path = save_png(tmp_path / "a/b/c.png", image)
    read = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(read, image)
    assert os.listdir(path.parent) == ["c.png"]


def test_same_image_same_bytes(image: np.ndarray, tmp_path: Path) -> None:
    assert save_png(tmp_path / "1.png", image).read_bytes() == save_png(tmp_path / "2.png", image).read_bytes()


def test_failure_keeps_the_old_picture(image: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_png(tmp_path / "a.png", image)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HawkeyeError, match=r"a\.png: cannot be written \(No space left on device\)"):
        save_png(path, 255 - image)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_folder_in_the_way(image: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(HawkeyeError, match="cannot be written"):
        save_png(tmp_path / "a.png", image)


def test_not_an_image(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        save_png(tmp_path / "a.png", np.zeros((3, 3), np.uint8))
