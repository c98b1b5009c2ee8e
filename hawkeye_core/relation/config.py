"""Settings of the relation backends; no heavy imports here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hawkeye_core.settings import Precision, Settings

RelTRSize = Literal["r50", "tiny"]


class RelTRSettings(Settings):
    """The paper's scene graph generator (RelTR, TPAMI 2023), own implementation."""

    backend: Literal["reltr"] = "reltr"
    size: RelTRSize = "r50"
    """Network size; `tiny` is a small network for tests and the demo."""
    weights: str = "weights/reltr_checkpoint0149.pth"
    """Path of the official Visual Genome checkpoint (`checkpoint0149.pth`); or `shipped` for those in the package
    (`tiny` only, trained on drawn scenes); or `untrained` for random weights."""
    short_side: int = Field(default=800, ge=64, le=2048)
    """Frames are resized so that the shorter side has this many pixels (the original: 800; `tiny`: 192)."""
    long_side: int = Field(default=1333, ge=64, le=4096)
    """... unless the longer side would exceed this (the original: 1333; `tiny`: 358)."""
    threshold: float = Field(default=0.3, ge=0, le=1)
    """Subject, predicate and object each need a probability above this."""
    max_relations: int = Field(default=10, ge=1, le=200)
    """Triplets kept a frame, best first (the original demo: 10)."""
    exclude_background: bool = True
    """Leave out class 0 (`N/A`, `__background__`); the original demo does not."""
    merge_iou: float = Field(default=0.7, gt=0, le=1)
    """Boxes of one class that overlap more than this are one object of the graph."""
    precision: Precision = "float32"
    """Arithmetic of the network; half precision is faster on GPUs, `bfloat16` also on CPUs that multiply it (AMX)."""

    @model_validator(mode="before")
    @classmethod
    def _default_input_size(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("size") == "tiny":
            return {"short_side": 192, "long_side": 358, **values}
        return values


class YoloRelationSettings(Settings):
    """Ultralytics detection plus geometric predicates (AGPL-3.0, extra `yolo`)."""

    backend: Literal["yolo"] = "yolo"
    weights: str = "yolo11n.pt"
    """Path, or a published name that ultralytics fetches itself, or a model `.yaml` for random weights."""
    confidence: float = Field(default=0.25, ge=0, le=1)
    """Score an object needs."""
    iou: float = Field(default=0.7, gt=0, le=1)
    """IoU of non-maximum suppression."""
    image_size: int = Field(default=640, ge=32, le=4096)
    """Longer side of the network's input in pixels."""
    max_objects: int = Field(default=20, ge=1, le=300)
    """Objects kept a frame."""
    max_relations: int = Field(default=30, ge=1, le=1000)
    """Relations kept a frame."""


class SidecarRelationSettings(Settings):
    """Import scene graphs that were computed elsewhere."""

    backend: Literal["sidecar"] = "sidecar"
    path: str
    """Folder (or template with `{video}`) of RelTR-style JSON files or of `.npy` files."""
    format: Literal["json", "npy"] = "json"
    """`json`: triplets with boxes; `npy`: the layout of the paper's released code, (n, 353) = 51 + 151 + 151."""
    numbering: Literal["sampled", "source"] = "source"
    """Whether the files count frames of the source video or the frames sampled at 8 per second."""
    first_frame: int = Field(default=0, ge=0)
    """Number the files give to the first frame (0; pictures written by ffmpeg count from 1)."""
    threshold: float = Field(default=0.0, ge=0, le=1)
    """Triplets whose score is lower are dropped."""
    merge_iou: float = Field(default=0.7, gt=0, le=1)
    """`json` only: boxes of one class that overlap more than this are one object of the graph."""


RelationSettings = Annotated[
    RelTRSettings | YoloRelationSettings | SidecarRelationSettings, Field(discriminator="backend")
]
