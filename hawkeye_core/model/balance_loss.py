"""The balancing constraint loss L_bc on the router of the mixture of experts (Eq. 6-7), in float32."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Importance = Literal["softmax", "exp"]
Variation = Literal["printed", "ratio"]


def importance_matrix(logits: Tensor, mask: Tensor, *, tau: float, form: Importance) -> Tensor:
    """Eq. 6: ``M_im = sum_j exp(omega_i^j / tau)`` over the tokens j of one type of sample m.

    With tau = 0.07 the bare exponential overflows float32 once omega exceeds 6.2. ``softmax`` sums
    ``softmax_i(omega^j / tau)``, as LoRAMoE does, which Eq. 6 follows. ``exp`` is the printed form with one maximum
    over the whole batch subtracted in the exponent: every entry is scaled by the same factor, so the ratio of
    deviation and mean is exactly the printed one, and the printed variance over mean is scaled by that factor.

    Args:
        logits: [B, T, N] router logits omega.
        mask: [B, T] bool, which tokens are there.
        tau: Temperature.
        form: See above.

    Returns:
        [N, B] float32.
    """
    scaled = logits.float() / tau
    if form == "softmax":
        values = scaled.softmax(-1)
    else:
        shared = scaled.detach().masked_fill(~mask[..., None], -torch.inf).amax()
        # Padding is set to the maximum first: its own exponent may overflow, and inf times a mask is not a number.
        values = scaled.masked_fill(~mask[..., None], shared.item()).sub(shared).exp()
    return (values * mask[..., None]).sum(1).T


def coefficient_matrix(weights: Tensor, mask: Tensor) -> Tensor:
    """Eq. 7: ``P_im``, the mean routing weight of expert i over the tokens of sample m's type.

    Args:
        weights: [B, T, N] routing weights.
        mask: [B, T] bool; at least one token a sample.

    Returns:
        [N, B] float32.
    """
    kept = weights.float() * mask[..., None]
    return (kept.sum(1) / mask.sum(1, keepdim=True)).T


def weighted_importance(logits: Tensor, weights: Tensor, mask: Tensor, *, tau: float, form: Importance) -> Tensor:
    """``T = P o M`` with two columns a video: its action tokens (``R^a``) and its object tokens (``R^s``).

    Args:
        logits: [B, T, 2, N] router logits of the action (0) and object (1) token of each frame.
        weights: [B, T, 2, N] routing weights.
        mask: [B, T] bool, frames that are there.
        tau: Temperature of Eq. 6.
        form: Importance form of Eq. 6.

    Returns:
        [N, 2 B] float32; the action columns of all videos, then their object columns.
    """
    logits = logits.transpose(1, 2).transpose(0, 1).flatten(0, 1)  # [B, T, 2, N] -> [2 B, T, N]
    weights = weights.transpose(1, 2).transpose(0, 1).flatten(0, 1)
    mask = mask.repeat(2, 1)
    return coefficient_matrix(weights, mask) * importance_matrix(logits, mask, tau=tau, form=form)


def balance_loss(weighted: Tensor, *, cv: Variation) -> Tensor:
    """``L_bc = |sigma^2(T) / mu(T)|`` over all entries of T, population variance.

    As printed it grows with the scale of T, although the paper calls it dimensionless; ``ratio`` gives sigma / mu.

    Args:
        weighted: [N, M] from :func:`weighted_importance`, M columns of the whole batch.
        cv: Which form.
    """
    variance = weighted.var(correction=0)
    mean = weighted.mean()
    # The root has no finite slope at zero: a perfectly balanced batch would give a gradient that is not a number.
    spread = variance if cv == "printed" else (variance + torch.finfo(torch.float32).tiny).sqrt()
    return (spread / mean).abs()
