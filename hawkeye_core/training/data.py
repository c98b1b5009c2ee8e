"""What a stage learns from: samples, their order, how they become batches, and digests of all that was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset, Subset

from feature_store.store import FeatureStore
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.annotations import of_split, read_annotations
from hawkeye_core.training.collate import Collator
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.held_out import HeldOut, HeldOutVideos
from hawkeye_core.training.order import MicroBatches, PlacedBatches, StepBatches
from hawkeye_core.training.record import store_fingerprints
from hawkeye_core.training.stage1.build import open_stage1
from hawkeye_core.training.stage1.collate import Stage1Collator
from hawkeye_core.training.stage1.config import Stage1Settings
from hawkeye_core.training.stage1.dataset import Stage1Dataset
from hawkeye_core.training.stage1.order import EpochBatches
from hawkeye_core.training.stop import ignore_stop
from hawkeye_core.training.variation import VariedWindows
from hawkeye_core.training.windows import WindowDataset, require_features


@dataclass(frozen=True)
class StageData:
    """The data of a stage."""

    train: WindowDataset | Stage1Dataset
    held_out: HeldOut
    collator: type[Collator]
    order: type[StepBatches]
    lengths: Sequence[int] | None
    """Frames of each sample, to put like lengths into one batch; None where the order is free."""
    inputs: dict[str, str]
    """SHA-256 of the tables that were read, by name."""
    fingerprints: dict[str, str]
    """Digest of the features by family."""
    untrained: tuple[str, ...]
    """Families whose networks had random weights."""

    @property
    def vision_width(self) -> int:
        """D of the stored vision tokens."""
        return int(self.train[0].window.vision.masked_token.shape[-1])  # type: ignore[union-attr]

    def batches(self, settings: TrainSettings, *, steps: int, first_step: int) -> StepBatches:
        """Numbers of the samples of each step from ``first_step`` on."""
        return self.order(
            len(self.train), batch_size=settings.batch_size, steps=steps, seed=settings.seed, first_step=first_step,
            lengths=self.lengths if settings.bucket else None,
        )  # fmt: skip

    def loader(
        self, settings: TrainSettings, collate: Collator, *, steps: int, first_step: int, rank: int, world: int
    ) -> DataLoader[Any]:
        """Pieces of the steps from ``first_step`` on, those of process ``rank`` of ``world``."""
        chosen = self.batches(settings, steps=steps, first_step=first_step)
        batches: StepBatches | PlacedBatches = chosen
        shown: Dataset[Any] = self.train
        if settings.variation is not None and isinstance(self.train, WindowDataset):
            shown, batches = VariedWindows(self.train, settings.variation, seed=settings.seed), PlacedBatches(chosen)
        return DataLoader(
            shown,
            batch_sampler=MicroBatches(batches, accumulate=settings.accumulate, rank=rank, world=world),
            collate_fn=collate,
            num_workers=settings.workers,
            worker_init_fn=ignore_stop,
            generator=torch.Generator(),  # its own: the global one belongs to the model
        )


def open_data(settings: TrainSettings, accelerator: Accelerator) -> StageData:
    """Open and check all that a run learns from: stage 1 if ``settings.stage1`` is there, else stage 2.

    Raises:
        AnnotationError: A table is missing or wrong, videos have no features, or there is nothing to train on.
        ConfigError, StoreError: A store cannot be opened, or two stores do not fit each other.
    """
    store = FeatureStore.open(settings.store)
    if settings.stage1 is None:
        return _stage2(settings, store, accelerator)
    return _stage1(settings, settings.stage1, store, accelerator)


def _stage2(settings: TrainSettings, store: FeatureStore, accelerator: Accelerator) -> StageData:
    annotations = read_annotations(settings.annotations)
    require_features(store, annotations, path=settings.annotations)
    training = of_split(annotations, "train")
    if not training:
        raise AnnotationError("has no video of split `train`", path=settings.annotations)
    train = WindowDataset(store, training, length=settings.window_frames, hop=settings.hop_frames)
    held_out = HeldOutVideos(store, of_split(annotations, "test"), settings=settings, accelerator=accelerator)
    fingerprints, untrained = store_fingerprints(store)
    return StageData(
        train, held_out, Collator, StepBatches, [spec.stop - spec.start for spec in train.specs],
        {"annotations": sha256_of(settings.annotations)}, fingerprints, untrained,
    )  # fmt: skip


def _stage1(
    settings: TrainSettings, stage1: Stage1Settings, store: FeatureStore, accelerator: Accelerator
) -> StageData:
    train = open_stage1(stage1, store, split="train", seed=settings.seed)
    test = open_stage1(stage1, store, split="test", seed=settings.seed)
    mine = Subset(test, range(accelerator.process_index, len(test), accelerator.num_processes))
    fingerprints, untrained = store_fingerprints(store)
    if stage1.image_store:
        images, more = store_fingerprints(train.images)
        fingerprints |= {f"images/{family}": digest for family, digest in images.items()}
        untrained = (*untrained, *(family for family in more if family not in untrained))
    return StageData(
        train, HeldOut(mine, count=len(test), settings=settings, accelerator=accelerator), Stage1Collator,
        EpochBatches, None,  # a motion lasts a second: all samples are about as long
        {"regions": sha256_of(stage1.regions), "motions": sha256_of(stage1.motions)}, fingerprints, untrained,
    )  # fmt: skip
