"""Eq. 5 against a literal loop over experts and tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from hawkeye_core.model.moe import SoftMoE


def test_eq5_equals_the_literal_loop() -> None:
    torch.manual_seed(0)
    moe = SoftMoE(8, experts=3, layers=2, heads=2).double()
    h, mask = torch.randn(2, 5, 8, dtype=torch.double), torch.arange(5) < torch.tensor([[5], [3]])
    out = moe(h, mask)
    for b, t in mask.nonzero().tolist():
        logits = [(h[b, t] @ moe.router.weight[i]).item() for i in range(3)]
        shares = torch.tensor(logits, dtype=torch.double).softmax(0)
        mixed = torch.zeros(8, dtype=torch.double)
        for i in range(3):
            alone = moe.experts[i](
                h[b : b + 1, : int(mask[b].sum())], torch.ones(1, int(mask[b].sum()), dtype=torch.bool)
            )
            mixed = mixed + shares[i] * alone[0, t]
        expected = F.layer_norm(mixed, (8,), moe.norm.weight, moe.norm.bias)
        torch.testing.assert_close(out.tokens[b, t], expected)
        torch.testing.assert_close(out.weights[b, t], shares)
        torch.testing.assert_close(out.logits[b, t], torch.tensor(logits, dtype=torch.double))


def test_router_weights_sum_to_one_and_both_experts_learn() -> None:
    torch.manual_seed(0)
    moe = SoftMoE(8, experts=2, layers=1, heads=2)
    out = moe(torch.randn(1, 4, 8), torch.ones(1, 4, dtype=torch.bool))
    torch.testing.assert_close(out.weights.sum(-1), torch.ones(1, 4))
    (out.tokens * torch.randn(1, 4, 8)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in moe.router.parameters())
    for expert in moe.experts:
        assert all(parameter.grad is not None for parameter in expert.parameters())
        assert expert.layers[0].ffn[0].weight.grad.abs().sum() > 0
