"""Folders of drawn data for the small Video-LLaVA: made part by part, so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hawkeye_core.backend import VisionBackend
from hawkeye_core.tiny.account import Account, Told
from hawkeye_core.tiny.checkpoint import write_whole
from hawkeye_core.tiny.clips import TokenClip
from hawkeye_core.tiny.drawing import DrawnClip, draw_clip, drawn_pictures, tiny_plan, token_clip
from hawkeye_core.tiny.pictures import Pictures, gather

TRAIN_SEED, HELD_OUT_SEED = 1, 2
"""Streams of videos."""

PER_VIDEO, VIDEOS_A_PART = 12, 40
"""Pictures of a video, and videos of a file of pictures."""

Progress = Callable[[int, int], None]
"""Called with how much is done, of how much."""


def pictures(folder: Path, *, seed: int, parts: int, progress: Progress | None = None) -> Pictures:
    """Read, or draw what is missing of, ``parts`` times 480 pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"pictures-{seed}-{part:03d}.npz" for part in range(parts)]
    for part, path in enumerate(paths):
        if not path.is_file():
            drawn = drawn_pictures(seed, start=part * VIDEOS_A_PART, per_video=PER_VIDEO)
            gather(drawn, VIDEOS_A_PART * PER_VIDEO).save(path)
        if progress is not None:
            progress(part + 1, parts)
    return Pictures.load(paths)


def drawn_clips(folder: Path, *, seed: int, count: int) -> Iterator[DrawnClip]:
    """Read, or draw what is missing of, the first ``count`` whole videos of a stream."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"clip-{seed}-{number:04d}.npz"
        if not path.is_file():
            _save_clip(draw_clip(tiny_plan(seed, number)), path)
        yield _load_clip(path)


def token_clips(
    folder: Path, backend: VisionBackend, *, seed: int, count: int, progress: Progress | None = None
) -> list[TokenClip]:
    """The first ``count`` videos of a stream through a tower."""
    found = []
    for clip in drawn_clips(folder, seed=seed, count=count):
        found.append(token_clip(clip, backend))
        if progress is not None:
            progress(len(found), count)
    return found


def _save_clip(clip: DrawnClip, path: Path) -> None:
    told = json.dumps(asdict(clip.account))

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez(
                file, images=clip.images, boxes=clip.boxes, counts=clip.counts, fps=np.array(clip.fps),
                account=np.array(told),
            )  # fmt: skip

    write_whole(path, write)


def _load_clip(path: Path) -> DrawnClip:
    with np.load(path) as file:
        told = json.loads(str(file["account"]))
        account = Account(told["duration_s"], tuple(Told(**item) for item in told["told"]), told["description"])
        return DrawnClip(file["images"], file["boxes"], file["counts"], float(file["fps"]), account)
