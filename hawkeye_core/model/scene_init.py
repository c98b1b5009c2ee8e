"""First weights of the scene modules: every map keeps the size of what it is given, whatever its width.

A language model's ``initializer_range`` of 0.02 suits widths of a thousand and more. At the width 128 of the small
model five such maps one after the other, as from joints to action-aware tokens, let 0.05 % of the joints' differences
between frames through; training then let them die behind the ReLU of Eq. 1 instead of finding them. Scaled by the
number of inputs (He et al. 2015 behind Eq. 1's ReLU, Glorot & Bengio 2010 elsewhere) half of it arrives.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import nn

from hawkeye_core.model.action_graph import (
    ActionGraph,
    ActionTokens,
    JointAttention,
    JointEmbedding,
    JointReadout,
)
from hawkeye_core.model.attention import EncoderLayer, MultiHeadAttention
from hawkeye_core.model.moe import SoftMoE
from hawkeye_core.model.person_tracks import TrackLayer, init_tracks
from hawkeye_core.model.relation_graph import MaskGTN, RelationGraph
from hawkeye_core.model.scene_encoder import SceneEncoder

EMBEDDING_STD = 0.5
"""Of joints, classes, predicates, types and of the tokens for "nobody" and "nothing"; what they are added to is of size
0.4 to 1.2 (:mod:`hawkeye_core.model.scene_encoder` on stored videos)."""

GRAPH_GAIN = 4.0
"""Of the last map of the scene graph, behind averages over neighbours and ReLUs that make its input small."""
SHARPEST = 4.0
"""Gain of the first head that looks at its own time, halved from head to head; 4 sees some three frames."""
CONTENT = 0.2
"""What is left of such a head's random weights."""


def init_scene(scene: SceneEncoder, *, router_std: float) -> None:
    """Set all weights of new scene modules.

    Not a part of ``_init_weights``: transformers does not call that for modules of other packages that hold no tensor
    of their own. A model that ``from_pretrained`` builds has no memory yet, so nothing happens to it here.

    Args:
        scene: New modules; the convolutions of the scene graph keep their own (Glorot's) weights.
        router_std: Of the router, small, so that routing begins even.
    """
    for module in scene.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=EMBEDDING_STD)
    for module in scene.modules():
        if isinstance(module, JointEmbedding):
            nn.init.normal_(module.project, std=1 / math.sqrt(module.project.shape[1]))
        elif isinstance(module, MaskGTN):  # added to the frame's own token, which is as large as these are then
            last = cast(nn.Linear, module.ffn[-1])
            nn.init.normal_(last.weight, std=GRAPH_GAIN / math.sqrt(last.in_features))
        elif isinstance(module, JointAttention):
            nn.init.normal_(module.update.weight, std=math.sqrt(2 / module.update.in_features))
        elif isinstance(module, JointReadout):
            nn.init.normal_(module.maps, std=math.sqrt(2 / (module.maps.shape[0] * module.maps.shape[1])))
            nn.init.zeros_(module.bias)
        elif isinstance(module, ActionTokens):
            nn.init.normal_(module.nobody, std=EMBEDDING_STD)
        elif isinstance(module, RelationGraph):
            nn.init.normal_(module.nothing, std=EMBEDDING_STD)
        elif isinstance(module, TrackLayer):
            init_tracks(module)
        elif isinstance(module, EncoderLayer):  # begins as the identity, but for its norms
            nn.init.zeros_(module.attention.out.weight)
            nn.init.zeros_(cast(nn.Linear, module.ffn[-1]).weight)
        elif isinstance(module, SoftMoE):
            nn.init.normal_(module.router.weight, std=router_std)
        elif isinstance(module, ActionGraph):
            _look_at_own_time(module.cross)


def _look_at_own_time(cross: MultiHeadAttention) -> None:
    """Half of the heads of ``X_c = V_a softmax(Q_v^T K_a)`` begin with the action tokens around the query's own frame.

    Queries and keys carry the same sinusoids (:mod:`~hawkeye_core.model.time_encoding`): maps that hand through those
    which both widths have make scores that are highest at equal times, the sharper the higher the gain. Without, every
    frame begins with the mean of the window's actions. Where D is no multiple of d nothing is done.
    """
    context, width = cross.key.in_features, cross.query.in_features
    if width % context:
        return
    size = width // cross.heads
    shared = torch.arange(min(size, context) // 2 * 2)  # sine and cosine of the highest rates
    ours = shared // 2 * 2 * (width // context) + shared % 2  # where the query has the rates of the key
    with torch.no_grad():
        for head in range(cross.heads // 2):
            gain = math.sqrt(SHARPEST / 2**head * math.sqrt(32 / size))
            rows = slice(head * size, (head + 1) * size)
            for layer, columns in ((cross.query, ours), (cross.key, shared)):
                layer.weight[rows] *= CONTENT
                layer.weight[rows][shared, columns] += gain
