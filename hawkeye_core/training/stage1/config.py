"""Settings of stage 1's data."""

from __future__ import annotations

from typing import Literal

from hawkeye_core.settings import Settings

PairingKind = Literal["joint", "separate"]


class Stage1Settings(Settings):
    """Where motions and regions are; the features of the motions are in the run's `store`."""

    regions: str = "work/stage1/regions.jsonl"
    """Regions: JSON lines or Parquet of video, box, expression."""
    motions: str = "work/stage1/motions.jsonl"
    """Motions: JSON lines or Parquet of video, start, end, caption."""
    image_store: str = ""
    """Feature store of the images; empty: the run's `store` has them too."""
    pairing: PairingKind = "joint"
    """`joint` asks for a region and a motion at once (the paper); `separate` makes one-typed samples."""
