"""Every equation: gradients against finite differences, a window of one frame, padding, bfloat16."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hawkeye_core.model.action_graph import ActionGraph
from hawkeye_core.model.attention import EncoderLayer, MultiHeadAttention
from hawkeye_core.model.balance_loss import balance_loss, coefficient_matrix, log_importance_matrix, weighted_importance
from hawkeye_core.model.moe import SoftMoE
from hawkeye_core.model.relation_graph import MaskGTN, RelationGraph, graph_edges
from hawkeye_core.model.scene_encoder import SceneEncoder

MASK = torch.tensor([[True, True, True], [True, False, False]])


def randomized(module: torch.nn.Module) -> torch.nn.Module:
    """Weights large enough that a mistake shows."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return module.eval()


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(1)).requires_grad_()


def test_gradients_of_the_cross_attention_x_c() -> None:
    layer = randomized(MultiHeadAttention(4, 2, context_width=2).double())
    mask = torch.tensor([[True, False, True], [True, True, True]])
    assert torch.autograd.gradcheck(lambda q, c: layer(q, c, mask), (double(2, 2, 4), double(2, 3, 2)))


def test_gradients_of_eq2_and_eq3() -> None:
    layer = randomized(EncoderLayer(4, 2).double())
    assert torch.autograd.gradcheck(lambda x: layer(x, MASK)[MASK], (double(2, 3, 4),))


def test_eq2_and_eq3_equal_the_literal_loop() -> None:
    layer, x = randomized(EncoderLayer(4, 2).double()), double(1, 3, 4).detach()

    def norm(v: Tensor, by: torch.nn.LayerNorm) -> Tensor:
        return (v - v.mean()) / (v.var(correction=0) + by.eps).sqrt() * by.weight + by.bias

    a = layer.attention
    q, k, v = a.query(x)[0], a.key(x)[0], a.value(x)[0]
    for i in range(3):
        heads = []
        for head in (slice(0, 2), slice(2, 4)):
            scores = torch.stack([(q[i, head] * k[j, head]).sum() / 2**0.5 for j in range(3)]).exp()
            heads.append(sum(scores[j] / scores.sum() * v[j, head] for j in range(3)))
        first = norm(x[0, i] + a.out(torch.cat(heads)), layer.attention_norm)  # Eq. 2
        expected = norm(first + layer.ffn(first), layer.ffn_norm)  # Eq. 3
        torch.testing.assert_close(layer(x, torch.ones(1, 3, dtype=torch.bool))[0, i], expected)


def test_gradients_of_eq4() -> None:
    graph = randomized(MaskGTN(3, 2, out_width=2).double())
    edges = graph_edges(torch.tensor([0, 1]), torch.tensor([1, 2]), objects=3, directed=False)
    assert torch.autograd.gradcheck(lambda nodes: graph(nodes, edges), (double(5, 3),))


def test_gradients_of_eq5() -> None:
    moe = randomized(SoftMoE(4, experts=2, layers=2, heads=2).double())
    assert torch.autograd.gradcheck(lambda h: moe(h, MASK).tokens[MASK], (double(2, 3, 4),))


@pytest.mark.parametrize("form", ["softmax", "exp"])
def test_gradients_of_eq6_and_eq7_and_l_bc(form) -> None:
    """The functions sum in float32, so finite differences are taken with a step that float32 resolves."""
    logits = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(2)) * 0.1

    def loss(z: Tensor) -> Tensor:
        return balance_loss(weighted_importance(z, z.softmax(-1), MASK, tau=0.5, form=form), cv="printed")

    x = logits.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(x), x)
    assert (slope[~MASK] == 0).all()
    step = 1e-2
    for place in [(0, 0, 0, 0), (0, 2, 1, 1), (1, 0, 1, 0)]:
        up, down = logits.clone(), logits.clone()
        up[place] += step
        down[place] -= step
        # `exp` is divided by the batch's largest exponential, a constant for the gradient: undo it on both sides.
        peak = (logits[MASK].max() / 0.5).exp() if form == "exp" else 1.0
        peaks = [(z[MASK].max() / 0.5).exp() if form == "exp" else 1.0 for z in (up, down)]
        numeric = (loss(up) * peaks[0] - loss(down) * peaks[1]) / (2 * step) / peak
        torch.testing.assert_close(slope[place], numeric, rtol=2e-2, atol=2e-4)


def test_eq6_and_eq7_stand_still_when_experts_are_exchanged() -> None:
    logits = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(2))
    m = log_importance_matrix(logits, MASK, tau=0.07, form="softmax")
    torch.testing.assert_close(log_importance_matrix(logits.flip(-1), MASK, tau=0.07, form="softmax"), m.flip(0))
    p = coefficient_matrix(logits.softmax(-1), MASK)
    torch.testing.assert_close(coefficient_matrix(logits.flip(-1).softmax(-1), MASK), p.flip(0))
    torch.testing.assert_close(p.sum(0), torch.ones(2))


def streams(config) -> dict[str, tuple[torch.nn.Module, Callable]]:
    actions, relations, whole = ActionGraph(config), RelationGraph(config), SceneEncoder(config)
    return {
        "Eq. 1-3": (actions, lambda s: actions(s, s.frame_tokens.to(actions.tokens.nobody.dtype).mean(2))),
        "Eq. 4": (relations, relations),
        "Eq. 5-7": (whole, lambda s: whole(s).tokens),
    }


@pytest.mark.parametrize("name", ["Eq. 1-3", "Eq. 4", "Eq. 5-7"])
@pytest.mark.parametrize("people_and_objects", [0, 3])
def test_a_window_of_one_frame(make_config, make_scene, name: str, people_and_objects: int) -> None:
    module, run = streams(make_config())[name]
    randomized(module)
    out = run(make_scene([1], people=people_and_objects, objects=people_and_objects))
    assert out.shape[:2] == (1, 1)
    assert torch.isfinite(out).all()
    out.square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in module.parameters())


@pytest.mark.parametrize("name", ["Eq. 1-3", "Eq. 4", "Eq. 5-7"])
def test_padding_changes_neither_values_nor_gradients(make_config, make_scene, name: str) -> None:
    module, run = streams(make_config())[name]
    randomized(module)
    scene = make_scene([4, 2], objects=4)
    longer = dataclasses.replace(
        scene,
        **{
            field: torch.nn.functional.pad(
                getattr(scene, field), (0, 0) * (getattr(scene, field).dim() - 2) + (0, 3), value=value
            )
            for field, value in {
                "frame_mask": False, "keypoints": 7.0, "person_box": 0.5, "person_mask": False, "velocity": 7.0,
                "previous": 1, "frame_tokens": 50.0, "masked_token": 50.0,
            }.items()
        },
        object_frame=scene.object_frame // 4 * 7 + scene.object_frame % 4,
    )  # fmt: skip
    grads, outs = [], []
    for s in (scene, longer):
        out = run(s)[s.frame_mask]
        module.zero_grad()
        out.square().sum().backward()
        outs.append(out.detach())
        grads.append({n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None})
    torch.testing.assert_close(outs[1], outs[0], atol=1e-4, rtol=1e-4)
    assert grads[0].keys() == grads[1].keys()
    for key, grad in grads[0].items():
        torch.testing.assert_close(grads[1][key], grad, atol=2e-3, rtol=1e-3, msg=lambda m, k=key: f"{k}: {m}")


@pytest.mark.parametrize("name", ["Eq. 1-3", "Eq. 4", "Eq. 5-7"])
def test_bfloat16_is_near_float32(make_config, make_scene, name: str) -> None:
    module, run = streams(make_config())[name]
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    scene = make_scene([4, 2], objects=4)
    exact = run(scene)[scene.frame_mask]
    module.bfloat16()
    rough = run(scene)[scene.frame_mask]
    assert rough.dtype == torch.bfloat16
    error = (rough.float() - exact).norm() / exact.norm()
    assert error < 0.03
    rough.float().square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


def test_tokens_do_not_depend_on_the_order_of_people_or_objects(make_config, make_scene) -> None:
    module = randomized(SceneEncoder(make_config()))
    scene = make_scene([4, 3], people=4, objects=4)
    people = torch.tensor([2, 0, 3, 1])
    order = torch.cat([(scene.object_frame == f).nonzero().flatten().flip(0) for f in range(8)])
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    changed = {n: getattr(scene, n)[:, :, people] for n in ("keypoints", "person_box", "person_mask", "velocity")}
    changed |= {n: getattr(scene, n)[order] for n in ("object_frame", "object_class", "object_box", "object_tokens")}
    shuffled = dataclasses.replace(
        scene, **changed, subject=place[scene.subject], object=place[scene.object]
    )  # fmt: skip
    first, second = module(scene), module(shuffled)
    torch.testing.assert_close(second.tokens, first.tokens, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(second.balance_loss, first.balance_loss, atol=1e-5, rtol=1e-3)
