"""Four short drawn clips with known segments, so that the whole path can be tried where no video is at hand.

Stick people on a plain street, two clips quiet, two with a person who runs up to another and strikes. They exercise
the pipeline; they do not train a detector.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import write_text
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.scene import COCO_SKELETON

WIDTH, HEIGHT, FPS = 320, 240, 25
SECONDS = 12.0

# COCO-17 joints of a standing person, x to the right and y down, in units of body height; the feet are at y = 0.
_STANDING = np.array(
    [(0, -.93), (.02, -.95), (-.02, -.95), (.05, -.93), (-.05, -.93), (.11, -.80), (-.11, -.80), (.15, -.63),
     (-.15, -.63), (.16, -.48), (-.16, -.48), (.07, -.50), (-.07, -.50), (.08, -.26), (-.08, -.26), (.08, 0), (-.08, 0)]
)  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """A drawn clip and what happens in it."""

    video: str
    split: Literal["train", "test"]
    strike: tuple[float, float] | None
    """Start and end of the strike in seconds."""
    speed: float = 12.0
    """Of the walker, pixels a second."""


CLIPS = (
    Clip("quiet-morning", "train", None),
    Clip("struck-at-noon", "train", (6.0, 8.5)),
    Clip("quiet-evening", "test", None, speed=16.0),
    Clip("struck-at-night", "test", (4.0, 6.0)),
)


def write_sample_clips(folder: str | Path) -> tuple[list[Path], Path]:
    """Draw the clips and their annotation file; what exists is kept.

    Returns:
        Paths of the videos, and of ``segments.jsonl``.
    """
    folder = Path(folder)
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    paths = [folder / "videos" / f"{clip.video}.mp4" for clip in CLIPS]
    for clip, path in zip(CLIPS, paths, strict=True):
        if not path.exists():
            _write_clip(clip, path)
    annotations = folder / "segments.jsonl"
    write_text(annotations, "".join(json.dumps(_annotation(clip)) + "\n" for clip in CLIPS))
    return paths, annotations


def render(clip: Clip, time_s: float) -> NDArray[np.uint8]:
    """One frame [H, W, 3] BGR of a clip at a time in seconds; a pure function of both."""
    image = np.full((HEIGHT, WIDTH, 3), (150, 160, 165), np.uint8)
    cv2.rectangle(image, (0, 0), (WIDTH, 110), (120, 110, 100), -1)
    cv2.rectangle(image, (230, 40), (275, 150), (60, 80, 110), -1)
    bystander = (190.0, 205.0)
    start, end = clip.strike or (SECONDS, SECONDS)
    striking = start <= time_s < end
    x = 20 + clip.speed * min(time_s, start)
    if time_s >= start:
        x = min(x + 90 * (time_s - start), bystander[0] - 35)
    _draw_person(image, *bystander, 95, phase=0.0, colour=(70, 60, 50))
    _draw_person(image, x, 210, 100, phase=time_s * (14 if striking else 7), colour=(40, 50, 90), raised=striking)
    return image


def _draw_person(
    image: NDArray[np.uint8],
    x: float,
    y: float,
    height: float,
    *,
    phase: float,
    colour: tuple[int, int, int],
    raised: bool = False,
) -> None:
    joints = _STANDING.copy()
    swing = 0.12 * np.sin(phase) * np.array([1, -1])
    joints[[15, 16], 0] += swing
    joints[[13, 14], 0] += swing / 2
    joints[[9, 10], 0] -= swing
    if raised:
        joints[9] = (0.38, -0.86 - 0.08 * np.sin(phase))
        joints[7] = (0.25, -0.82)
    points = np.round(joints * height + (x, y)).astype(int)
    for a, b in COCO_SKELETON:
        if min(a, b) >= 5:
            cv2.line(image, points[a].tolist(), points[b].tolist(), colour, max(3, int(height / 14)), cv2.LINE_AA)
    cv2.circle(image, points[0].tolist(), int(height / 11), (130, 150, 180), -1, cv2.LINE_AA)


def _write_clip(clip: Clip, path: Path) -> None:
    temporary = path.with_name(f".{path.stem}.tmp-{os.getpid()}.mp4")
    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise HawkeyeError("OpenCV cannot write a video here", path=path, remedy="check that the folder is writable")
    try:
        for number in range(round(SECONDS * FPS)):
            writer.write(render(clip, number / FPS))
    finally:
        writer.release()
    os.replace(temporary, path)


def _annotation(clip: Clip) -> dict[str, object]:
    segments = []
    if clip.strike:
        start, end = clip.strike
        reason = "a person runs up to another and strikes"
        segments.append({"start": start, "end": end, "category": "assault", "reason": reason})
    return {"video": clip.video, "split": clip.split, "segments": segments}
