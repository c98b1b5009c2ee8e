"""From settings to the data of stage 1."""

from __future__ import annotations

from feature_store.store import FeatureStore
from hawkeye_core.errors import AnnotationError
from hawkeye_core.training.annotations import Split
from hawkeye_core.training.stage1.config import Stage1Settings
from hawkeye_core.training.stage1.dataset import Stage1Dataset
from hawkeye_core.training.stage1.table import read_motions, read_regions


def open_stage1(settings: Stage1Settings, store: FeatureStore, *, split: Split, seed: int) -> Stage1Dataset:
    """The samples of a split.

    Args:
        settings: Where the tables are.
        store: Features of the motions, and of the images unless the settings name another store.
        split: ``test`` may have no samples.
        seed: Decides the pairs.

    Raises:
        AnnotationError: A table is missing or wrong, features are missing, or a training split has no samples.
        ConfigError, StoreError: The stores do not fit each other, or one cannot be opened.
    """
    regions, motions = read_regions(settings.regions, split=split), read_motions(settings.motions, split=split)
    images = FeatureStore.open(settings.image_store) if settings.image_store else store
    data = Stage1Dataset(regions, motions, images=images, clips=store, pairing=settings.pairing, seed=seed)
    if split == "train" and not len(data):
        empty = regions if not len(regions) else motions
        raise AnnotationError("has no row of split `train`", path=empty.path)
    return data
