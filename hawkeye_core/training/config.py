"""Settings of training. Only the model's configuration is imported, so that ``--help`` opens at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hawkeye_core.settings import Settings


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
    steps: int = Field(default=40, ge=1)
    """Optimiser steps."""
    batch_size: int = Field(default=4, ge=1, le=4096)
    """Windows a step."""
    lr: float = Field(default=2e-5, gt=0)
    """Highest learning rate (the paper: 2e-5)."""
    warmup_ratio: float = Field(default=0.03, ge=0, le=1)
    """Part of the steps in which the rate rises; behind it, it falls as a cosine to 0."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Of AdamW."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    window_frames: int = Field(default=512, ge=1)
    """Longest window in frames (512 = 64 s)."""
    hop_frames: int = Field(default=384, ge=1)
    """Frames between the starts of two windows."""
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
        return self
