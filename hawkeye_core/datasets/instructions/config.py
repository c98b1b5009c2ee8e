"""Settings of `hawkeye data build` and of the flow `build-instructions`; no heavy imports."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hawkeye_core.datasets.instructions.phrasing import QUESTIONS
from hawkeye_core.settings import Settings

TimesSource = Literal["hivau-70k", "glancevad", "texts", "boxes", "none"]
"""Where the times of UCF-Crime's training videos come from."""


class Tsl300Settings(Settings):
    """TSL-300, the scene-sparsity set."""

    annotations: str
    """Folder with `videosenti_gt.json`, `len_duration_dict.json`, `fps_dict.json`, `split_*.txt`."""
    videos: str = ""
    """Folder of its videos; empty: they are not looked for."""
    exclude: tuple[str, ...] = ()
    """Videos to leave out; the paper filtered by hand and did not publish the list."""


class UcfCrimeSettings(Settings):
    """UCF-Crime, the scene-density set."""

    annotations: str
    """Folder with `Anomaly_Train.txt`, `Anomaly_Test.txt`, `Temporal_Anomaly_Annotation.txt`."""
    videos: str = ""
    """Folder of its videos, with the folders of the classes or without; empty: they are not looked for."""
    protocol: Literal["ucf-290", "ucf-140"] = "ucf-290"
    """Test on all 290 videos, or on the 140 anomalous ones."""
    normal_training: bool = False
    """Whether the 800 normal training videos are trained on too; the paper has the 810 anomalous ones."""
    times: TimesSource = "hivau-70k"
    """Of the training videos, which have no official times; the sources disagree (`hawkeye data agreement`)."""
    times_file: str = ""
    """Its file; empty: `hivau70k_ucf_train_events_compact.json` or `glancevad_ucf_glance_annotations.csv` in the folder
    of the annotations."""
    summaries: str = ""
    """HIVAU-70k's video summaries, which give the reasons; empty: `hivau70k_ucf_train_video_summary_anomalous.json` if
    it is in the folder of the annotations."""


class RefCocoSettings(Settings):
    """RefCOCO, the image regions of stage 1."""

    folder: str
    """The data folder of `refer.py`: it holds `refcoco/refs(unc).p` and `refcoco/instances.json`."""


class HumanML3DSettings(Settings):
    """HumanML3D, the motions of stage 1."""

    folder: str
    """With `new_joints`, `texts`, `train.txt`, `val.txt`, `test.txt`."""
    draw: bool = True
    """Draw the motions as clips with their joints, to be extracted; off: the table alone."""


class DatasetSettings(Settings):
    """Everything `hawkeye data build` needs to know; a set whose place is not given is left out."""

    out: str = "work/datasets"
    """Folder of the tables."""
    tsl300: Tsl300Settings | None = None
    """Scene-sparsity."""
    ucf_crime: UcfCrimeSettings | None = None
    """Scene-density."""
    refcoco: RefCocoSettings | None = None
    """Regions of stage 1."""
    humanml3d: HumanML3DSettings | None = None
    """Motions of stage 1."""
    store: str = ""
    """Feature store: videos it lacks are listed, and its graphs give reasons where nobody wrote one; empty: neither."""
    decode: bool = True
    """Open every video that is there and decode a frame."""
    phrasings: int = Field(default=len(QUESTIONS), ge=1, le=len(QUESTIONS))
    """Ways to ask stage 2's question; 1: the paper's alone."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of the phrasings, cameras and samples."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.tsl300 or self.ucf_crime or self.refcoco or self.humanml3d):
            raise ValueError(
                "no data set: give at least one place, such as tsl300.annotations=/data/tsl300 or "
                "ucf_crime.annotations=/data/ucf_crime"
            )
        return self
