"""Stretches of stored videos of drawn worlds, with what is told of them; cut and joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.errors import AnnotationError
from hawkeye_core.tiny.account import Account, account_of, join

TRUTH = "truth"
"""Folder of a drawn world that holds what is known of its videos."""


class Video(Protocol):
    """A video of which any part can be had."""

    @property
    def frames(self) -> int:
        """How many there are."""
        ...

    @property
    def fps(self) -> float:
        """Frames a second."""
        ...

    @property
    def account(self) -> Account:
        """What is told of it."""
        ...

    def cut(self, start: int, stop: int) -> Stretch:
        """Frames ``start`` to ``stop``, not included."""
        ...

    def whole(self) -> Stretch:
        """All of it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """A video of a world with its features."""

    store: FeatureStore
    video: str
    frames: int
    fps: float
    account: Account

    def cut(self, start: int, stop: int) -> Stretch:
        """Frames ``start`` to ``stop``, not included."""
        window = self.store.window(self.video, start, stop)
        return Stretch(window, self.fps, self.account.cut(start / self.fps, stop / self.fps))

    def whole(self) -> Stretch:
        """All of it."""
        return self.cut(0, self.frames)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Features of consecutive frames and what is told of them."""

    window: Window
    fps: float
    account: Account

    def __len__(self) -> int:
        return len(self.window.frames.frame)


def stored_videos(world: str | Path, store: str | Path) -> dict[str, list[StoredVideo]]:
    """The videos of a drawn world that have all features in a store, by split.

    Raises:
        AnnotationError: No video of the world is in the store.
    """
    opened = FeatureStore.open(store)
    found: dict[str, list[StoredVideo]] = {}
    for video in opened.videos(families=("pose", "relations", "vision")):
        if not (Path(world) / TRUTH / f"{video}.json").is_file():
            continue
        truth = read_truth(Path(world) / TRUTH, video)
        one = StoredVideo(opened, video, opened.n_frames(video), opened.source(video).fps, account_of(truth))
        found.setdefault(truth.split, []).append(one)
    if not found:
        raise AnnotationError(
            f"holds the truth of no video in {store}", path=Path(world) / TRUTH,
            remedy="draw the world and extract it: `hawkeye reconsim draw`, `make extract`",
        )  # fmt: skip
    return found


def draw_stretch(videos: Sequence[Video], rng: np.random.Generator, *, longest: int) -> Stretch:
    """A whole video, a part of one, or parts of two or three, of ``longest`` frames at most."""
    parts = int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))
    found: list[Stretch] = []
    for part in range(parts):
        video = videos[int(rng.integers(len(videos)))]
        most = min(video.frames, (longest - sum(map(len, found))) // (parts - part))
        least = min(int(video.fps), most)
        length = most if parts == 1 and rng.random() < 0.5 else int(rng.integers(least, most + 1))
        start = int(rng.integers(video.frames - length + 1))
        found.append(video.cut(start, start + length))
    return join_stretches(found)


def join_stretches(parts: Sequence[Stretch]) -> Stretch:
    """One after the other; nobody goes on from one part into the next."""
    if len(parts) == 1:
        return parts[0]
    windows = [_nobody_before(part.window) for part in parts]
    first = windows[0]
    joined = Window(
        first.video, 0, sum(map(len, parts)), _joined([window.frames for window in windows]),
        *(_joined([getattr(window, name) for window in windows]) for name in ("pose", "relations", "vision")),
    )  # fmt: skip
    return Stretch(joined, parts[0].fps, join([part.account for part in parts]))


def _nobody_before(window: Window) -> Window:
    """People of the first frame point nowhere."""
    if window.pose is None:
        return window
    previous = window.pose.previous.clone()
    previous[: int(window.pose.n_people[0])] = -1
    return replace(window, pose=replace(window.pose, previous=previous))


def _joined(parts: Sequence[Any]) -> Any:
    """Tables of tensors, one below the other."""
    columns: dict[str, Tensor] = {
        field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(parts[0])
    }
    return type(parts[0])(**columns)
