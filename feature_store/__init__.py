"""Feature store: Parquet shards of per-frame features, a catalog, readers. Knows no model and no orchestration."""
