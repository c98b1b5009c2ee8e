"""First weights of the scene modules: what graphs say arrives at the language model, whatever the widths."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.scene_encoder import SceneEncoder
from hawkeye_core.model.scene_init import init_scene
from hawkeye_core.model.time_encoding import sinusoidal_time
from hawkeye_core.model.tiny import tiny_llava


@pytest.fixture
def encoder(make_config):
    def make(**values) -> SceneEncoder:
        torch.manual_seed(0)
        scene = SceneEncoder(make_config(**values))
        init_scene(scene, router_std=0.02)
        return scene.eval()

    return make


def changed(encoder: SceneEncoder, scene, **other: Tensor) -> float:
    """How much of a frame's tokens, which have size 1, changes with some of the features."""
    with torch.no_grad():
        before, after = encoder(scene).tokens, encoder(dataclasses.replace(scene, **other)).tokens
    return float((after - before).pow(2).mean().sqrt() / before.pow(2).mean().sqrt())


@pytest.mark.parametrize("width", [8, 64])
def test_what_graphs_say_arrives_whatever_the_width(encoder, make_scene, width: int) -> None:
    scene = make_scene([6, 6])
    ours = encoder(action_width=width, graph_width=width)
    small = encoder(action_width=width, graph_width=width)
    for module in small.modules():  # as a language model begins, for comparison
        if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
            torch.nn.init.normal_(module.weight, std=0.02)
    torch.nn.init.normal_(small.actions.tokens.embed.project, std=0.02)
    other = {
        "keypoints": scene.keypoints * torch.tensor([1.0, -1.0, 1.0]) + torch.tensor([0.0, 1.0, 0.0]),
        "predicate": (scene.predicate + 7) % 50,
    }
    for name, values in other.items():
        arrives = changed(ours, scene, **{name: values})
        assert arrives > 0.005
        assert arrives > 5 * changed(small, scene, **{name: values})


@pytest.mark.parametrize(("action_width", "heads"), [(64, 4), (32, 8)])
def test_half_of_the_heads_begin_around_their_own_time(action_width: int, heads: int) -> None:
    torch.manual_seed(0)
    llava = tiny_llava(vision_width=128, hidden_size=16, layers=1, heads=2)
    config = HawkeyeConfig(llava=llava, action_width=action_width, scene_heads=heads, graph_width=8, expert_layers=1)
    scene = SceneEncoder(config)
    init_scene(scene, router_std=0.02)
    cross, frames = scene.actions.cross, 60
    queries = 0.6 * torch.randn(1, frames, 128) + sinusoidal_time(frames, 128, like=torch.zeros(1))
    context = 0.6 * torch.randn(1, frames, action_width) + sinusoidal_time(frames, action_width, like=torch.zeros(1))
    q, k = cross._split(cross.query(queries)), cross._split(cross.key(context))
    attention = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)[0]  # [heads, T, T]
    distance = (torch.arange(frames)[:, None] - torch.arange(frames)).abs()
    near = (attention * (distance <= 3)).sum(-1).mean(-1)
    assert near[0] > 0.6
    assert near[0] > near[heads // 2 - 1]
    assert (near[heads // 2 :] < 0.25).all()


def test_routing_begins_even(encoder, make_scene) -> None:
    weights = encoder()(make_scene([6, 6])).weights
    assert (weights - 0.5).abs().max() < 0.1


def test_weights_are_sized_by_their_inputs(encoder) -> None:
    scene = encoder(action_width=64)
    update = scene.actions.tokens.attention.update.weight
    assert update.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.1)
    assert scene.actions.cross.key.weight.std().item() == pytest.approx(64**-0.5, rel=0.15)
