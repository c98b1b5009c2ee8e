"""Settings of the pose backends; no heavy imports here, so that a form or ``--help`` opens at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from hawkeye_core.settings import Precision, Settings

HigherHRNetSize = Literal["w32-512", "w48-640", "tiny"]


class HigherHRNetSettings(Settings):
    """The paper's pose estimator (HigherHRNet, CVPR 2020), own implementation."""

    backend: Literal["higherhrnet"] = "higherhrnet"
    size: HigherHRNetSize = "w32-512"
    """Network width and input size; `tiny` is a small network for tests and the demo."""
    weights: str = "weights/pose_higher_hrnet_w32_512.pth"
    """Path of the official checkpoint; or `shipped` for those in the package (`tiny` only, trained on drawn scenes); or
    `untrained` for random weights (everything made from them says so)."""
    flip_test: bool = True
    """Also run the mirrored frame and average (official default; twice the time, about 1 AP)."""
    scale_factors: tuple[Annotated[float, Field(gt=0, le=4)], ...] = (1.0,)
    """Input sizes whose heatmaps are averaged, as factors of the network's own, which must be among them."""
    project_to_image: bool = True
    """Resize heatmaps to the size of the input before people are found (official default). Without, they are found in
    the finer output's cells of two pixels: half the work after the network, positions almost as good."""
    max_people: int = Field(default=30, ge=1, le=100)
    """People kept a frame."""
    detection_threshold: float = Field(default=0.1, ge=0, le=1)
    """Heatmap score a joint candidate needs."""
    tag_threshold: float = Field(default=1.0, gt=0)
    """Largest tag distance at which a joint still joins a person."""
    reach: float | None = Field(default=None, gt=0, le=10)
    """Share of the input's shorter side beyond which a joint is too far from the middle of a person's others to be
    theirs; the distance counts together with that of the tags. None: tags alone decide, as in the original, which
    takes a network whose tags tell people apart wherever they stand (`tiny`: 0.45)."""
    min_person_score: float = Field(default=0.0, ge=0, le=1)
    """People whose mean joint score is lower are dropped; 0 keeps all, as the original does."""
    precision: Precision = "float32"
    """Arithmetic of the network; half precision is faster on GPUs, `bfloat16` also on CPUs that multiply it (AMX)."""

    @model_validator(mode="before")
    @classmethod
    def _default_reach(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("size") == "tiny":
            return {"reach": 0.45, **values}
        return values

    @field_validator("scale_factors")
    @classmethod
    def _scales(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if 1.0 not in value or len(set(value)) != len(value):
            raise ValueError(f"scale_factors must be distinct and contain 1.0 (tags are read there), got {value}")
        return value


class YoloPoseSettings(Settings):
    """Ultralytics YOLO-pose (AGPL-3.0, extra `yolo`)."""

    backend: Literal["yolo"] = "yolo"
    weights: str = "yolo11n-pose.pt"
    """Path, or a published name that ultralytics fetches itself, or a model `.yaml` for random weights."""
    confidence: float = Field(default=0.25, ge=0, le=1)
    """Score a person needs."""
    iou: float = Field(default=0.7, gt=0, le=1)
    """IoU of non-maximum suppression."""
    image_size: int = Field(default=640, ge=32, le=4096)
    """Longer side of the network's input in pixels."""
    max_people: int = Field(default=30, ge=1, le=300)
    """People kept a frame."""


class SidecarPoseSettings(Settings):
    """Import poses that were computed elsewhere."""

    backend: Literal["sidecar"] = "sidecar"
    path: str
    """Folder (or template with `{video}`) of COCO-keypoint JSON or `.npy` files, one a video or one a frame."""
    format: Literal["coco", "npy"] = "coco"
    """`coco`: COCO keypoint results; `npy`: the layout of the paper's released code, (people, 17, 5) a frame."""
    numbering: Literal["sampled", "source"] = "source"
    """Whether the files count frames of the source video or the frames sampled at 8 per second."""
    first_frame: int = Field(default=0, ge=0)
    """Number the files give to the first frame (0; pictures written by ffmpeg count from 1)."""
    columns: tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt] = (0, 1, 2)
    """`npy` only: which of a joint's columns (from 0) are x, y in pixels and the score. The default is what
    HigherHRNet's grouping writes with flip test: x, y, score, tag, tag."""


PoseSettings = Annotated[HigherHRNetSettings | YoloPoseSettings | SidecarPoseSettings, Field(discriminator="backend")]
