"""Settings of the demonstration, and where its files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from hawkeye_core.datasets.reconsim.world_presets import has_validation
from hawkeye_core.settings import Settings


class DemoSettings(Settings):
    """Everything `make demo` needs to know."""

    folder: str = "work/demo"
    """Gets all files; a second run goes on with what is there."""
    preset: str = "demo"
    """World to draw: `demo`, or `tiny` for a look at how it goes (four videos, the numbers mean nothing)."""
    seed: int = Field(default=0, ge=0)
    """Of the world, of training and of the bootstrap."""
    jobs: int = Field(default=2, ge=1, le=64)
    """Processes that draw, videos extracted at the same time."""
    stage1_steps: int = Field(default=40, ge=1)
    """Optimiser steps of pre-tuning."""
    stage2_steps: int = Field(default=60, ge=1)
    """Optimiser steps of tuning: ten times through the videos, at a small rate (docs/demo.md)."""
    oracle: bool = True
    """Also train on graphs made of the truth, to see what the networks cost."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the pose and relation networks; `auto` takes bfloat16 where the CPU multiplies it (AMX)."""
    show: bool = True
    """Open the report in a browser, where there is one."""

    @property
    def arithmetic(self) -> str:
        """The precision, `auto` resolved for this machine."""
        if self.precision != "auto":
            return self.precision
        return "bfloat16" if multiplies_bfloat16() else "float32"

    @property
    def validated(self) -> bool:
        """Whether the world has validation videos."""
        return has_validation(self.preset)

    @property
    def paths(self) -> DemoPaths:
        """Where things lie."""
        return DemoPaths(Path(self.folder))


def multiplies_bfloat16() -> bool:
    """Whether this CPU has tiles for bfloat16 (AMX): the small networks then take two thirds of the time."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch
        return False
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


class DemoPaths:
    """Where the demonstration keeps what.

    Args:
        folder: Of the demonstration.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = folder / "world"
        self.videos = self.world / "videos"
        self.segments, self.validation = self.world / "segments.jsonl", self.world / "validation.jsonl"
        self.done = folder / "done"
        self.report = folder / "report.html"
        self.results = folder / "results.json"

    def store(self, graphs: str) -> Path:
        """Feature store of ``extracted`` or ``oracle`` graphs."""
        return self.folder / f"store-{graphs}"

    def run(self, system: str, stage: int) -> Path:
        """Training run of a system."""
        return self.folder / "runs" / f"{system}-stage{stage}"

    def evaluation(self, system: str) -> Path:
        """Tables and predictions of a system."""
        return self.folder / "eval" / system
