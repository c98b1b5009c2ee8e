"""What the router of the mixture of experts did in a step: mean weights and load."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hawkeye_core.model.scene_encoder import TOKENS_PER_FRAME


def router_sums(weights: Tensor, frame_mask: Tensor) -> Tensor:
    """Sums over the tokens of a batch; those of pieces and processes are added.

    Args:
        weights: [B, T, 2, N] routing weights of the action (0) and object (1) token of each frame.
        frame_mask: [B, T], frames that are there.

    Returns:
        [3, N + 1] float64: weights summed over the action tokens, over the object tokens, and tokens whose largest
        weight an expert has; behind each row how many tokens that were.
    """
    kept = weights[frame_mask].double()  # [F, 2, N]
    first = nn.functional.one_hot(kept.argmax(-1), kept.shape[-1]).double().sum((0, 1))  # [N]
    rows = torch.stack([*kept.sum(0), first])
    counts = rows.new_tensor([len(kept), len(kept), TOKENS_PER_FRAME * len(kept)])
    return torch.cat([rows, counts[:, None]], 1)


def shares(sums: Tensor) -> dict[str, list[float]]:
    """:func:`router_sums` as means: weight of each expert on action and on object tokens, share of tokens."""
    means = (sums[:, :-1] / sums[:, -1:]).tolist()
    return dict(zip(("router_action", "router_object", "expert_load"), means, strict=True))
