"""Samples of stage 1: features of a motion and of an image region, with what to ask and to answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from feature_store.store import FeatureStore
from feature_store.window import Window
from hawkeye_core.training.stage1 import text
from hawkeye_core.training.stage1.checks import check_regions, frames_of_motions, require_same_tower
from hawkeye_core.training.stage1.config import PairingKind
from hawkeye_core.training.stage1.join import append_image
from hawkeye_core.training.stage1.pairing import NONE, pair
from hawkeye_core.training.stage1.table import Table
from hawkeye_core.training.windows import WindowSample, WindowSpec


@dataclass(frozen=True, slots=True)
class Stage1Spec(WindowSpec):
    """A window of ``motion`` frames and, behind them, the image's frame if ``stop`` says that there is one more.

    ``video`` names both, ``start`` is 0: the window's frames are counted on their own clock.
    """

    motion: int
    question: str


@dataclass(frozen=True, slots=True)
class Stage1Sample(WindowSample):
    """A window's features and the answer; ``segments`` is empty."""

    answer: str


class Stage1Dataset(Dataset[Stage1Sample]):
    """Motions paired with image regions; reads the stores, never a video.

    Sample ``i`` of epoch ``e`` is number ``e * len(self) + i``: the pairs of each epoch differ, and a number says all
    that is to know, in any worker and after any resume (:class:`EpochBatches` gives such numbers). Iteration gives
    epoch 0.

    Args:
        regions: Table of regions.
        motions: Table of motions.
        images: Store of the images.
        clips: Store of the motions; default: the same.
        pairing: See :func:`hawkeye_core.training.stage1.pairing.pair`.
        seed: Of the run.

    Raises:
        AnnotationError: Features are missing, or a row does not fit its video.
        ConfigError: The two stores were made with different vision towers.
    """

    def __init__(
        self, regions: Table, motions: Table, *, images: FeatureStore, clips: FeatureStore | None = None,
        pairing: PairingKind = "joint", seed: int = 0,
    ) -> None:  # fmt: skip
        self.regions, self.motions = regions, motions
        self.images, self.clips = images, images if clips is None else clips
        self.pairing: PairingKind = pairing
        self.seed = seed
        if len(regions) and len(motions):
            require_same_tower(self.images, self.clips)
        self.sizes = check_regions(self.images, regions)
        self.frames = frames_of_motions(self.clips, motions)
        self._pairs = (0, self._pair(0))

    def __len__(self) -> int:
        return len(self._pairs[1])

    def __iter__(self) -> Iterator[Stage1Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Stage1Sample:
        region, motion = self.rows(number)
        spec = self._spec(region, motion)
        words = (table.words(row) if row != NONE else None
                 for table, row in ((self.regions, region), (self.motions, motion)))  # fmt: skip
        return Stage1Sample(spec, self._window(region, motion, fps=spec.fps), (), text.answer(*words))

    def rows(self, number: int) -> tuple[int, int]:
        """Rows of the region and the motion of a sample, ``NONE`` for none.

        Raises:
            IndexError: The number is negative, or there are no samples.
        """
        if number < 0 or not len(self):
            raise IndexError(number)
        epoch, place = divmod(number, len(self))
        if self._pairs[0] != epoch:
            self._pairs = (epoch, self._pair(epoch))
        region, motion = self._pairs[1][place].tolist()
        return region, motion

    @property
    def specs(self) -> Sequence[WindowSpec]:
        """Of the samples of epoch 0, each made when it is asked for."""
        return _Specs(self)

    def spec(self, number: int) -> Stage1Spec:
        """What a sample's window is made of; reads no features."""
        return self._spec(*self.rows(number))

    def _pair(self, epoch: int) -> NDArray[np.int64]:
        return pair(len(self.regions), len(self.motions), kind=self.pairing, seed=self.seed, epoch=epoch)

    def _spec(self, region: int, motion: int) -> Stage1Spec:
        names, frames, box = [], 0, None
        if motion != NONE:
            names.append(self.motions.video(motion))
            start, stop = self.frames[motion].tolist()
            frames = stop - start
        if region != NONE:
            names.append(self.regions.video(region))
            width, height = self.sizes[self.regions.video_of[region]].tolist()
            box = text.coordinates(self.regions.numbers[region].tolist(), width=width, height=height)
        fps = (self.clips if motion != NONE else self.images).source(names[0]).fps
        return Stage1Spec(
            video="+".join(names), start=0, stop=frames + (region != NONE), fps=fps, motion=frames,
            question=text.question(box, motion=motion != NONE),
        )  # fmt: skip

    def _window(self, region: int, motion: int, *, fps: float) -> Window:
        if motion == NONE:
            return self.images.window(self.regions.video(region), 0, 1)
        start, stop = self.frames[motion].tolist()
        clip = self.clips.window(self.motions.video(motion), start, stop)
        if region == NONE:
            return clip
        return append_image(clip, self.images.window(self.regions.video(region), 0, 1), fps=fps)


class _Specs(Sequence[WindowSpec]):
    def __init__(self, data: Stage1Dataset) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    @overload
    def __getitem__(self, index: int) -> WindowSpec: ...
    @overload
    def __getitem__(self, index: slice) -> list[WindowSpec]: ...
    def __getitem__(self, index: int | slice) -> WindowSpec | list[WindowSpec]:
        numbers = range(len(self.data))[index]
        return [self.data.spec(n) for n in numbers] if isinstance(numbers, range) else self.data.spec(numbers)
