"""Settings of the vision backend; no heavy imports here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hawkeye_core.settings import Precision, Settings

Fit = Literal["squash", "crop", "pad"]


class VisionSettings(Settings):
    """A transformers vision tower, pooled to a few tokens a frame."""

    backend: Literal["clip"] = "clip"
    tower: str = "LanguageBind/Video-LLaVA-7B-hf"
    """Name or folder of a Video-LLaVA checkpoint (its video tower is used) or of a CLIP model; `shipped` for
    the small one in the package, trained on drawn scenes; or `tiny` for a small random tower (which needs
    `weights: untrained`)."""
    weights: Literal["pretrained", "untrained"] = "pretrained"
    """`untrained` builds the tower from its configuration alone, with random weights."""
    revision: str | None = None
    """Branch, tag or commit of a tower named on the Hugging Face hub; none takes its main branch."""
    layer: int = Field(default=-2, le=-1, ge=-64)
    """Hidden layer whose patch tokens are used (Video-LLaVA: the last but one)."""
    grid: int = Field(default=2, ge=1, le=16)
    """Patches are mean-pooled to grid x grid frame tokens."""
    fit: Fit = "squash"
    """How a frame becomes the tower's square: `squash` (whole frame, aspect not kept), `crop` (centre square, as
    Video-LLaVA was trained; a 16:9 frame loses 44 % of its width) or `pad` (whole frame, aspect kept, borders in
    the mean colour)."""
    precision: Precision = "float32"
    """Arithmetic of the tower. Part of the fingerprint, so that it does not silently follow the device."""
