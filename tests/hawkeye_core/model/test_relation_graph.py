"""Eq. 4 against a dense literal form, edges, and frames without objects."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from hawkeye_core.model.relation_graph import SCORE_POWER, MaskGTN, RelationGraph, graph_edges


def literal_eq4(
    graph: MaskGTN, nodes: torch.Tensor, edges: torch.Tensor, weights: list[float] | None = None
) -> torch.Tensor:
    """D~^-1/2 A~ D~^-1/2 H W with a dense adjacency matrix, entry by entry."""
    n = len(nodes)
    adjacency = torch.eye(n, dtype=nodes.dtype)
    for k, (a, b) in enumerate(edges.T.tolist()):
        adjacency[b, a] = 1.0 if weights is None else weights[k]
    degree = [sum(float(adjacency[i, j]) for j in range(n)) for i in range(n)]
    for layer in graph.layers:
        mixed = torch.zeros_like(nodes)
        for i in range(n):
            for j in range(n):
                mixed[i] += adjacency[i, j] / (degree[i] ** 0.5 * degree[j] ** 0.5) * nodes[j]
        nodes = torch.clamp(mixed @ layer.lin.weight.T, min=0)
    return graph.ffn(nodes)


def test_eq4_equals_the_dense_literal_form() -> None:
    torch.manual_seed(0)
    graph = MaskGTN(6, 2, out_width=5).double()
    edges = graph_edges(torch.tensor([0, 0, 3, 2]), torch.tensor([1, 2, 2, 2]), objects=5, directed=False)
    nodes = torch.randn(9, 6, dtype=torch.double)
    torch.testing.assert_close(graph(nodes, edges), literal_eq4(graph, nodes, edges))


def test_edges_of_a_triplet() -> None:
    subject, object_ = torch.tensor([0, 1]), torch.tensor([1, 1])
    directed = graph_edges(subject, object_, objects=2, directed=True).T.tolist()
    assert sorted(map(tuple, directed)) == [(0, 2), (1, 3), (2, 1), (3, 1)]
    both = graph_edges(subject, object_, objects=2, directed=False).T.tolist()
    # Relation 3 points from object 1 to itself: the edge 1 - 3 counts once in each direction.
    assert sorted(map(tuple, both)) == [(0, 2), (1, 2), (1, 3), (2, 0), (2, 1), (3, 1)]


def test_directed_edges_leave_a_subject_without_its_relation(make_config, make_scene) -> None:
    scene = make_scene([4], objects=4, seed=1)
    assert len(scene.predicate)
    other = dataclasses.replace(scene, predicate=(scene.predicate + 7) % 51)
    subjects_only = set(scene.subject.tolist()) - set(scene.object.tolist())
    assert subjects_only
    for edges, reached in (("directed", False), ("undirected", True)):
        graph = RelationGraph(make_config(edges=edges, graph_layers=1))
        for parameter in graph.graph.layers.parameters():
            torch.nn.init.normal_(parameter)
        first = graph.graph(graph._nodes(scene), *graph._edges(scene))
        second = graph.graph(graph._nodes(other), *graph._edges(other))
        changed = [bool((first[i] != second[i]).any()) for i in sorted(subjects_only)]
        assert any(changed) is reached


@pytest.mark.parametrize("edges", ["directed", "undirected"])
@pytest.mark.parametrize("scored", [False, True])
def test_all_frames_at_once_equal_frame_by_frame(make_config, make_scene, scored: bool, edges: str) -> None:
    torch.manual_seed(0)
    graph = RelationGraph(make_config(graph_scores=scored, edges=edges)).double()
    torch.nn.init.normal_(graph.nothing)
    scene = make_scene([5, 3], objects=4, seed=2).map(lambda x: x.double() if x.is_floating_point() else x)
    together = graph(scene)
    frames = scene.frame_mask.shape[1]
    for b, t in scene.frame_mask.nonzero().tolist():
        mine = (scene.object_frame == b * frames + t).nonzero().flatten()
        if not len(mine):
            torch.testing.assert_close(together[b, t], graph.nothing)
            continue
        links = torch.isin(scene.subject, mine)
        found = graph_edges(
            scene.subject[links] - mine[0], scene.object[links] - mine[0], objects=len(mine),
            directed=edges == "directed",
        )  # fmt: skip
        nodes = torch.cat([graph._nodes(scene)[mine], graph.predicate(scene.predicate[links])])
        # The relation of an edge is the node at one of its ends.
        relations = [max(ends) - len(mine) for ends in found.T.tolist()]
        weights = [float(scene.relation_score[links][r]) ** SCORE_POWER for r in relations] if scored else None
        x = literal_eq4(graph.graph, nodes, found, weights)[: len(mine)]
        shares = scene.object_score[mine].tolist() if scored else [1.0] * len(mine)
        mean = sum(share * row for share, row in zip(shares, x, strict=True)) / max(sum(shares), 1.0)
        torch.testing.assert_close(together[b, t], mean + scene.masked_token[b, t])


def test_scores_of_one_change_nothing_and_a_doubted_relation_counts_less(make_config, make_scene) -> None:
    scene = make_scene([5, 3], objects=4, seed=2)
    sure = dataclasses.replace(
        scene, object_score=torch.ones_like(scene.object_score), relation_score=torch.ones_like(scene.relation_score)
    )
    plain, scored = (RelationGraph(make_config(graph_scores=on)) for on in (False, True))
    scored.load_state_dict(plain.state_dict())
    torch.testing.assert_close(scored(sure), plain(scene))
    doubted = dataclasses.replace(sure, relation_score=torch.full_like(scene.relation_score, 1e-9))
    gone = dataclasses.replace(
        sure, **{name: getattr(scene, name)[:0] for name in ("subject", "predicate", "object", "relation_score")}
    )
    distance = [(scored(other) - scored(gone)).norm() for other in (sure, doubted)]
    assert distance[1] < 0.05 * distance[0]


def test_no_objects_anywhere_and_no_relations_anywhere(make_config, make_scene) -> None:
    graph = RelationGraph(make_config())
    torch.nn.init.normal_(graph.nothing)
    nothing = graph(make_scene([3, 2], objects=0))
    assert torch.equal(nothing, graph.nothing.expand(2, 3, -1))
    scene = make_scene([3], objects=3)
    alone = dataclasses.replace(
        scene, **{name: getattr(scene, name)[:0] for name in ("subject", "predicate", "object", "relation_score")}
    )
    assert torch.isfinite(graph(alone)).all()


def test_the_order_of_objects_does_not_matter(make_config, make_scene) -> None:
    torch.manual_seed(0)
    graph = RelationGraph(make_config())
    scene = make_scene([4], objects=4)
    order = torch.cat([(scene.object_frame == f).nonzero().flatten().flip(0) for f in range(4)])
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    names = ("object_frame", "object_class", "object_score", "object_box", "object_tokens")
    shuffled = dataclasses.replace(
        scene, **{name: getattr(scene, name)[order] for name in names},
        subject=place[scene.subject], object=place[scene.object],
    )  # fmt: skip
    torch.testing.assert_close(graph(scene), graph(shuffled))


@pytest.mark.parametrize("objects", [0, 3])
def test_every_parameter_that_was_used_gets_a_gradient(make_config, make_scene, objects: int) -> None:
    graph = RelationGraph(make_config())
    graph(make_scene([6], objects=objects)).square().sum().backward()
    used = {"nothing"} if objects == 0 else {"vision.weight", "box.weight", "object_class.weight", "predicate.weight"}
    for name, parameter in graph.named_parameters():
        if name in used and name != "nothing":
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0, name
