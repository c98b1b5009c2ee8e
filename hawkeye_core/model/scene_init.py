"""First weights of the scene modules: every map keeps the size of what it is given, whatever its width.

A language model's ``initializer_range`` of 0.02 suits widths of a thousand and more. At the width 128 of the small
model five such maps one after the other, as from joints to action-aware tokens, let 0.05 % of the joints' differences
between frames through; training then let them die behind the ReLU of Eq. 1 instead of finding them. Scaled by the
number of inputs (He et al. 2015 behind Eq. 1's ReLU, Glorot & Bengio 2010 elsewhere) half of it arrives.
"""

from __future__ import annotations

import math

from torch import nn

from hawkeye_core.model.action_graph import ActionTokens, JointAttention
from hawkeye_core.model.moe import SoftMoE
from hawkeye_core.model.relation_graph import RelationGraph
from hawkeye_core.model.scene_encoder import SceneEncoder

EMBEDDING_STD = 0.5
"""Of joints, classes, predicates, types and of the tokens for "nobody" and "nothing"; what they are added to is of size
0.4 to 1.2 (:mod:`hawkeye_core.model.scene_encoder` on stored videos)."""


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
        if isinstance(module, JointAttention):
            nn.init.normal_(module.update.weight, std=math.sqrt(2 / module.update.in_features))
        elif isinstance(module, ActionTokens):
            nn.init.normal_(module.nobody, std=EMBEDDING_STD)
        elif isinstance(module, RelationGraph):
            nn.init.normal_(module.nothing, std=EMBEDDING_STD)
        elif isinstance(module, SoftMoE):
            nn.init.normal_(module.router.weight, std=router_std)
