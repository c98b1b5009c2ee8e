"""Settings of evaluation; no heavy imports here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hawkeye_core.settings import Settings


class EvalSettings(Settings):
    """Everything `hawkeye eval` needs to know."""

    store: str = "work/store"
    """Folder or URL of the feature store."""
    annotations: str = "tests/data/real_videos.jsonl"
    """Segments by video, JSON lines."""
    run: str = "work/runs/stage2"
    """Folder of the training run."""
    checkpoint: str = "last"
    """Which of its checkpoints: `last`, `best` (by F2 in training), or a name such as `step-000100`."""
    out: str = "work/eval"
    """Folder for tables and predictions."""
    split: Literal["train", "test", "all"] = "test"
    """Which videos."""
    batch_size: int = Field(default=4, ge=1, le=1024)
    """Windows answered together."""
    max_new_tokens: int = Field(default=256, ge=1, le=8192)
    """Longest answer in tokens."""
    presence: float | None = Field(default=None, gt=0, lt=1)
    """Probability of an anomaly from which a window is answered with segments, whose scores are then multiplied by it;
    unset: greedy decoding, what the model finds likelier. F2 is highest for 0.1 to 0.2 where the model is unsure."""
    seed: int = Field(default=0, ge=0)
    """Of the row of random clips."""
    device: Literal["auto", "cpu"] = "auto"
    """Where the model runs; `auto` takes a GPU if there is one."""
