"""Eq. 6-7 and L_bc against literal loops in double precision."""

from __future__ import annotations

import math

import pytest
import torch

from hawkeye_core.model.balance_loss import (
    Columns,
    balance_columns,
    balance_loss,
    join_columns,
    log_importance_matrix,
    weighted_importance,
)

TAU = 0.07


def literal_matrix(logits: torch.Tensor, mask: torch.Tensor, form: str, tau: float = TAU) -> list[list[float]]:
    """T = P o M as rows of experts and columns of (all action, all object) samples."""
    b, t, kinds, n = logits.shape
    rows = []
    for i in range(n):
        row = []
        for kind in range(kinds):
            for m in range(b):
                tokens = [logits[m, j, kind].double().tolist() for j in range(t) if mask[m, j]]
                importance = share = 0.0
                for omega in tokens:
                    whole = sum(math.exp(o / tau) for o in omega)
                    importance += math.exp(omega[i] / tau) / (whole if form == "softmax" else 1.0)
                    share += math.exp(omega[i]) / sum(math.exp(o) for o in omega) / len(tokens)
                row.append(importance * share)
        rows.append(row)
    return rows


def literal_loss(matrix: list[list[float]], cv: str) -> float:
    entries = [value for row in matrix for value in row]
    mean = sum(entries) / len(entries)
    variance = sum((value - mean) ** 2 for value in entries) / len(entries)
    return abs((variance if cv == "printed" else math.sqrt(variance)) / mean)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(3, 6, 2, 2) * 0.3, torch.arange(6) < torch.tensor([[6], [4], [1]])


def weigh(logits: torch.Tensor, mask: torch.Tensor, form: str) -> torch.Tensor:
    return weighted_importance(logits, logits.softmax(-1), mask, tau=TAU, form=form)


def columns_of(logits: torch.Tensor, mask: torch.Tensor, form: str) -> Columns:
    return balance_columns(logits, logits.softmax(-1), mask, tau=TAU, form=form)


@pytest.mark.parametrize("form", ["softmax", "exp"])
@pytest.mark.parametrize("cv", ["printed", "ratio"])
def test_l_bc_equals_the_literal_loops(form: str, cv: str) -> None:
    logits, mask = batch()
    ours = weigh(logits, mask, form)
    literal = literal_matrix(logits, mask, form)
    # `exp` is the printed form divided by one shared factor, exp(max / tau).
    scale = math.exp(float(logits[mask].max()) / TAU) if form == "exp" else 1.0
    torch.testing.assert_close(ours * scale, torch.tensor(literal), rtol=1e-4, atol=1e-6)
    expected = literal_loss(literal, cv) / (scale if cv == "printed" else 1.0)
    assert float(balance_loss(ours, cv=cv)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("form", ["softmax", "exp"])
def test_logits_that_overflow_the_printed_form_stay_finite(form: str) -> None:
    logits, mask = batch()
    logits = (logits * 100).requires_grad_()  # omega up to 60: exp(60 / 0.07) is far beyond float32 and float64
    weighted = weigh(logits, mask, form)
    loss = balance_loss(weighted, cv="ratio")
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("form", ["softmax", "exp"])
def test_padding_does_not_count_whatever_stands_in_it(form: str) -> None:
    logits, mask = batch()
    padded = torch.where(mask[..., None, None], logits, torch.full_like(logits, 1e4)).requires_grad_()
    first = weigh(logits, mask, form)
    second = weigh(padded, mask, form)
    torch.testing.assert_close(first, second)
    balance_loss(second, cv="printed").backward()
    assert torch.isfinite(padded.grad).all()
    assert (padded.grad[~mask] == 0).all()


def test_a_balanced_router_has_no_loss_and_a_finite_slope() -> None:
    logits = torch.zeros(2, 3, 2, 2, requires_grad=True)
    mask = torch.ones(2, 3, dtype=torch.bool)
    for cv in ("printed", "ratio"):
        loss = balance_loss(weigh(logits, mask, "softmax"), cv=cv)
        assert loss.item() == pytest.approx(0.0, abs=1e-6)
        (slope,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(slope).all()


def test_the_printed_form_grows_with_scale_and_the_ratio_does_not() -> None:
    t = torch.rand(2, 6) + 0.1
    assert float(balance_loss(10 * t, cv="printed")) == pytest.approx(10 * float(balance_loss(t, cv="printed")))
    assert float(balance_loss(10 * t, cv="ratio")) == pytest.approx(float(balance_loss(t, cv="ratio")))


def test_half_precision_logits_are_summed_in_float32() -> None:
    logits, mask = batch()
    half = logits.bfloat16()
    first = log_importance_matrix(half[:, :, 0], mask, tau=TAU, form="softmax")
    assert first.dtype == torch.float32
    torch.testing.assert_close(first, log_importance_matrix(half.float()[:, :, 0], mask, tau=TAU, form="softmax"))


@pytest.mark.parametrize("form", ["softmax", "exp"])
@pytest.mark.parametrize("cv", ["printed", "ratio"])
def test_parts_of_a_batch_joined_give_loss_and_gradients_of_the_whole(form: str, cv: str) -> None:
    """As accumulation does it: each part with gradient beside the detached others, gradients added up."""
    logits, mask = batch()
    whole = logits.clone().requires_grad_()
    expected = balance_loss(columns_of(whole, mask, form).weigh(form), cv=cv)
    (slope,) = torch.autograd.grad(expected, whole)
    parts = [slice(0, 2), slice(2, 3)]
    detached = [columns_of(logits[part], mask[part], form) for part in parts]
    for k, part in enumerate(parts):
        mine = logits[part].clone().requires_grad_()
        joined = join_columns([columns_of(mine, mask[part], form) if i == k else detached[i] for i in (0, 1)])
        loss = balance_loss(joined.weigh(form), cv=cv)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(torch.autograd.grad(loss, mine)[0], slope[part], atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("form", ["softmax", "exp"])
def test_padding_that_is_not_a_number_stays_out(form: str) -> None:
    logits, mask = batch()
    spoiled = logits.masked_fill(~mask[..., None, None], torch.nan).requires_grad_()
    weights = logits.softmax(-1).masked_fill(~mask[..., None, None], torch.nan)
    columns = balance_columns(spoiled, weights, mask, tau=TAU, form=form)
    loss = balance_loss(columns.weigh(form), cv="printed")
    torch.testing.assert_close(loss, balance_loss(columns_of(logits, mask, form).weigh(form), cv="printed"))
    (slope,) = torch.autograd.grad(loss, spoiled)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize("form", ["softmax", "exp"])
def test_the_order_of_videos_and_of_frames_does_not_matter(form: str) -> None:
    logits, mask = batch()
    loss = balance_loss(columns_of(logits, mask, form).weigh(form), cv="printed")
    for shuffled in (
        columns_of(logits[[2, 0, 1]], mask[[2, 0, 1]], form),
        columns_of(logits.flip(1), mask.flip(1), form),
    ):
        torch.testing.assert_close(balance_loss(shuffled.weigh(form), cv="printed"), loss)


def test_one_video_of_one_frame() -> None:
    logits = torch.tensor([[[[0.1, -0.1], [0.0, 0.2]]]])
    mask = torch.ones(1, 1, dtype=torch.bool)
    literal = literal_matrix(logits, mask, "softmax")
    torch.testing.assert_close(weigh(logits, mask, "softmax"), torch.tensor(literal))


def test_gradients_agree_with_numbers() -> None:
    logits, mask = batch()
    x = logits.double().requires_grad_()

    def loss(z: torch.Tensor) -> torch.Tensor:
        weights = z.softmax(-1)
        scaled = (z / TAU).softmax(-1)
        columns = [
            (weights[m, mask[m], kind].mean(0) * scaled[m, mask[m], kind].sum(0)) for kind in (0, 1) for m in range(3)
        ]
        return balance_loss(torch.stack(columns, 1), cv="printed")

    (expected,) = torch.autograd.grad(loss(x), x)
    y = logits.clone().requires_grad_()
    ours = balance_loss(weigh(y, mask, "softmax"), cv="printed")
    (slope,) = torch.autograd.grad(ours, y)
    torch.testing.assert_close(slope, expected.float(), rtol=1e-3, atol=1e-5)
