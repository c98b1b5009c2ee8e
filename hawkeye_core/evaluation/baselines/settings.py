"""Settings of baselines; no heavy imports here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from hawkeye_core.settings import Settings

MOTION = "motion-energy"
"""Name of the baseline of frame differences."""
HF = "hf:"
"""What stands in front of a model of transformers: ``hf:`` and its name on the hub or its folder."""
QUESTION, VIDEO = "{question}", "{video}"
"""Places of a prompt template."""
DURATION = "{duration}"
"""Place of the length in a question: seconds with one decimal."""

Parser = Literal["seconds", "percent", "glue", "hawkeye"]
"""How answers are read: as the importers of ``--predictions`` do, or as Hawkeye's own answers."""


class BaselineSettings(Settings):
    """How a video-text model is asked and read (`--model hf:NAME`)."""

    frames: int = Field(default=8, ge=1, le=512)
    """Frames shown of a window, evenly; as many as the model was trained with (Video-LLaVA: 8)."""
    window_s: float | None = Field(default=None, ge=1, le=86_400, allow_inf_nan=False)
    """Length of a window in seconds, the next begins after three quarters of it; unset: the whole video at once."""
    question: str = Field(default="", max_length=4096)
    """What is asked; {duration} stands for the length of the window in seconds. Unset: the paper's question and a
    request for times in the form that `parser` reads."""
    prompt_template: str | None = Field(default=None, max_length=8192)
    """Text of the whole prompt, in which {video} stands for the model's own mark of a video and {question} for the
    question; unset: the chat template that comes with the model."""
    parser: Parser = "seconds"
    """How answers are read: seconds, percent, glue or hawkeye (docs/predictions.md)."""
    revision: str | None = Field(default=None, min_length=1, max_length=200)
    """Branch, tag or commit of the model on the hub."""

    @field_validator("question")
    @classmethod
    def _said(cls, question: str) -> str:
        if question and not question.strip():
            raise ValueError("is made of blanks only")
        return question

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        template = self.prompt_template
        if template is not None and not (template.count(QUESTION) == template.count(VIDEO) == 1):
            raise ValueError(f"`prompt_template` must have {QUESTION} and {VIDEO} once each")
        return self


def check_model(name: str) -> str:
    """The name of a baseline, if it is one.

    Raises:
        ValueError: It is neither ``motion-energy`` nor ``hf:`` and a name.
    """
    if name == MOTION or (name.startswith(HF) and name.removeprefix(HF).strip()):
        return name
    raise ValueError(f"`model` is {MOTION} or {HF}NAME (a hub name or a folder), not {name!r}")
