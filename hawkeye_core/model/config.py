"""Configuration of the whole model: the backbone, the scene modules, and the switches of the ablation study."""

from __future__ import annotations

from typing import Any, get_args

from transformers import PreTrainedConfig, VideoLlavaConfig

from hawkeye_core.model.balance_loss import Importance, Variation

EDGES = ("undirected", "directed")


class HawkeyeConfig(PreTrainedConfig):
    """A Video-LLaVA backbone with scene modules in front.

    Args:
        llava: Values of a ``VideoLlavaConfig`` (its vision width is D, its text width H); the 7B shape if not given.
        action_width: d of the joints' graph.
        joint_score: Joints that score lower were not seen.
        velocity: Whether joints carry their velocity (our addition; off in the paper's exact setting).
        joint_readout: Whether each joint of a person is read by a map of its own instead of their mean (our addition;
            off in the paper's exact setting).
        track_layers: Layers in which a person looks at itself earlier and later before people are pooled (our addition;
            0 in the paper's exact setting). They need ``joint_readout``.
        graph_width: d of the scene graph's nodes.
        graph_layers: L of Eq. 4.
        edges: ``undirected``, or ``directed``, the paper's wording.
        scene_heads: Attention heads of the scene modules.
        video_residual: Whether X_v is added before Eq. 2.
        experts: N of Eq. 5.
        expert_layers: Encoder layers an expert.
        importance: Form of Eq. 6.
        cv: Form of L_bc.
        tau: Temperature of Eq. 6.
        lambda_bc: Weight of L_bc in the loss; 0 is the paper's "w/o L_bc".
        asg: False: a frame's plain video token stands for its action-aware one ("w/o ASG").
        org: False: a frame's plain video token stands for its object-aware one ("w/o ORG").
        moe: False: both tokens of a frame are concatenated and projected ("w/o B-H MoE").
        scene: False: plain Video-LLaVA; two pooled frame tokens a frame go straight to the projector.
        dense_head: Whether a linear layer tells of every frame how anomalous it is (our addition; off in the paper's
            exact setting).
        lambda_dense: Weight of its loss.
        base: Checkpoint of the backbone, a hub name or folder; none: its weights are the model's own.
        base_revision: Branch, tag or commit of it on the hub.
        lora: Whether the language model is frozen and learns through low-rank adapters (Hu et al., 2022); projector
            and scene modules are trained in full either way. Without, everything is trained.
        lora_rank: r; the paper's 16.
        lora_alpha: alpha, the adapters' output is scaled by alpha / r; the paper's 64.
        lora_dropout: On the adapters' input; the paper's 0.05.
        initializer_range: Standard deviation of new weights.

    Raises:
        ValueError: A value that no model can be built from.
    """

    model_type = "hawkeye"

    def __init__(
        self,
        llava: dict[str, Any] | None = None,
        action_width: int = 256,
        joint_score: float = 0.1,
        velocity: bool = False,
        joint_readout: bool = False,
        track_layers: int = 0,
        graph_width: int = 512,
        graph_layers: int = 2,
        edges: str = "undirected",
        graph_scores: bool = False,
        scene_heads: int = 8,
        video_residual: bool = False,
        experts: int = 2,
        expert_layers: int = 8,
        importance: Importance = "softmax",
        cv: Variation = "printed",
        tau: float = 0.07,
        lambda_bc: float = 0.2,
        asg: bool = True,
        org: bool = True,
        moe: bool = True,
        scene: bool = True,
        dense_head: bool = False,
        lambda_dense: float = 0.5,
        base: str | None = None,
        base_revision: str | None = None,
        lora: bool = False,
        lora_rank: int = 16,
        lora_alpha: int = 64,
        lora_dropout: float = 0.05,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        self.llava = {} if llava is None else llava
        self.action_width = action_width
        self.joint_score = joint_score
        self.velocity = velocity
        self.joint_readout = joint_readout
        self.track_layers = track_layers
        self.graph_width = graph_width
        self.graph_layers = graph_layers
        self.edges = edges
        self.graph_scores = graph_scores
        self.scene_heads = scene_heads
        self.video_residual = video_residual
        self.experts = experts
        self.expert_layers = expert_layers
        self.importance: Importance = importance
        self.cv: Variation = cv
        self.tau = tau
        self.lambda_bc = lambda_bc
        self.asg = asg
        self.org = org
        self.moe = moe
        self.scene = scene
        self.dense_head = dense_head
        self.lambda_dense = lambda_dense
        self.base = base
        self.base_revision = base_revision
        self.lora = lora
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha
        self.lora_dropout = lora_dropout
        self.initializer_range = initializer_range
        super().__init__(**kwargs)
        self._check()

    def llava_config(self) -> VideoLlavaConfig:
        """The backbone's configuration."""
        return VideoLlavaConfig(**self.llava)

    @property
    def vision_width(self) -> int:
        """D."""
        vision: Any = self.llava_config().vision_config
        return int(vision.hidden_size)

    def _check(self) -> None:
        width = self.vision_width
        problems = [
            (width % self.scene_heads, f"scene_heads {self.scene_heads} does not divide the vision width {width}"),
            (width % 2 or self.action_width % 2, "vision width and action_width must be even (sinusoidal time)"),
            (self.edges not in EDGES, f"edges is {self.edges!r}; allowed: {', '.join(EDGES)}"),
            (self.track_layers < 0, f"track_layers is {self.track_layers}; it must not be negative"),
            (
                self.track_layers > 0 and not self.joint_readout,
                "track_layers need joint_readout, which makes one vector of a person",
            ),
            (self.importance not in get_args(Importance), f"importance is {self.importance!r}"),
            (self.cv not in get_args(Variation), f"cv is {self.cv!r}"),
            (self.tau <= 0, f"tau is {self.tau}; it must be positive"),
            (self.lambda_bc < 0, f"lambda_bc is {self.lambda_bc}; it must not be negative"),
            (self.lambda_dense < 0, f"lambda_dense is {self.lambda_dense}; it must not be negative"),
            (self.lora_rank < 1 or self.lora_alpha <= 0, "lora_rank and lora_alpha must be positive"),
            (not 0 <= self.lora_dropout < 1, f"lora_dropout is {self.lora_dropout}; it must lie in 0 .. 1"),
            (min(self.experts, self.expert_layers, self.graph_layers) < 1, "experts and layers must be at least 1"),
        ]
        for wrong, message in problems:
            if wrong:
                raise ValueError(message)
