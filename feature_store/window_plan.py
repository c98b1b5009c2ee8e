"""Which windows a set of videos has, and which of them each process reads."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

from feature_store.errors import StoreError

WINDOW_FRAMES = 512
"""64 s at 8 frames a second."""
WINDOW_HOP = 384

Shuffle = Literal["windows", "videos", "off"]
T = TypeVar("T")


class WindowSpan(NamedTuple):
    """Frames ``start`` to ``stop`` of a video."""

    video: str
    start: int
    stop: int


def spans_of(video: str, n_frames: int, *, length: int = WINDOW_FRAMES, hop: int = WINDOW_HOP) -> list[WindowSpan]:
    """Windows of a video: every ``hop`` frames, until one reaches the end. The last may be shorter.

    Every frame is in a window, and no window lies within another.
    """
    if not 0 < hop <= length:
        raise StoreError(f"windows of {length} frames every {hop}: hop must be 1 to length, or frames are left out")
    starts = range(0, max(n_frames - length, 0) + hop, hop)
    spans = [WindowSpan(video, start, min(start + length, n_frames)) for start in starts]
    return spans if n_frames > 0 else []


def in_order(spans: Sequence[WindowSpan], *, shuffle: Shuffle, seed: int, epoch: int) -> list[WindowSpan]:
    """The order of an epoch: a pure function of its arguments, the same in every process.

    Args:
        spans: All windows, those of a video together.
        shuffle: ``windows`` mixes all; ``videos`` mixes videos and keeps the windows of each together and in order,
            which reads the disk in runs; ``off`` leaves all as it is.
        seed: Of the run.
        epoch: Number of the pass.
    """
    if shuffle not in ("windows", "videos", "off"):
        raise StoreError(f"shuffle is {shuffle!r}; it is 'windows', 'videos' or 'off'")
    if shuffle == "off":
        return list(spans)
    order = random.Random(f"{seed}/{epoch}")
    if shuffle == "windows":
        mixed = list(spans)
        order.shuffle(mixed)
        return mixed
    videos = list(dict.fromkeys(span.video for span in spans))
    order.shuffle(videos)
    place = {video: index for index, video in enumerate(videos)}
    return sorted(spans, key=lambda span: place[span.video])


def share(items: Sequence[T], *, part: int, parts: int) -> Sequence[T]:
    """The contiguous share of one of several parts: together all items, none twice, sizes at most one apart."""
    if not 0 <= part < parts:
        raise StoreError(f"part {part} of {parts}: parts count from 0")
    return items[len(items) * part // parts : len(items) * (part + 1) // parts]


def this_process(rank: int | None, world: int | None) -> tuple[int, int]:
    """Rank and number of processes: as given, from torch.distributed, from a launcher's environment, or 0 of 1."""
    if (rank is None) != (world is None):
        raise StoreError("give both rank and world, or neither")
    if rank is None or world is None:
        rank, world = _distributed()
    if not 0 <= rank < world:
        raise StoreError(f"rank {rank} of {world}: ranks count from 0")
    return rank, world


def _distributed() -> tuple[int, int]:
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
