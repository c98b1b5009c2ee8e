"""The balancing constraint loss L_bc on the router of the mixture of experts (Eq. 6-7), in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Importance = Literal["softmax", "exp"]
Variation = Literal["printed", "ratio"]


class Columns(NamedTuple):
    """P and M, one column a sample of one type; what ranks and micro-batches exchange before L_bc.

    M is kept as a logarithm because the printed form overflows float32, and is only a number beside the other columns.
    """

    coefficient: Tensor  # [N, M] P, float32
    log_importance: Tensor  # [N, M] logarithm of M, float32
    peak: Tensor  # [M] largest exponent omega / tau of the column's tokens, without gradient

    def map(self, change: Callable[[Tensor], Tensor]) -> Columns:
        """The columns with ``change`` applied to each tensor."""
        return Columns(*(change(tensor) for tensor in self))

    def weigh(self, form: Importance) -> Tensor:
        """``T = P o M``: [N, M] float32.

        The printed form (``exp``) is divided by the largest exponential of the whole batch: every entry is scaled by
        the same factor, so the ratio of deviation and mean is exactly the printed one, and the printed variance over
        mean is scaled by that factor. All columns of the batch must be there, else each part has a factor of its own.
        """
        exponent = self.log_importance - self.peak.amax() if form == "exp" else self.log_importance
        return self.coefficient * exponent.exp()


def join_columns(parts: Sequence[Columns]) -> Columns:
    """Columns of several micro-batches beside one another.

    With accumulation, L_bc of the whole batch has the gradient of this: in micro-batch k, join its own columns with
    the detached columns of the others (from a forward pass without gradient), and add up over k.
    """
    return Columns(*(torch.cat(tensors, -1) for tensors in zip(*parts, strict=True)))


def log_importance_matrix(logits: Tensor, mask: Tensor, *, tau: float, form: Importance) -> Tensor:
    """Logarithm of Eq. 6, ``M_im = sum_j exp(omega_i^j / tau)`` over the tokens j of one type of sample m.

    With tau = 0.07 the bare exponential overflows float32 once omega exceeds 6.2. ``softmax`` sums
    ``softmax_i(omega^j / tau)``, as LoRAMoE does, which Eq. 6 follows. ``exp`` is the printed form.

    Args:
        logits: [B, T, N] router logits omega.
        mask: [B, T] bool, which tokens are there; at least one a sample.
        tau: Temperature.
        form: See above.

    Returns:
        [N, B] float32.
    """
    # Padding is set to 0 before anything else: its own values may be infinite, and would spoil the gradients.
    scaled = logits.float().masked_fill(~mask[..., None], 0.0) / tau
    values = scaled.log_softmax(-1) if form == "softmax" else scaled
    return values.masked_fill(~mask[..., None], -torch.inf).logsumexp(1).T


def coefficient_matrix(weights: Tensor, mask: Tensor) -> Tensor:
    """Eq. 7: ``P_im``, the mean routing weight of expert i over the tokens of sample m's type.

    Args:
        weights: [B, T, N] routing weights.
        mask: [B, T] bool; at least one token a sample.

    Returns:
        [N, B] float32.
    """
    kept = weights.float().masked_fill(~mask[..., None], 0.0)
    return (kept.sum(1) / mask.sum(1, keepdim=True)).T


def balance_columns(logits: Tensor, weights: Tensor, mask: Tensor, *, tau: float, form: Importance) -> Columns:
    """P and M with two columns a video: its action tokens (``R^a``) and its object tokens (``R^s``).

    Args:
        logits: [B, T, 2, N] router logits of the action (0) and object (1) token of each frame.
        weights: [B, T, 2, N] routing weights.
        mask: [B, T] bool, frames that are there.
        tau: Temperature of Eq. 6.
        form: Importance form of Eq. 6.

    Returns:
        2 B columns: the action columns of all videos, then their object columns.
    """
    logits = logits.transpose(1, 2).transpose(0, 1).flatten(0, 1)  # [B, T, 2, N] -> [2 B, T, N]
    weights = weights.transpose(1, 2).transpose(0, 1).flatten(0, 1)
    mask = mask.repeat(2, 1)
    scaled = logits.detach().float().masked_fill(~mask[..., None], -torch.inf) / tau
    return Columns(
        coefficient_matrix(weights, mask),
        log_importance_matrix(logits, mask, tau=tau, form=form),
        scaled.amax((1, 2)),
    )


def weighted_importance(logits: Tensor, weights: Tensor, mask: Tensor, *, tau: float, form: Importance) -> Tensor:
    """``T = P o M`` of one batch that is whole: :func:`balance_columns` (same arguments), then :meth:`Columns.weigh`.

    Returns:
        [N, 2 B] float32; the action columns of all videos, then their object columns.
    """
    return balance_columns(logits, weights, mask, tau=tau, form=form).weigh(form)


def balance_loss(weighted: Tensor, *, cv: Variation) -> Tensor:
    """``L_bc = |sigma^2(T) / mu(T)|`` over all entries of T, population variance.

    As printed it grows with the scale of T, although the paper calls it dimensionless; ``ratio`` gives sigma / mu.

    Args:
        weighted: [N, M] T of the whole batch: :meth:`Columns.weigh` of the columns of all ranks (``gather_columns``)
            and micro-batches, joined (:func:`join_columns`).
        cv: Which form.
    """
    variance = weighted.var(correction=0)
    mean = weighted.mean()
    # The root has no finite slope at zero: a perfectly balanced batch would give a gradient that is not a number.
    spread = variance if cv == "printed" else (variance + torch.finfo(torch.float32).tiny).sqrt()
    return (spread / mean).abs()
