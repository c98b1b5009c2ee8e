"""Settings of one extraction run: which videos, which store, which backends."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hawkeye_core.pose.config import HigherHRNetSettings, PoseSettings
from hawkeye_core.relation.config import RelationSettings, RelTRSettings
from hawkeye_core.settings import Settings
from hawkeye_core.vision.config import VisionSettings


class ExtractSettings(Settings):
    """Everything `hawkeye extract` and the flow `extract-features` need to know."""

    videos: tuple[str, ...] = ("videos",)
    """Video files, folders (searched recursively) or glob patterns."""
    store: str = "work/store"
    """Folder or fsspec URL of the feature store; made if it does not exist."""
    fps: float = Field(default=8.0, gt=0, le=60)
    """Frames sampled a second of video (the paper: 8)."""
    pose: PoseSettings = HigherHRNetSettings()
    """Pose backend."""
    relations: RelationSettings = RelTRSettings()
    """Relation backend."""
    vision: VisionSettings = VisionSettings()
    """Vision tower."""
    batch_size: int = Field(default=8, ge=1, le=512)
    """Frames that go through the networks together."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the networks run; `auto` takes a GPU if there is one."""
    workers: int = Field(default=1, ge=1, le=64)
    """Videos extracted at the same time on this machine."""
    retries: int = Field(default=2, ge=0, le=10)
    """Times a video is tried again after a passing fault (a bad video is not)."""
