"""Switches of the ablation study, gradient checkpointing, bfloat16, batches padded on the left."""

from __future__ import annotations

import pytest
import torch

from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.scene_batch import SceneBatch

from .one_window import one

ALL = {"actions", "relations", "kind", "moe"}
PARTS = {
    "all on": ({}, ALL),
    "w/o ASG": ({"asg": False}, ALL - {"actions"}),
    "w/o ORG": ({"org": False}, ALL - {"relations"}),
    "w/o B-H MoE": ({"moe": False}, {"actions", "relations", "concatenate"}),
    "w/o L_bc": ({"lambda_bc": 0.0}, ALL),
    "plain Video-LLaVA": ({"scene": False}, set()),
}


def build(config) -> HawkeyeModel:
    torch.manual_seed(0)
    return HawkeyeModel(config)


def sample(model: HawkeyeModel, frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ids = torch.tensor([[1, *[model.scene_token_id] * (2 * frames), 40, 41, 42, 43]])
    return ids, torch.ones_like(ids), torch.where(torch.arange(ids.shape[1]) > 2 * frames + 1, ids, -100)


@pytest.mark.parametrize("name", PARTS)
def test_every_variant_reads_as_many_tokens_and_trains_its_own_parts_only(make_config, make_scene, name: str) -> None:
    changes, parts = PARTS[name]
    model, scene = build(make_config(**changes)), make_scene([4], objects=4)
    for parameter in model.scene.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ids, mask, labels = sample(model, 4)
    assert int((ids == model.scene_token_id).sum()) == 8  # the same prompt for all of them
    result = model(ids, mask, scene, labels)
    result.loss.backward()
    assert {n.split(".")[0] for n, _ in model.scene.named_parameters()} == parts
    for part in parts:
        gradients = [p.grad for p in getattr(model.scene, part).parameters()]
        assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0, part
    assert model.backbone.model.multi_modal_projector.linear_1.weight.grad.abs().sum() > 0
    assert (result.columns is None) == ("moe" not in parts)
    if "moe" not in parts:
        assert result.balance_loss == 0
    assert (result.loss == result.lm_loss) == (name in ("w/o L_bc", "w/o B-H MoE", "plain Video-LLaVA"))


def test_without_lambda_the_balance_loss_teaches_nothing(make_config, make_scene) -> None:
    scene, slopes = make_scene([4], objects=4), []
    for weight in (0.0, 5.0):
        model = build(make_config(lambda_bc=weight))
        torch.nn.init.normal_(model.scene.moe.router.weight, std=0.5)
        ids, mask, labels = sample(model, 4)
        result = model(ids, mask, scene, labels)
        router = model.scene.moe.router.weight
        (whole,) = torch.autograd.grad(result.loss, router, retain_graph=True)
        (words,) = torch.autograd.grad(result.lm_loss, router)
        slopes.append(torch.equal(whole, words))
    assert slopes == [True, False]


@pytest.mark.parametrize("lora", [False, True])
def test_gradient_checkpointing_gives_the_same_gradients(make_config, make_scene, lora: bool) -> None:
    scene, found = make_scene([5], objects=4), []
    for checkpointing in (False, True):
        model = build(make_config(lora=lora, lora_dropout=0.1)).train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            assert model.scene.moe.experts[0].gradient_checkpointing
            assert model.backbone.model.language_model.layers[0].gradient_checkpointing
        torch.manual_seed(3)  # of dropout
        result = model(*sample(model, 5)[:2], scene, sample(model, 5)[2])
        result.loss.backward()
        found.append((result.loss.detach(), {n: p.grad for n, p in model.named_parameters() if p.grad is not None}))
    (loss, plain), (again, checkpointed) = found
    assert torch.equal(loss, again)
    assert plain.keys() == checkpointed.keys()
    for name, grad in plain.items():
        assert torch.equal(grad, checkpointed[name]), name


def rows(batch: SceneBatch, lengths: list[int]) -> list[SceneBatch]:
    """Each window as a batch of its own, cut to its length."""
    return [one(batch, row, length) for row, length in enumerate(lengths)]


@pytest.mark.parametrize("lora", [False, True])
def test_answers_of_a_batch_padded_on_the_left_equal_those_one_by_one(make_config, make_scene, lora: bool) -> None:
    model, lengths = build(make_config(lora=lora)).eval(), [6, 1, 4, 3]
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.25)
    scene = make_scene(lengths, objects=4)
    prompts = [[1, *[model.scene_token_id] * (2 * n), *range(40, 42 + k)] for k, n in enumerate(lengths)]
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    arguments = {"max_new_tokens": 8, "eos_token_id": 2, "pad_token_id": 0}
    together = model.generate(ids, mask, scene, **arguments)
    for k, alone in enumerate(rows(scene, lengths)):
        own = torch.tensor([prompts[k]])
        single = model.generate(own, torch.ones_like(own), alone, **arguments)
        steps = single.token_ids.shape[1]
        assert together.token_ids[k, :steps].tolist() == single.token_ids[0].tolist()
        torch.testing.assert_close(together.probabilities[k, :steps], single.probabilities[0], atol=1e-5, rtol=1e-3)


def test_bfloat16_trains_and_answers(make_config, make_scene) -> None:
    model, scene = build(make_config()).bfloat16(), make_scene([3])
    ids, mask, labels = sample(model, 3)
    exact = build(make_config())(ids, mask, scene, labels)
    rough = model(ids, mask, scene, labels)
    rough.loss.backward()
    assert rough.lm_loss.dtype == rough.balance_loss.dtype == torch.float32
    assert rough.lm_loss.item() == pytest.approx(exact.lm_loss.item(), rel=0.02)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    answer = model.eval().generate(ids, mask, scene, max_new_tokens=4, eos_token_id=2, pad_token_id=0)
    assert ((answer.probabilities > 0) & (answer.probabilities <= 1)).all()
