"""Settings of training. Only the model's configuration is imported, so that ``--help`` opens at once."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hawkeye_core.settings import Settings

DEFAULT_STEPS = 40

FREE_ON_RESUME = frozenset(
    {"store", "annotations", "run", "resume", "resume_from", "workers", "checkpoint_every", "keep_last", "eval_every",
     "eval_new_tokens", "tensorboard", "wandb", "peak_tflops"}
)  # fmt: skip
"""Settings that a resumed run may change: they do not touch the weights. The content of store and annotations is
compared by its digest instead of by its place."""


class BackboneSettings(Settings):
    """A small Video-LLaVA of random weights and a byte tokenizer; it needs no download and has learned nothing."""

    hidden_size: int = Field(default=128, ge=8, le=4096)
    """Width of the language model."""
    layers: int = Field(default=2, ge=1, le=64)
    """Its layers."""
    heads: int = Field(default=4, ge=1, le=64)
    """Its attention heads; divides the width."""
    max_length: int = Field(default=4096, ge=64, le=131072)
    """Longest sequence in tokens (a token is a byte or a fixed phrase)."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.hidden_size % self.heads or self.hidden_size // self.heads % 2:
            raise ValueError(f"hidden_size {self.hidden_size} must be an even multiple of heads {self.heads}")
        return self


class SceneSettings(Settings):
    """The scene modules; the defaults are the paper's shape, the switches its ablations."""

    action_width: int = Field(default=256, ge=2, le=4096, multiple_of=2)
    """Width of the joints' graph."""
    joint_score: float = Field(default=0.1, ge=0, le=1)
    """Joints that score lower were not seen."""
    velocity: bool = False
    """Give each joint its velocity (our addition, not in the paper)."""
    graph_width: int = Field(default=512, ge=1, le=4096)
    """Width of the scene graph's nodes."""
    graph_layers: int = Field(default=2, ge=1, le=16)
    """L of Eq. 4."""
    edges: Literal["undirected", "directed"] = "undirected"
    """Edges of the scene graph; `directed` is the paper's wording."""
    scene_heads: int = Field(default=8, ge=1, le=64)
    """Attention heads; divides the width of the stored vision tokens."""
    video_residual: bool = False
    """Add the video tokens before Eq. 2."""
    experts: int = Field(default=2, ge=1, le=16)
    """N of Eq. 5."""
    expert_layers: int = Field(default=8, ge=1, le=64)
    """Encoder layers an expert."""
    importance: Literal["softmax", "exp"] = "softmax"
    """Form of Eq. 6; `exp` is the printed one."""
    cv: Literal["printed", "ratio"] = "printed"
    """Form of L_bc; `ratio` is sigma / mu."""
    tau: float = Field(default=0.07, gt=0)
    """Temperature of Eq. 6."""
    lambda_bc: float = Field(default=0.2, ge=0)
    """Weight of L_bc; 0 is the paper's "w/o L_bc"."""
    asg: bool = True
    """The action-sensitive graph."""
    org: bool = True
    """The object-relation graph."""
    moe: bool = True
    """The mixture of experts."""
    scene: bool = True
    """All scene modules; off is plain Video-LLaVA on the same frames with as many tokens."""


class TrainSettings(Settings):
    """Everything `hawkeye train` needs to know (stage 2, IasDig tuning)."""

    store: str = "work/store"
    """Folder or URL of the feature store."""
    annotations: str = "tests/data/real_videos.jsonl"
    """Segments by video, JSON lines."""
    run: str = "work/runs/stage2"
    """Folder of the run; an earlier run there is kept under a numbered name."""
    resume: bool = False
    """Go on with the run in that folder where its last checkpoint stands."""
    resume_from: str = ""
    """Name of another checkpoint to go on from, such as `step-000020`; needs `resume`."""
    steps: int | None = Field(default=None, ge=1)
    """Optimiser steps; 40 if neither this nor `epochs` is set."""
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
    """Compute the language model's layers again in the backward pass: less memory, a third more time."""
    window_frames: int = Field(default=512, ge=1)
    """Longest window in frames (512 = 64 s)."""
    hop_frames: int = Field(default=384, ge=1)
    """Frames between the starts of two windows."""
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
        if self.resume_from and not self.resume:
            raise ValueError("resume_from is set without resume=true")
        return self

    def total_steps(self, windows: int) -> int:
        """Optimiser steps for a number of training windows."""
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * windows / self.batch_size))
        return DEFAULT_STEPS if self.steps is None else self.steps

    def deciding(self) -> dict[str, Any]:
        """The settings that decide the results, by dotted key; a resumed run must have the same."""
        return _flat({k: v for k, v in self.model_dump(mode="json").items() if k not in FREE_ON_RESUME})


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found
