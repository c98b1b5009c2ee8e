"""Settings of the report; no heavy imports here."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from hawkeye_core.evaluation.paper_numbers import DENSE, SPARSE
from hawkeye_core.settings import Settings

MAX_INPUTS = 500
"""Folders of one kind in one report."""


class ReportSettings(Settings):
    """Everything `hawkeye report` needs to know."""

    evaluations: tuple[str, ...] = Field(default=(), max_length=MAX_INPUTS)
    """Evaluation folders (`--eval`), each perhaps with the paper's data set in front: `S-D=work/eval/ucf`."""
    runs: tuple[str, ...] = Field(default=(), max_length=MAX_INPUTS)
    """Training runs for Figure 4 as `NAME=FOLDER`; runs of one name are seeds of one curve. Unset: those that the
    evaluations name, as far as they are there."""
    store: str | None = None
    """Feature store with the skeletons, boxes and relations of Figure 5; unset: that of the first folder, if it is
    there."""
    videos: str | None = None
    """Folder of the videos, for the pictures of Figure 5; without it graphs are drawn on a blank canvas."""
    out: str = "work/report"
    """Folder for tables, figures and the page."""
    title: str = Field(default="Hawkeye: evaluation", min_length=1, max_length=200)
    """Of the page."""
    data: str = Field(default="", max_length=40)
    """Name of the data set of folders that have none in front, such as `ReconSim`."""
    quoted: bool = True
    """Print the paper's own rows beside the measured ones."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of the row of random clips and of the bootstrap."""
    draws: int = Field(default=2000, ge=100, le=100_000)
    """Draws of the bootstrap over videos."""
    shown: int = Field(default=4, ge=0, le=40)
    """Videos in Figure 5 for each data set."""
    stills: int = Field(default=6, ge=2, le=12)
    """Pictures a video."""
    loss: str = Field(default="lm_loss", min_length=1, max_length=40)
    """Which value of `metrics.jsonl` Figure 4 shows."""
    width: float = Field(default=0.02, gt=0, le=0.25)
    """Standard deviation of the smoothing of Figure 4, as a part of the run's steps."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.title.isprintable() or not self.data.isprintable():
            raise ValueError("`title` and `data` must be printable")
        if self.data in (SPARSE, DENSE):
            raise ValueError(f"put `{self.data}=` in front of the folders of this data set instead of setting `data`")
        for text in self.runs:
            name, equals, folder = text.partition("=")
            if not equals or not name.strip() or not folder or not name.isprintable() or len(name) > 80:
                raise ValueError(f"`runs`: {text[:80]!r} is not NAME=FOLDER")
        named = [data in (SPARSE, DENSE) for data, _ in self.folders()]
        if any(named) and not all(named):
            raise ValueError("put a data set (S-S= or S-D=) in front of all evaluation folders, or of none")
        return self

    def folders(self) -> list[tuple[str, str]]:
        """Data set and folder of every evaluation, in the order given."""
        found = []
        for text in self.evaluations:
            data, equals, folder = text.partition("=")
            found.append((data, folder) if equals and data in (SPARSE, DENSE) else (self.data, text))
        return found
