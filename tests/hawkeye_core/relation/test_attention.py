import math

import pytest
import torch

from hawkeye_core.relation.attention import Attention


@pytest.fixture
def attention():
    torch.manual_seed(0)
    module = Attention(12, 3).eval()
    torch.nn.init.normal_(module.in_proj_bias)
    torch.nn.init.normal_(module.out_proj.bias)
    return module


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    return torch.randn(2, 4, 12), torch.randn(2, 5, 12), torch.randn(2, 5, 12)


def _literal(module, query, key, value, attendable):
    """One sample, head and query at a time."""
    width, heads = module.out_proj.in_features, module.heads
    size = width // heads
    out = torch.zeros_like(query)
    averaged = torch.zeros(query.shape[0], query.shape[1], key.shape[1])
    for b in range(query.shape[0]):
        q, k, v = (
            x[b] @ module.in_proj_weight[i * width : (i + 1) * width].T
            + module.in_proj_bias[i * width : (i + 1) * width]
            for i, x in enumerate((query, key, value))
        )
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for n in range(len(q)):
                energies = [
                    math.exp(float(q[n, part] @ k[s, part]) / math.sqrt(size)) if attendable[b, s] else 0.0
                    for s in range(len(k))
                ]
                for s, energy in enumerate(energies):
                    weight = energy / sum(energies)
                    out[b, n, part] += weight * v[s, part]
                    averaged[b, n, s] += weight / heads
    return module.out_proj(out), averaged


@torch.no_grad()
def test_equals_a_literal_loop_with_and_without_padding(attention, inputs):
    for attendable in (None, torch.tensor([[True] * 5, [True, False, True, True, False]])):
        every = torch.ones(2, 5, dtype=torch.bool) if attendable is None else attendable
        expected, expected_weights = _literal(attention, *inputs, every)
        torch.testing.assert_close(attention(*inputs, attendable=attendable), expected, atol=1e-5, rtol=0)
        out, weights = attention.with_weights(*inputs, attendable=attendable)
        torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(weights, expected_weights, atol=1e-6, rtol=0)


@torch.no_grad()
def test_loads_and_equals_torch_multihead_attention(attention, inputs):
    reference = torch.nn.MultiheadAttention(12, 3, batch_first=True).eval()
    reference.load_state_dict(attention.state_dict(), strict=True)
    expected, weights = reference(*inputs)
    torch.testing.assert_close(attention(*inputs), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(attention.with_weights(*inputs)[1], weights, atol=1e-6, rtol=0)


@torch.no_grad()
def test_ignored_keys_do_not_matter(attention, inputs):
    query, key, value = inputs
    attendable = torch.tensor([[True, True, True, False, False]]).expand(2, -1)
    before = attention(query, key, value, attendable=attendable)
    key[:, 3:], value[:, 3:] = 100.0, -100.0
    torch.testing.assert_close(attention(query, key, value, attendable=attendable), before)
    assert not torch.allclose(attention(query, key, value), before)


def test_dropout_acts_only_while_training(inputs):
    torch.manual_seed(0)
    module = Attention(12, 3, dropout=0.5)
    assert not torch.equal(module(*inputs), module(*inputs))
    module.eval()
    assert torch.equal(module(*inputs), module(*inputs))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="10 is not divisible by 3"):
        Attention(10, 3)
