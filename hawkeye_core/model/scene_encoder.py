"""From cached features to two tokens a frame: both scene graphs, then the mixture of experts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from hawkeye_core.model.action_graph import ActionGraph
from hawkeye_core.model.balance_loss import Columns, balance_columns, balance_loss
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.moe import SoftMoE
from hawkeye_core.model.relation_graph import RelationGraph
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.time_encoding import sinusoidal_time

TOKENS_PER_FRAME = 2
"""An action token and an object token."""


class SceneOutput(NamedTuple):
    """What the scene modules make of a batch of windows."""

    tokens: Tensor  # [B, T, 2, D] for each frame its action and its object token
    balance_loss: Tensor  # scalar L_bc of this batch alone, 0 without a router
    weights: Tensor | None  # [B, T, 2, N] routing weights, None without a router
    columns: Columns | None  # what L_bc is made of, to be gathered over ranks; None without a router


class SceneEncoder(nn.Module):
    """Action-sensitive graph, object-relation graph and B-H MoE, each behind its ablation switch.

    With a module switched off the frame's plain video token stands in its place, so that the language model reads
    equally many tokens in every variant.

    Shapes:
        :class:`SceneBatch` -> :class:`SceneOutput`
    """

    def __init__(self, config: HawkeyeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.vision_width
        self.actions = ActionGraph(config) if config.scene and config.asg else None
        self.relations = RelationGraph(config) if config.scene and config.org else None
        self.kind = nn.Embedding(TOKENS_PER_FRAME, width) if config.scene and config.moe else None
        self.moe: SoftMoE | None = None
        self.concatenate: nn.Linear | None = None
        if config.scene and config.moe:
            self.moe = SoftMoE(width, experts=config.experts, layers=config.expert_layers, heads=config.scene_heads)
        elif config.scene:
            self.concatenate = nn.Linear(TOKENS_PER_FRAME * width, TOKENS_PER_FRAME * width)

    def forward(self, scene: SceneBatch) -> SceneOutput:
        """See the class."""
        dtype = next(self.parameters(), scene.keypoints).dtype
        frame_tokens = scene.frame_tokens.to(dtype)
        if not self.config.scene:
            return SceneOutput(halves(frame_tokens), frame_tokens.new_zeros((), dtype=torch.float32), None, None)
        video = frame_tokens.mean(2)  # [B, T, G, D] -> [B, T, D]
        action = video if self.actions is None else self.actions(scene, video)
        objects = video if self.relations is None else self.relations(scene)
        pair = torch.stack([action, objects], 2)  # [B, T, 2, D]
        if self.concatenate is not None:
            tokens = self.concatenate(pair.flatten(2)).unflatten(2, (TOKENS_PER_FRAME, -1))
            return SceneOutput(tokens, tokens.new_zeros((), dtype=torch.float32), None, None)
        return self._mix(pair, scene.frame_mask)

    def _mix(self, pair: Tensor, frame_mask: Tensor) -> SceneOutput:
        """Eq. 5 on action and object tokens as one sequence, and L_bc on its router.

        The paper is silent on time inside the experts; without it an object token could not tell its frame, since
        ``X_s`` carries none, so the same sinusoid is added here as in the cross-attention.
        """
        if self.moe is None or self.kind is None:
            raise ValueError("this scene encoder was built without a mixture of experts")
        time = sinusoidal_time(pair.shape[1], pair.shape[-1], like=pair)[:, None]  # [T, 1, D]
        sequence = (pair + self.kind.weight + time).flatten(1, 2)  # [B, 2 T, D]
        mask = frame_mask.repeat_interleave(TOKENS_PER_FRAME, 1)
        mixed = self.moe(sequence, mask)
        tokens, logits, weights = (x.unflatten(1, (-1, TOKENS_PER_FRAME)) for x in mixed)
        form = self.config.importance
        columns = balance_columns(logits, weights, frame_mask, tau=self.config.tau, form=form)
        return SceneOutput(tokens, balance_loss(columns.weigh(form), cv=self.config.cv), weights, columns)


def halves(frame_tokens: Tensor) -> Tensor:
    """Mean of the upper and of the lower half of a frame's tokens: [B, T, G, D] -> [B, T, 2, D]; G = 1 is repeated."""
    grid = frame_tokens.shape[2]
    middle = max(grid // 2, 1)
    upper, lower = frame_tokens[:, :, :middle], frame_tokens[:, :, min(middle, grid - 1) :]
    return torch.stack([upper.mean(2), lower.mean(2)], 2)
