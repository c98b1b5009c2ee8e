"""Eq. 1-3 against literal loops, and the frames that have nobody in them."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from hawkeye_core.model.action_graph import ActionGraph, ActionTokens, JointAttention, skeleton_mask
from hawkeye_core.model.attention import EncoderLayer, MultiHeadAttention
from hawkeye_core.scene import COCO_SKELETON


def literal_eq1(layer: JointAttention, h: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """One person [J, d], joint by joint as the paper writes it."""
    w, w_update = layer.attend.weight, layer.update.weight
    out = []
    for k in range(17):
        neighbours = [
            j for j in range(17) if seen[j] and (j == k or (k, j) in COCO_SKELETON or (j, k) in COCO_SKELETON)
        ]
        hat = torch.zeros_like(h[k])
        if neighbours:
            scores = [((w @ h[k]) @ (w @ h[j])).item() / math.sqrt(h.shape[1]) for j in neighbours]
            total = sum(math.exp(score) for score in scores)
            for j, score in zip(neighbours, scores, strict=True):
                hat = hat + math.exp(score) / total * h[j]
        out.append(torch.clamp(w_update @ torch.cat([hat, h[k]]), min=0))
    return torch.stack(out)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_eq1_equals_the_literal_loop(share: float) -> None:
    torch.manual_seed(0)
    layer = JointAttention(6).double()
    h, seen = torch.randn(5, 17, 6, dtype=torch.double), torch.rand(5, 17) < share
    fast = layer(h, seen)
    slow = torch.stack([literal_eq1(layer, h[p], seen[p]) for p in range(5)])
    torch.testing.assert_close(fast, slow)


def test_eq1_has_gradients_that_numbers_confirm() -> None:
    torch.manual_seed(0)
    layer = JointAttention(3).double()
    seen = torch.rand(1, 17) < 0.7
    h = torch.randn(1, 17, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x, seen), (h,))


def test_the_skeleton_has_its_edges_both_ways_and_every_joint_itself() -> None:
    mask = skeleton_mask()
    assert torch.equal(mask, mask.T)
    assert mask.diagonal().all()
    assert mask.sum() == 17 + 2 * len(COCO_SKELETON)


def test_a_joint_sees_its_neighbours_only() -> None:
    torch.manual_seed(0)
    layer, seen = JointAttention(4), torch.ones(1, 17, dtype=torch.bool)
    h = torch.randn(1, 17, 4)
    moved = h.clone()
    moved[0, 15] += 10.0  # left ankle, neighbour of the left knee (13) alone
    changed = (layer(h, seen) != layer(moved, seen)).any(-1)[0]
    assert set(changed.nonzero().flatten().tolist()) <= {13, 15}
    assert changed[13]


def test_an_action_token_is_the_mean_over_seen_joints_of_all_people(make_config, make_scene) -> None:
    torch.manual_seed(0)
    tokens = ActionTokens(make_config(joint_score=0.4))
    scene = make_scene([4, 2])
    fast = tokens(scene)
    h = tokens.embed(scene.keypoints, scene.person_box, scene.velocity)
    for b, t in [(0, 0), (0, 3), (1, 1)]:
        kept = []
        for p in range(3):
            seen = scene.keypoints[b, t, p, :, 2] >= 0.4
            if scene.person_mask[b, t, p]:
                kept.append(literal_eq1(tokens.attention, h[b, t, p], seen)[seen])
        expected = 17**0.5 * torch.cat(kept).mean(0) if kept and len(torch.cat(kept)) else tokens.nobody
        torch.testing.assert_close(fast[b, t], expected, atol=1e-6, rtol=1e-5)


def test_joints_read_by_maps_of_their_own_are_averaged_over_people(make_config, make_scene) -> None:
    torch.manual_seed(0)
    tokens = ActionTokens(make_config(joint_score=0.4, joint_readout=True))
    scene = make_scene([4, 2])
    fast = tokens(scene)
    h = tokens.embed(scene.keypoints, scene.person_box, scene.velocity)
    assert tokens.readout is not None
    for b, t in [(0, 0), (0, 3), (1, 1)]:
        people = []
        for p in range(3):
            seen = scene.keypoints[b, t, p, :, 2] >= 0.4
            if scene.person_mask[b, t, p] and seen.any():
                joints = literal_eq1(tokens.attention, h[b, t, p], seen)
                read = sum((joints[k] @ tokens.readout.maps[k] for k in range(17) if seen[k]), tokens.readout.bias)
                people.append(read.relu())
        expected = sum(people) / len(people) if people else tokens.nobody
        torch.testing.assert_close(fast[b, t], expected, atol=1e-6, rtol=1e-5)


def test_people_are_averaged_behind_their_tracks(make_config, make_scene) -> None:
    torch.manual_seed(0)
    tokens = ActionTokens(make_config(joint_score=0.4, joint_readout=True, track_layers=2))
    scene = make_scene([4, 2])
    assert tokens.readout is not None
    assert tokens.tracks is not None
    h = tokens.attention(
        tokens.embed(scene.keypoints, scene.person_box, scene.velocity), scene.keypoints[..., 2] >= 0.4
    )
    there = scene.person_mask
    seen = scene.keypoints[..., 2] >= 0.4
    person = torch.zeros(*there.shape, h.shape[-1])
    person[there] = tokens.readout(h[there], seen[there])
    person[there] = tokens.tracks(person[there], scene.previous, there)
    fast = tokens(scene)
    for b, t in [(0, 0), (0, 3), (1, 1)]:
        kept = [person[b, t, p] for p in range(3) if there[b, t, p] and seen[b, t, p].any()]
        expected = torch.stack(kept).mean(0) if kept else tokens.nobody
        torch.testing.assert_close(fast[b, t], expected, atol=1e-6, rtol=1e-5)


def test_tracks_need_a_vector_of_each_person(make_config) -> None:
    with pytest.raises(ValueError, match="need joint_readout"):
        make_config(track_layers=1)


@pytest.mark.parametrize("joint_readout", [False, True])
def test_a_frame_without_people_or_without_seen_joints_is_the_nobody_token(
    make_config, make_scene, joint_readout: bool
) -> None:
    tokens = ActionTokens(make_config(joint_readout=joint_readout))
    torch.nn.init.normal_(tokens.nobody)
    for scene in (make_scene([3], people=0), unseen(make_scene([3]))):
        assert torch.equal(tokens(scene), tokens.nobody.expand(1, 3, -1))


def unseen(scene):
    return dataclasses.replace(scene, keypoints=scene.keypoints * torch.tensor([1.0, 1.0, 0.0]))


@pytest.mark.parametrize("changes", [{}, {"joint_readout": True, "track_layers": 3}])
def test_the_order_of_people_does_not_matter(make_config, make_scene, changes) -> None:
    graph = ActionGraph(make_config(**changes)).eval()
    scene = make_scene([5], people=4)
    order = torch.tensor([2, 0, 3, 1])
    names = ("keypoints", "person_box", "person_mask", "velocity")
    previous = torch.where(scene.previous < 0, -1, order.argsort()[scene.previous])[:, :, order]
    changed = {name: getattr(scene, name)[:, :, order] for name in names} | {"previous": previous}
    shuffled = dataclasses.replace(scene, **changed)
    video = scene.frame_tokens.mean(2)
    torch.testing.assert_close(graph(scene, video), graph(shuffled, video))


def test_velocity_is_read_only_where_it_is_asked_for(make_config, make_scene) -> None:
    scene = make_scene([3])
    still = dataclasses.replace(scene, velocity=torch.zeros_like(scene.velocity))
    for velocity in (False, True):
        tokens = ActionTokens(make_config(velocity=velocity))
        assert torch.equal(tokens(scene), tokens(still)) is not velocity


def test_time_tells_equal_frames_apart(make_config, make_scene) -> None:
    graph = ActionGraph(make_config())
    scene = make_scene([1]).map(lambda x: x.repeat_interleave(3, 1) if x.dim() > 1 and x.shape[:2] == (1, 1) else x)
    out = graph(scene, scene.frame_tokens.mean(2))
    assert out.shape == (1, 3, 16)
    assert not torch.allclose(out[0, 0], out[0, 1])


def test_cross_attention_equals_the_literal_form() -> None:
    torch.manual_seed(0)
    layer = MultiHeadAttention(8, 2, context_width=6).double()
    x, c = torch.randn(1, 3, 8, dtype=torch.double), torch.randn(1, 5, 6, dtype=torch.double)
    mask = torch.tensor([[True, True, False, True, True]])
    q, k, v = layer.query(x)[0], layer.key(c)[0], layer.value(c)[0]
    heads = []
    for head in (slice(0, 4), slice(4, 8)):
        weights = torch.stack([torch.stack([q[i, head] @ k[j, head] / 2 for j in (0, 1, 3, 4)]) for i in range(3)])
        heads.append(weights.softmax(-1) @ v[[0, 1, 3, 4]][:, head])
    torch.testing.assert_close(layer(x, c, mask)[0], layer.out(torch.cat(heads, -1)))


def test_the_encoder_layer_equals_torchs_post_norm_layer() -> None:
    torch.manual_seed(0)
    ours = EncoderLayer(8, 2).double()
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 32, dropout=0.0, activation="gelu", batch_first=True).double()
    attention = ours.attention
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        for mine, other in (
            (attention.out, theirs.self_attn.out_proj), (ours.ffn[0], theirs.linear1), (ours.ffn[2], theirs.linear2),
        ):  # fmt: skip
            other.weight.copy_(mine.weight)
            other.bias.copy_(mine.bias)
    x, mask = torch.randn(2, 5, 8, dtype=torch.double), torch.arange(5) < torch.tensor([[5], [3]])
    expected = theirs(x, src_key_padding_mask=~mask)
    torch.testing.assert_close(ours(x, mask)[mask], expected[mask])
