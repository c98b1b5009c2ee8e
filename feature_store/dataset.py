"""Torch data sets over the windows of a store. Use ``collate_fn`` to pad; the windows of a batch differ in length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from feature_store.fingerprint import FAMILIES, Family
from feature_store.store import FeatureStore
from feature_store.window import Window
from feature_store.window_plan import (
    WINDOW_FRAMES,
    WINDOW_HOP,
    Shuffle,
    WindowSpan,
    in_order,
    share,
    spans_of,
    this_process,
)


class WindowDataset(Dataset[Window]):
    """All windows of a store, by number: videos by id, windows by start.

    A DataLoader splits it over its workers; :class:`WindowSampler` splits it over processes.

    Args:
        store: Where to read.
        length: Frames of a window; the last of a video may be shorter.
        hop: Frames from one window's start to the next.
        videos: Ids; default: all that have every family.
        families: Which features to read.
        fingerprints: Digest by family where there is more than one. Chosen here, once and for all.
    """

    def __init__(
        self, store: FeatureStore, *, length: int = WINDOW_FRAMES, hop: int = WINDOW_HOP,
        videos: Sequence[str] | None = None, families: Sequence[Family] = FAMILIES,
        fingerprints: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.store = store
        self.families = tuple(families)
        choice = store.choose(self.families, fingerprints=fingerprints)
        self.fingerprints: Mapping[str, str] = {str(family): digest for family, digest in choice.items()}
        chosen = videos if videos is not None else store.videos(families=self.families, fingerprints=self.fingerprints)
        self.spans = [
            span
            for video in chosen
            for span in spans_of(video, self._n_frames(video), length=length, hop=hop)
        ]  # fmt: skip

    def _n_frames(self, video: str) -> int:
        return self.store.n_frames(video, families=self.families, fingerprints=self.fingerprints)

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: int) -> Window:
        return self.read(self.spans[index])

    def read(self, span: WindowSpan) -> Window:
        """The window of a span."""
        return self.store.window(*span, families=self.families, fingerprints=self.fingerprints)


class WindowSampler(Sampler[int]):
    """One process's share of a :class:`WindowDataset`: over all processes every window once, none twice.

    Shares may differ by one window. Loops that must take equal steps (DDP) have to end with the shortest.

    Args:
        dataset: What to sample.
        shuffle: See :func:`feature_store.window_plan.in_order`.
        seed: Of the run.
        epoch: Number of the pass; the order depends on seed and epoch alone.
        rank: This process; default from torch.distributed or the launcher.
        world: Number of processes.
    """

    def __init__(
        self, dataset: WindowDataset, *, shuffle: Shuffle = "windows", seed: int = 0, epoch: int = 0,
        rank: int | None = None, world: int | None = None,
    ) -> None:  # fmt: skip
        self._spans = dataset.spans
        self._shuffle: Shuffle = shuffle
        self._seed = seed
        self.epoch = epoch
        self._rank, self._world = this_process(rank, world)

    def __len__(self) -> int:
        return len(share(range(len(self._spans)), part=self._rank, parts=self._world))

    def __iter__(self) -> Iterator[int]:
        number = {span: index for index, span in enumerate(self._spans)}
        order = in_order(self._spans, shuffle=self._shuffle, seed=self._seed, epoch=self.epoch)
        yield from (number[span] for span in share(order, part=self._rank, parts=self._world))


class StreamingWindows(IterableDataset[Window]):
    """Windows one after another, split over processes and DataLoader workers: every window once, none twice.

    Each process takes a contiguous share of the epoch's order, and each of its workers a share of that, so that the
    windows of a video are mostly read by one worker in a row.

    Args:
        dataset: Which windows.
        shuffle: See :func:`feature_store.window_plan.in_order`.
        seed: Of the run.
        rank: This process; default from torch.distributed or the launcher, as they are now.
        world: Number of processes.
    """

    def __init__(
        self, dataset: WindowDataset, *, shuffle: Shuffle = "videos", seed: int = 0, rank: int | None = None,
        world: int | None = None,
    ) -> None:  # fmt: skip
        self.dataset = dataset
        self._shuffle: Shuffle = shuffle
        self._seed = seed
        # Asked for here and not in __iter__: a DataLoader worker is no member of the process group.
        self._rank, self._world = this_process(rank, world)
        # In shared memory, so that persistent workers see the next epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """The order of the next iteration depends on seed and epoch; also reaches persistent workers."""
        self._epoch.fill_(epoch)

    def spans(self) -> Sequence[WindowSpan]:
        """What this process (and this DataLoader worker, inside one) reads in the present epoch."""
        order = in_order(self.dataset.spans, shuffle=self._shuffle, seed=self._seed, epoch=int(self._epoch))
        mine = share(order, part=self._rank, parts=self._world)
        worker = get_worker_info()
        return mine if worker is None else share(mine, part=worker.id, parts=worker.num_workers)

    def __iter__(self) -> Iterator[Window]:
        return map(self.dataset.read, self.spans())

    # No __len__: a DataLoader would compare it with what one worker yields.
