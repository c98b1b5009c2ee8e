"""Settings of the model that is trained: language model, adapters, scene modules."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hawkeye_core.settings import Settings


class BackboneSettings(Settings):
    """A published Video-LLaVA, or, without ``base``, one of random weights and a byte tokenizer.

    The random one needs no download and has learned nothing.
    """

    base: str = ""
    """Hub name or folder of a Video-LLaVA in transformers' format, such as LanguageBind/Video-LLaVA-7B-hf; `shipped`:
    the small one in the package, trained on drawn scenes; empty: random weights of the shape below."""
    revision: str | None = None
    """Branch, tag or commit of it on the hub."""
    dtype: Literal["auto", "fp32", "bf16"] = "auto"
    """Type of the frozen weights; `auto`: bf16 with LoRA and `precision: bf16`, else fp32."""
    four_bit: bool = False
    """Keep the frozen weights in 4 bits (NF4): a quarter of bf16's memory; needs `base`, `lora` and bitsandbytes."""
    hidden_size: int = Field(default=128, ge=8, le=4096)
    """Width of the random language model."""
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


class LoraSettings(Settings):
    """Low-rank adapters; the language model's own weights are frozen."""

    rank: int = Field(default=16, ge=1, le=1024)
    """r; the paper's 16."""
    alpha: int = Field(default=64, ge=1, le=4096)
    """The adapters' output is scaled by alpha / r; the paper's 64."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """On the adapters' input; the paper's 0.05."""

    def config_values(self) -> dict[str, Any]:
        """Values of :class:`~hawkeye_core.model.config.HawkeyeConfig`."""
        return {"lora": True} | {f"lora_{name}": value for name, value in self.model_dump().items()}


class SceneSettings(Settings):
    """The scene modules; the defaults are the paper's shape, the switches its ablations."""

    action_width: int = Field(default=256, ge=2, le=4096, multiple_of=2)
    """Width of the joints' graph."""
    joint_score: float = Field(default=0.1, ge=0, le=1)
    """Joints that score lower were not seen."""
    velocity: bool = False
    """Give each joint its velocity (our addition, not in the paper)."""
    joint_readout: bool = False
    """Read each joint of a person by a map of its own instead of their mean (our addition)."""
    track_layers: int = Field(default=0, ge=0, le=8)
    """Layers in which each person looks at itself 1, 2, 4, ... frames before and after, before people are pooled (our
    addition; needs joint_readout)."""
    graph_width: int = Field(default=512, ge=1, le=4096)
    """Width of the scene graph's nodes."""
    graph_layers: int = Field(default=2, ge=1, le=16)
    """L of Eq. 4."""
    edges: Literal["undirected", "directed"] = "undirected"
    """Edges of the scene graph; `directed` is the paper's wording."""
    graph_scores: bool = False
    """Relations and objects count by their scores (our addition); nothing changes for graphs with scores of 1."""
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
    dense_head: bool = False
    """Also learn of every frame whether it is anomalous (stage 2; our addition, not in the paper)."""
    lambda_dense: float = Field(default=0.5, ge=0)
    """Weight of that loss."""
    asg: bool = True
    """The action-sensitive graph."""
    org: bool = True
    """The object-relation graph."""
    moe: bool = True
    """The mixture of experts."""
    scene: bool = True
    """All scene modules; off is plain Video-LLaVA on the same frames with as many tokens."""
