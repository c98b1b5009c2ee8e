"""One row of the two input tables of stage 1."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from hawkeye_core.settings import Settings
from hawkeye_core.training.annotations import Split
from hawkeye_core.training.stage1.text import has_words

MAX_TEXT = 2000
"""Longest expression or caption in characters; the longest real ones have a few hundred."""


def _worded(text: str) -> str:
    if not has_words(text):
        raise ValueError("the text has no letter and no digit")
    return text


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; texts and truth values are not taken for one."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_worded)]
VideoId = Annotated[str, Field(min_length=1)]


class Region(Settings):
    """A referring expression: ``{"video": id, "box": [x1, y1, x2, y2], "expression": text}``."""

    video: VideoId
    """Id of the image in the feature store; its first frame is the image."""
    box: tuple[Number, Number, Number, Number]
    """Pixels of the image, origin top left."""
    expression: Text
    split: Split = "train"
    note: str = ""
    """Anything a reader should know; not used."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        x1, y1, x2, y2 = self.box
        if x2 <= x1 or y2 <= y1:
            raise ValueError(f"box {[x1, y1, x2, y2]} must be x1 < x2, y1 < y2 (corners, not width and height)")
        return self


class Motion(Settings):
    """A captioned motion: ``{"video": id, "start": s, "end": s, "caption": text}``."""

    video: VideoId
    """Id of the clip in the feature store."""
    start: Annotated[Number, Field(ge=0)]
    """Seconds of the clip."""
    end: Annotated[Number, Field(ge=0)]
    """Seconds of the clip, not included."""
    caption: Text
    split: Split = "train"
    note: str = ""
    """Anything a reader should know; not used."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"a motion must end after its start, not {self.start} to {self.end}")
        return self
