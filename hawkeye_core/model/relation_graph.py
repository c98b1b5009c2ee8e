"""The object-relation graph: scene graphs of all frames as one disjoint graph, one object-aware token a frame."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from hawkeye_core.model.attention import feed_forward
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES

with warnings.catch_warnings():  # at import, torch_geometric 2.8 calls torch.jit.script, which torch 2.15 deprecates
    warnings.simplefilter("ignore", FutureWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import GCNConv

SCORE_POWER = 1 / 3
"""Of a relation's score, a product of three probabilities, as the weight of its edges: their geometric mean."""


def graph_edges(subject: Tensor, object_: Tensor, *, objects: int, directed: bool) -> Tensor:
    """Edges of the disjoint graph: object nodes are 0 .. S - 1, relation r is node S + r.

    The paper gives each triplet two directed edges, subject -> relation -> object. A directed edge leaves every
    subject without input, so by default both directions are there; an edge that would occur twice counts once. Each
    relation is a node of its own, so that only happens where an object is related to itself: nothing is searched for.

    Args:
        subject: [R] index into the S objects.
        object_: [R] index into the S objects.
        objects: S.
        directed: The paper's wording.

    Returns:
        [2, E] int64, source above target.
    """
    relation = objects + torch.arange(len(subject), device=subject.device)
    if directed:
        return torch.stack([torch.cat([subject, relation]), torch.cat([relation, object_])])
    two = subject != object_
    back, source, target = relation[two], subject[two], object_[two]
    return torch.stack([torch.cat([subject, relation, back, target]), torch.cat([relation, object_, source, back])])


class MaskGTN(nn.Module):
    """Eq. 4, L layers: ``H^(l+1) = ReLU(D~^-1/2 A~ D~^-1/2 H^(l) W^(l))``, then ``X_s = FFN(H^(L))``.

    ``GCNConv`` is this equation for undirected edges: A~ = A + I (its self loops), symmetric normalisation, no bias.

    Args:
        width: d of the nodes.
        layers: L.
        out_width: D of the result.

    Shapes:
        nodes [S + R, d], edges [2, E], perhaps their weights [E] in place of the ones of A -> [S + R, D]
    """

    def __init__(self, width: int, layers: int, *, out_width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(GCNConv(width, width, bias=False) for _ in range(layers))
        self.ffn = feed_forward(width, out_width, ratio=4)

    def forward(self, nodes: Tensor, edges: Tensor, weights: Tensor | None = None) -> Tensor:
        """See the class."""
        for layer in self.layers:
            nodes = torch.relu(layer(nodes, edges, weights))
        return self.ffn(nodes)


class RelationGraph(nn.Module):
    """One object-aware video token a frame, ``X_s``.

    An object node is its masked vision token, its class and its box (as -1 .. 1); a relation node is its predicate.
    After MaskGTN a frame's token is the mean of its object nodes plus its object-masked frame token (the paper's
    ``x_i^m``); a frame without objects gets the learned "nothing" token.

    With ``graph_scores`` (ours) what a network was not sure of counts less: the edges of a relation have its score, to
    the power :data:`SCORE_POWER`, in A in place of ones, and an object's share of the mean is its score. Where all of
    a frame's scores together are below 1, its mean is the smaller. With scores of 1, as graphs of the truth have,
    nothing changes.

    Shapes:
        :class:`SceneBatch` -> [B, T, D]
    """

    def __init__(self, config: HawkeyeConfig) -> None:
        super().__init__()
        width = config.graph_width
        self.directed = config.edges == "directed"
        self.vision = nn.Linear(config.vision_width, width)
        self.box = nn.Linear(4, width)
        self.object_class = nn.Embedding(len(EXTENDED_OBJECT_CLASSES), width)
        self.predicate = nn.Embedding(len(PREDICATE_CLASSES), width)
        self.graph = MaskGTN(width, config.graph_layers, out_width=config.vision_width)
        self.scored = config.graph_scores
        self.nothing = nn.Parameter(torch.zeros(config.vision_width))

    def forward(self, scene: SceneBatch) -> Tensor:
        """See the class."""
        batch, frames = scene.shape
        flat, objects = batch * frames, len(scene.object_frame)
        edges, weights = self._edges(scene)
        x = self.graph(self._nodes(scene), edges, weights)[:objects]  # [S, D]
        score = scene.object_score.to(x.dtype) if self.scored else x.new_ones(objects)
        total = x.new_zeros(flat, x.shape[-1]).index_add(0, scene.object_frame, x * score[:, None])
        weight = score.new_zeros(flat).index_add(0, scene.object_frame, score).clamp(min=1)[:, None]  # [B * T, 1]
        token = total / weight + scene.masked_token.flatten(0, 1).to(x.dtype)
        there = torch.bincount(scene.object_frame, minlength=flat)[:, None] > 0
        return torch.where(there, token, self.nothing).unflatten(0, (batch, frames))

    def _nodes(self, scene: SceneBatch) -> Tensor:
        dtype = self.vision.weight.dtype
        objects = self.vision(scene.object_tokens.to(dtype)) + self.box(2 * scene.object_box.to(dtype) - 1)
        return torch.cat([objects + self.object_class(scene.object_class), self.predicate(scene.predicate)])

    def _edges(self, scene: SceneBatch) -> tuple[Tensor, Tensor | None]:
        """[2, E] and, where scores count, the edges' weights [E]."""
        edges = graph_edges(scene.subject, scene.object, objects=len(scene.object_frame), directed=self.directed)
        if not self.scored:
            return edges, None
        each = (scene.relation_score**SCORE_POWER).to(self.vision.weight.dtype)
        back = each[:0] if self.directed else each[scene.subject != scene.object]
        return edges, torch.cat([each, each, back, back])
