"""What the router of the mixture of experts did in a forward pass: columns of L_bc, mean weights, load."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hawkeye_core.model.balance_loss import balance_loss, coefficient_matrix
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.scene_encoder import TOKENS_PER_FRAME


class RouterProbe:
    """Sees the router's logits and weights in each forward pass of a model.

    L_bc (Eq. 6-7) is a variance over a mean: not a sum over samples. Over a batch computed in pieces or by several
    processes it is right only from the columns ``T = P o M`` of all of them, which the model's own loss lacks.

    Args:
        model: Unwrapped; without a mixture of experts there is nothing to see.
    """

    def __init__(self, model: HawkeyeModel) -> None:
        self.config = model.config
        self._logits: Tensor | None = None
        self._weights: Tensor | None = None
        self.active = model.scene.moe is not None
        if model.scene.moe is not None:
            model.scene.moe.register_forward_hook(self._see)

    def _see(self, module: nn.Module, inputs: object, output: tuple[Tensor, Tensor, Tensor]) -> None:
        self._logits, self._weights = output[1], output[2]

    def columns(self, frame_mask: Tensor) -> Tensor:
        """Columns of the last forward pass, with gradients if it had any; those of pieces are joined side by side.

        Args:
            frame_mask: [B, T] of that pass.

        Returns:
            [N + 1, 2 B] float32: the logarithm of ``T = P o M`` for action and object tokens of each sample, and in
            the last row the largest exponent, which the printed form (``exp``) is divided by. [N + 1, 0] without a
            router.
        """
        if self._logits is None or self._weights is None:
            return torch.zeros(self.config.experts + 1, 0, device=frame_mask.device)
        # [B, 2 T, N] -> [2 B, T, N]: all action tokens, then all object tokens
        logits, weights = (
            x.unflatten(1, (-1, TOKENS_PER_FRAME)).permute(2, 0, 1, 3).flatten(0, 1).float()
            for x in (self._logits, self._weights)
        )
        outside = ~frame_mask.repeat(TOKENS_PER_FRAME, 1)
        scaled = logits.masked_fill(outside[..., None], 0.0) / self.config.tau
        values = scaled.log_softmax(-1) if self.config.importance == "softmax" else scaled
        log_importance = values.masked_fill(outside[..., None], -torch.inf).logsumexp(1).T  # Eq. 6
        peak = scaled.detach().masked_fill(outside[..., None], -torch.inf).amax((1, 2))
        return torch.cat([coefficient_matrix(weights, ~outside).log() + log_importance, peak[None]])

    def balance(self, columns: Tensor) -> Tensor:
        """L_bc of the columns of a whole batch; 0 of none."""
        if not columns.numel():
            return columns.new_zeros(())
        log_t, peak = columns[:-1], columns[-1]
        if self.config.importance == "exp":
            log_t = log_t - peak.amax()  # one factor for the whole batch: the bare exponential overflows
        return balance_loss(log_t.exp(), cv=self.config.cv)

    @torch.no_grad()
    def sums(self, frame_mask: Tensor) -> Tensor:
        """[3, N + 1] float64 of the last pass: routing weights summed over the action tokens, over the object tokens,
        and tokens whose largest weight an expert has; behind each row how many tokens that were.
        """
        if self._weights is None:
            return torch.zeros(3, self.config.experts + 1, dtype=torch.float64, device=frame_mask.device)
        weights = self._weights.unflatten(1, (-1, TOKENS_PER_FRAME))[frame_mask].double()  # [F, 2, N]
        first = nn.functional.one_hot(weights.argmax(-1), weights.shape[-1]).double().sum((0, 1))  # [N]
        rows = torch.stack([*weights.sum(0), first])
        counts = rows.new_tensor([len(weights), len(weights), TOKENS_PER_FRAME * len(weights)])
        return torch.cat([rows, counts[:, None]], 1)

    def forget(self) -> None:
        """Let go of the last pass, so that its graph can be freed."""
        self._logits = self._weights = None


def shares(sums: Tensor) -> dict[str, list[float]]:
    """:meth:`RouterProbe.sums` as means: weight of each expert on action and on object tokens, share of tokens."""
    means = (sums[:, :-1] / sums[:, -1:]).tolist()
    return dict(zip(("router_action", "router_object", "expert_load"), means, strict=True))
