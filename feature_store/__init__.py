"""Feature store: Parquet shards of per-frame features, a catalog, readers. Knows no model and no orchestration."""

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns, VisionColumns
from feature_store.errors import ShardCorruptError, StoreError, StoreMissingError, VideoUnknownError
from feature_store.fingerprint import FAMILIES, Family, Fingerprint
from feature_store.records import CommitRecord, VideoSource
from feature_store.store import FeatureStore

__all__ = [
    "FAMILIES",
    "CommitRecord",
    "Family",
    "FeatureStore",
    "Fingerprint",
    "FrameColumns",
    "PoseColumns",
    "RelationColumns",
    "ShardCorruptError",
    "StoreError",
    "StoreMissingError",
    "VideoSource",
    "VideoUnknownError",
    "VisionColumns",
]
