"""Settings of training. Only the model's configuration is imported, so that ``--help`` opens at once."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hawkeye_core.settings import Settings
from hawkeye_core.training.model_settings import BackboneSettings, LoraSettings, SceneSettings
from hawkeye_core.training.stage1.config import Stage1Settings

DEFAULT_STEPS = 40

FREE_ON_RESUME = frozenset(
    {"store", "annotations", "stage1.regions", "stage1.motions", "stage1.image_store", "start", "run", "resume",
     "resume_from", "workers", "checkpoint_every", "keep_last", "eval_every", "eval_new_tokens", "tensorboard", "wandb",
     "peak_tflops"}
)  # fmt: skip
"""Settings that a resumed run may change: they do not touch the weights. The content of stores, tables and the start is
compared by its digest instead of by its place."""


class VariationSettings(Settings):
    """How training shows a window otherwise each time, so that few videos are not learned by heart (stage 2)."""

    crop: float = Field(default=0.0, ge=0, lt=1)
    """Largest share of a window that is left out at its ends; when something happens is then no rule."""
    geometry: bool = False
    """Joints and boxes mirrored or not, enlarged and moved, alike in all frames; the picture's tokens stay."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """Largest level of uncertainty added to graphs: missed people, joints, things and relations, lower scores."""


class TrainSettings(Settings):
    """Everything `hawkeye train` needs to know: stage 2 (IasDig tuning), or with `stage1` the pre-tuning before it."""

    store: str = "work/store"
    """Folder or URL of the feature store."""
    annotations: str = "tests/data/real_videos.jsonl"
    """Segments by video, JSON lines (stage 2)."""
    stage1: Stage1Settings | None = None
    """Tables of stage 1: motions paired with image regions; without them this is stage 2."""
    start: str = ""
    """Run or checkpoint whose weights training begins with, such as a run of stage 1; empty: the backbone's own."""
    pretuned: bool = True
    """Off: begin without `start`, the paper's "w/o pre-tuning"."""
    run: str = "work/runs/stage2"
    """Folder of the run; an earlier run there is kept under a numbered name."""
    resume: bool = False
    """Go on with the run in that folder where its last checkpoint stands."""
    resume_from: str = ""
    """Name of another checkpoint to go on from, such as `step-000020`; needs `resume`."""
    steps: int | None = Field(default=None, ge=0)
    """Optimiser steps; 40 if neither this nor `epochs` is set. 0 learns nothing: what it begins with is measured on the
    test split and, with `calibrate`, calibrated, as a mean of runs should be."""
    epochs: float | None = Field(default=None, gt=0)
    """Times every window is seen, in place of `steps`."""
    batch_size: int = Field(default=4, ge=1, le=4096)
    """Windows a step, over all processes and pieces."""
    accumulate: int = Field(default=1, ge=1, le=4096)
    """Pieces a step's batch is computed in, one after another; the results are the same, the memory is less."""
    bucket: bool = True
    """Put windows of like length into one batch: less padding."""
    lr: float = Field(default=2e-5, gt=0)
    """Highest learning rate (the paper: 2e-5)."""
    warmup_ratio: float = Field(default=0.03, ge=0, le=1)
    """Part of the steps in which the rate rises; behind it, it falls as a cosine to 0."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Of AdamW."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """`bf16`: matrix products in bfloat16, weights and optimiser as they are."""
    gradient_checkpointing: bool = False
    """Compute the layers of language model and experts again in the backward pass: less memory, a third more time."""
    window_frames: int = Field(default=512, ge=1)
    """Longest window in frames (512 = 64 s)."""
    hop_frames: int = Field(default=384, ge=1)
    """Frames between the starts of two windows."""
    variation: VariationSettings | None = None
    """How windows differ from one time to the next (stage 2); without, they are always the same."""
    workers: int = Field(default=0, ge=0, le=256)
    """Processes that read and collate windows ahead; 0 does it in the trainer."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps between checkpoints to resume from; a killed run loses at most as many."""
    keep_last: int = Field(default=2, ge=1)
    """How many of them are kept."""
    eval_every: int = Field(default=0, ge=0)
    """Steps between evaluations on the test split (loss and F2, the best checkpoint is kept); 0: only the loss, at
    the end."""
    eval_new_tokens: int = Field(default=128, ge=1, le=8192)
    """Longest answer in these evaluations, in tokens."""
    calibrate: bool = False
    """At the end, fit the dense head's probabilities on the test split of the annotations, which should then hold
    validation videos (stage 2, `model.dense_head`)."""
    tensorboard: bool = True
    """Write TensorBoard events, if tensorboard is installed."""
    wandb: str = ""
    """Project of Weights & Biases to log to; none if empty."""
    peak_tflops: float = Field(default=0.0, ge=0)
    """Peak of one device in 1e12 FLOP/s at this precision (A100 bf16: 312), for MFU; 0 leaves MFU out."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Decides new weights and the order of the windows."""
    device: Literal["auto", "cpu"] = "auto"
    """Where training runs; `auto` takes a GPU if there is one."""
    backbone: BackboneSettings = BackboneSettings()
    """The language model."""
    lora: LoraSettings | None = None
    """Adapters, with the language model frozen; without them everything is trained."""
    model: SceneSettings = SceneSettings()
    """The scene modules."""

    @model_validator(mode="after")
    def _covers(self) -> Self:
        if self.hop_frames > self.window_frames:
            raise ValueError(f"hop_frames {self.hop_frames} exceeds window_frames {self.window_frames}: a gap")
        if self.steps is not None and self.epochs is not None:
            raise ValueError("steps and epochs are both set; take one away (steps=null or epochs=null)")
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate {self.accumulate} does not divide batch_size {self.batch_size}")
        if self.backbone.four_bit and not (self.backbone.base and self.lora):
            raise ValueError("backbone.four_bit needs backbone.base and lora: weights in 4 bits cannot learn")
        if self.variation is not None and self.stage1 is not None:
            raise ValueError("variation is of stage 2's windows; leave it out of stage 1")
        if self.resume_from and not self.resume:
            raise ValueError("resume_from is set without resume=true")
        return self

    def total_steps(self, windows: int) -> int:
        """Optimiser steps for a number of training windows."""
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * windows / self.batch_size))
        return DEFAULT_STEPS if self.steps is None else self.steps

    @property
    def start_of(self) -> str:
        """What training begins with: :attr:`start`, nothing if :attr:`pretuned` is off."""
        return self.start if self.pretuned else ""

    def deciding(self) -> dict[str, Any]:
        """The settings that decide the results, by dotted key; a resumed run must have the same."""
        return {k: v for k, v in _flat(self.model_dump(mode="json")).items() if k not in FREE_ON_RESUME}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found
