"""Where the videos come from that scene modules learn from: stores of drawn worlds, or drawn while training goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Protocol

from hawkeye_core.tiny.account import Account, account_of
from hawkeye_core.tiny.drawing import tiny_plan
from hawkeye_core.tiny.scene_clips import Video
from hawkeye_core.tiny.scene_videos import MemoryVideo, drawn_videos
from hawkeye_core.tiny.shipped import shipped_llava
from hawkeye_core.vision.backend import ClipVisionBackend
from hawkeye_core.vision.config import VisionSettings

LABELS_SEED, HELD_OUT_SEED = 5, 6
"""Streams of videos: those whose labels are learned, and those that are measured on."""
PLANNED = 400
"""Videos of whose plans the labels come; a label that is rarer than one in so many videos is no label."""


class VideoSource(Protocol):
    """What a task draws its stretches from."""

    @property
    def accounts(self) -> Sequence[Account]:
        """Of as many videos as tell what there is to learn."""
        ...

    def pools(self, seed: int, start: int) -> Iterator[Sequence[Video]]:
        """The videos that batch ``start``, and each behind it, is drawn from: a function of ``seed`` and its number."""
        ...


class StoredSource:
    """The same videos for every batch."""

    def __init__(self, videos: Sequence[Video]) -> None:
        self.videos = videos
        self.accounts = [video.account for video in videos]

    def pools(self, seed: int, start: int) -> Iterator[Sequence[Video]]:
        """See the protocol."""
        return repeat(self.videos)


@dataclass(frozen=True, slots=True)
class DrawnPool:
    """How many drawn videos there are at a time: at batch k the last ``keep`` of the first ``first + k fresh``."""

    fresh: float
    """New videos a batch. Drawing one takes about a second of a core."""
    keep: int = 64
    first: int = 4

    def count(self, batch: int) -> int:
        """Videos drawn before a batch."""
        return self.first + int(batch * self.fresh)


class DrawnSource:
    """Videos drawn by the process that makes the batches; none of them is ever seen again once it is left out."""

    def __init__(self, pool: DrawnPool) -> None:
        self.pool = pool
        self.accounts = [account_of(tiny_plan(LABELS_SEED, number)) for number in range(PLANNED)]

    def pools(self, seed: int, start: int) -> Iterator[Sequence[Video]]:
        """See the protocol; going on with a run draws the videos of its last pool again."""
        behind = max(0, self.pool.count(start) - self.pool.keep)
        stream = drawn_videos(seed, start=behind, tower=shipped_tower())
        kept: deque[MemoryVideo] = deque(maxlen=self.pool.keep)
        drawn, batch = behind, start
        while True:
            wanted = self.pool.count(batch)
            kept.extend(islice(stream, wanted - drawn))
            drawn, batch = wanted, batch + 1
            yield kept


def held_out_videos(count: int) -> list[MemoryVideo]:
    """Drawn videos that no training sees."""
    return list(islice(drawn_videos(HELD_OUT_SEED, start=0, tower=shipped_tower()), count))


def shipped_tower() -> ClipVisionBackend:
    """The package's vision tower, with the code that extraction uses."""
    return ClipVisionBackend(VisionSettings(tower=str(shipped_llava()), grid=2))
