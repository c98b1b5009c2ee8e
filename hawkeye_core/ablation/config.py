"""Settings of the ablation study, and where its files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from hawkeye_core.ablation.variants import KEYS, Variant, chosen
from hawkeye_core.datasets.reconsim.world_presets import PRESETS, has_validation
from hawkeye_core.settings import Settings


class AblationSettings(Settings):
    """Everything `make ablation` needs to know."""

    folder: str = "work/ablation"
    """Gets all files; a second run goes on with what is there."""
    preset: str = "small"
    """World to draw: `small`, or `tiny` for a look at how it goes (four videos, the numbers mean nothing)."""
    world_seed: int = Field(default=0, ge=0)
    """Of the world."""
    graphs: Literal["oracle", "extracted"] = "oracle"
    """Graphs made of the truth, so that the parts are measured and not the networks before them; or `extracted` from
    the pixels by the package's networks."""
    variants: tuple[str, ...] = ()
    """Keys of the rows, such as `[hawkeye, no-asg]`; none: all."""
    seeds: int = Field(default=5, ge=1, le=100)
    """Trainings of stage 2 a row, with seeds 0, 1, ..."""
    pretune_seed: int = Field(default=0, ge=0, lt=2**31)
    """Of stage 1, of which a row has one."""
    select: Literal["test", "val"] = "test"
    """Videos that are evaluated: `test`, or `val` (validation) for making choices. Training is the same."""
    label_steps: int = Field(default=600, ge=0)
    """Steps in which a row's scene modules learn labels of frames, before stage 1; 0: none."""
    label_worlds: tuple[str, ...] = ()
    """Further drawn worlds (`hawkeye reconsim draw`) of which all videos are learned from there; labels are told of no
    anomaly, and more videos are what they are learned better with."""
    label_stores: tuple[str, ...] = ()
    """Feature store of each of them, with graphs like those of the study."""
    stage1: str = "ablation-stage1"
    """Preset or YAML file of stage 1."""
    stage2: str = "ablation-stage2"
    """Preset or YAML file of stage 2."""
    stage1_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps of stage 1 in place of the preset's."""
    stage2_steps: int | None = Field(default=None, ge=3)
    """Optimiser steps of stage 2 in place of the preset's; the report's loss curves need three."""
    curve_threshold: float | None = Field(default=0.1, gt=0, lt=1)
    """Where the dense head finds at least this, there is a segment, in all rows (docs/demo.md); `null` leaves the times
    to the answers' texts, as in the paper."""
    presence: float | None = Field(default=None, gt=0, lt=1)
    """With times of the texts: probability of an anomaly from which a window is answered with segments."""
    jobs: int = Field(default=2, ge=1, le=64)
    """Commands at a time, each of one thread."""
    nice: int = Field(default=10, ge=0, le=19)
    """Lowers the priority, so that other work on the machine goes first."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := [key for key in self.variants if key not in KEYS]:
            raise ValueError(f"no variant {unknown[0]!r}; there are {', '.join(KEYS)}")
        if self.preset not in PRESETS:
            raise ValueError(f"no world {self.preset!r}; there are {', '.join(PRESETS)}")
        if self.select == "val" and not has_validation(self.preset):
            raise ValueError(f"the world {self.preset!r} has no validation videos; `small` has")
        if len(self.label_worlds) != len(self.label_stores):
            raise ValueError(f"{len(self.label_worlds)} label_worlds and {len(self.label_stores)} label_stores")
        return self

    @property
    def rows(self) -> tuple[Variant, ...]:
        """The chosen variants, in the order of the table."""
        return chosen(self.variants)

    @property
    def paths(self) -> AblationPaths:
        """Where things lie."""
        return AblationPaths(self)


class AblationPaths:
    """Where the study keeps what.

    Args:
        settings: Of the study.
    """

    def __init__(self, settings: AblationSettings) -> None:
        folder, world = Path(settings.folder), f"{settings.preset}-{settings.world_seed}"
        self.folder = folder
        self.world = folder / f"world-{world}"
        self.videos = self.world / "videos"
        self.store = folder / f"store-{world}-{settings.graphs}"
        self.test_segments, self.val_segments = self.world / "segments.jsonl", self.world / "validation.jsonl"
        self.segments = self.test_segments if settings.select == "test" else self.val_segments
        self.evaluations = folder / f"eval-{settings.select}"
        self.report = folder / f"report-{settings.select}"
        self.done, self.logs = folder / "done", folder / "logs"
        self.settings = folder / "settings.yaml"

    def labels(self, variant: Variant) -> Path:
        """Run in which a variant's scene modules learn labels of frames."""
        return self.folder / "runs" / f"{variant.key}-labels"

    def pretuned(self, variant: Variant) -> Path:
        """Run of stage 1 that a variant begins with."""
        return self.folder / "runs" / f"{variant.key}-stage1"

    def run(self, variant: Variant, seed: int) -> Path:
        """Run of stage 2."""
        return self.folder / "runs" / f"{variant.key}-seed{seed}"

    def evaluation(self, variant: Variant, seed: int) -> Path:
        """Tables and predictions of a run."""
        return self.evaluations / f"{variant.key}-seed{seed}"
