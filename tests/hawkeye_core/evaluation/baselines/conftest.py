"""Small models and short videos, made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from .tiny_video_text import ANSWER, build

STRENGTHS = (9.0, 7.0, 8.0, 6.0, 9.0, 12.0)
"""Logits of the tokens of the answer; that of the others is 0."""


def draw(path: Path, *, seconds: float = 10.0, moving: tuple[float, float] = (4.0, 6.0)) -> Path:
    """A grey video at 8 fps with a box that moves for a while."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 8, (96, 64))
    assert writer.isOpened()
    for k in range(round(seconds * 8)):
        picture = np.full((64, 96, 3), 90, np.uint8)
        shift = 3 * (k % 20) if moving[0] <= k / 8 < moving[1] else 0
        picture[20:44, 8 + shift : 32 + shift] = 230
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture(scope="session")
def video_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three good videos of 10, 6 and 10 s and one that is none."""
    folder = tmp_path_factory.mktemp("videos")
    draw(folder / "a.mp4")
    draw(folder / "b.mp4", seconds=6.0, moving=(1.0, 3.0))
    draw(folder / "learn.mp4", moving=(3.0, 5.0))
    (folder / "bad.mp4").write_bytes(b"not a video")
    return folder


@pytest.fixture(scope="session")
def annotations(video_folder: Path) -> Path:
    """Segments of the good test videos and of the bad one; one to learn from."""
    path = video_folder / "segments.jsonl"
    rows = {"a": ("test", [(2.5, 4.0)]), "bad": ("test", [(1.0, 3.0)]), "b": ("test", []),
            "learn": ("train", [(3.0, 5.0)])}  # fmt: skip
    path.write_text("".join(
        json.dumps({"video": video, "split": split, "segments": [
            {"start": start, "end": end, "category": "theft", "reason": "a man takes a bag"} for start, end in segments
        ]}) + "\n"
        for video, (split, segments) in rows.items()
    ))  # fmt: skip
    return path


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``model_folder(kind, rigged=False)``: a saved model."""
    made: dict[tuple[str, bool], Path] = {}

    def get(kind: str, *, rigged: bool = False) -> Path:
        if (kind, rigged) not in made:
            folder = tmp_path_factory.mktemp(kind)
            answer = {"answer": ANSWER, "strengths": STRENGTHS} if rigged else {}
            made[kind, rigged] = build(kind, folder, **answer)
        return made[kind, rigged]

    return get
