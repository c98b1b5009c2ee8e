"""Settings of evaluation; no heavy imports here."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from hawkeye_core.evaluation.baselines.settings import BaselineSettings, check_model
from hawkeye_core.settings import Settings

Format = Literal["hawkeye", "seconds", "percent", "glue", "clips"]
"""Forms of predictions that can be scored; docs/predictions.md has an example of each."""


class ClipSettings(Settings):
    """How the answers about clips are read (format `clips`)."""

    first: Literal[0, 1] = 1
    """Number of the clip that a video begins with; the paper's code names them from 1."""
    length_s: float = Field(default=1.0, gt=0, le=3600)
    """Length of a clip in seconds."""
    yes: tuple[str, ...] = ("yes",)
    """First words of an answer, in small letters, that call the clip anomalous."""
    no: tuple[str, ...] = ("no",)
    """First words that do not; any other answer is unparsed."""

    @field_validator("yes", "no", mode="before")
    @classmethod
    def _quoted(cls, words: Any) -> Any:
        if isinstance(words, (list, tuple)) and any(isinstance(word, bool) for word in words):
            raise ValueError('YAML takes bare yes and no for true and false; write them in quotation marks: ["yes"]')
        return words

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        both = sorted(set(self.yes) & set(self.no))
        wrong = [word for word in (*self.yes, *self.no) if not word.isalnum() or word != word.lower()]
        if both or wrong or not self.yes:
            raise ValueError(f"`yes` and `no` are different words in small letters, not {both or wrong or 'none'}")
        return self


class EvalSettings(Settings):
    """Everything `hawkeye eval` needs to know."""

    store: str = "work/store"
    """Folder or URL of the feature store."""
    annotations: str = "tests/data/real_videos.jsonl"
    """Segments by video: JSON lines; with `predictions` also the table stage2.parquet of `make datasets`."""
    run: str = "work/runs/stage2"
    """Folder of the training run."""
    checkpoint: str = "last"
    """Which of its checkpoints: `last`, `best` (by F2 in training), or a name such as `step-000100`."""
    out: str = "work/eval"
    """Folder for tables and predictions."""
    split: Literal["train", "test", "val", "all"] = "test"
    """Which videos."""
    sentiment: Literal["S-S", "S-D"] | None = None
    """With `predictions` and a table: only the videos of this one of the paper's two kinds."""
    batch_size: int = Field(default=4, ge=1, le=1024)
    """Windows answered together."""
    max_new_tokens: int = Field(default=256, ge=1, le=8192)
    """Longest answer in tokens."""
    presence: float | None = Field(default=None, gt=0, lt=1)
    """Probability of an anomaly from which a window is answered with segments, whose scores are then multiplied by it;
    unset: greedy decoding, what the model finds likelier. F2 is highest for 0.1 to 0.2 where the model is unsure."""
    curve_threshold: float | None = Field(default=None, gt=0, lt=1)
    """Take the times of segments from the dense head, where the mean of its scores over a second reaches this; the
    language model says what happens there. Unset: the times are those of the answer's text, as in the paper."""
    curve: bool = True
    """Also ask about every second of a video, for the anomaly curve and the AUC of frames; a sixth of the time of the
    small model on a CPU (docs/predictions.md)."""
    seed: int = Field(default=0, ge=0)
    """Of the row of random clips."""
    device: Literal["auto", "cpu"] = "auto"
    """Where the model runs; `auto` takes a GPU if there is one."""
    predictions: str | None = None
    """Score this file (or, of clips, this folder) instead of a run: no model is loaded."""
    format: Format = "hawkeye"
    """Form of the predictions: `hawkeye` (JSON lines or Parquet), or answer texts of other systems."""
    model: str | None = None
    """Evaluate a baseline instead of a run: `hf:` and the name or folder of a video-text model of transformers, or
    `motion-energy`."""
    videos: str | None = None
    """With `model`: folder of the video files, named as the annotations name them."""
    baseline: BaselineSettings = BaselineSettings()
    """With `model=hf:...`: how it is asked and read."""
    name: str = Field(default="", max_length=40)
    """Name of the row; unset: `Hawkeye`, of a run without a part the paper's name for that (`w/o ASG`), of predictions
    the name of their file."""
    clips: ClipSettings = ClipSettings()
    """With `format=clips`."""

    @model_validator(mode="after")
    def _of_predictions(self) -> Self:
        if self.predictions is None and self.format != "hawkeye":
            raise ValueError(f"`format` {self.format} is the form of `predictions`, which is not set")
        if self.predictions is None and self.model is None and self.sentiment is not None:
            raise ValueError("`sentiment` needs `predictions` or `model`; of a run give the annotations s-s.jsonl or "
                             "s-d.jsonl")  # fmt: skip
        if self.curve_threshold is not None and self.presence is not None:
            raise ValueError("`presence` is for answers with times of their own; leave it out beside `curve_threshold`")
        if not self.name.isprintable():
            raise ValueError("`name` holds characters that cannot be printed")
        return self

    @model_validator(mode="after")
    def _of_baseline(self) -> Self:
        if self.model is not None:
            check_model(self.model)
        if self.model is not None and self.predictions is not None:
            raise ValueError("give `model` or `predictions`, not both")
        if (self.model is None) != (self.videos is None):
            raise ValueError("`model` and `videos` (the folder of its video files) are given together")
        return self
