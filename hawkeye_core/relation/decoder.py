"""RelTR's decoder: entities, and subject-object pairs that look at one another, at the image and at the entities.

Legend: B images, S = h * w cells, N entity queries, T triplet queries, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hawkeye_core.relation.architecture import RelTRArchitecture
from hawkeye_core.relation.attention import Attention


@dataclass(frozen=True, slots=True)
class Memory:
    """The encoded image."""

    content: Tensor  # [B, S, D]
    placed: Tensor  # [B, S, D] content with positions added
    attendable: Tensor | None  # [B, S] False on padding


@dataclass(frozen=True, slots=True)
class Queries:
    """What each query brings along, the same in every layer."""

    entity_position: Tensor  # [N, D]
    triplet_position: Tensor  # [T, D] shared by subject and object
    role: Tensor  # [2, D] row 0 marks subjects, row 1 objects


@dataclass(frozen=True, slots=True)
class DecoderState:
    """Tokens between layers, and the image attention of the last layer where it was asked for."""

    entity: Tensor  # [B, N, D]
    subject: Tensor  # [B, T, D]
    object: Tensor  # [B, T, D]
    subject_map: Tensor | None = None  # [B, T, S] attention averaged over heads
    object_map: Tensor | None = None  # [B, T, S]


class DecoderLayer(nn.Module):
    """One layer of the entity decoder and of the triplet decoder.

    Entities: self-attention, image attention, feed-forward. Triplets: coupled self-attention over all subjects and
    objects together; then for subjects, and likewise for objects: image attention, attention to the entities just
    updated, feed-forward. A norm follows each sum. Attribute names are those of the published checkpoint, hence
    ``norm2`` after self- and entity attention, ``norm1`` after image attention, ``norm3`` after feed-forward.
    """

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        self.dropout = config.dropout

        def attention() -> Attention:
            return Attention(config.width, config.heads, dropout=config.dropout)

        self.self_attn_entity = attention()
        self.norm2_entity = nn.LayerNorm(config.width)
        self.cross_attn_entity = attention()
        self.norm1_entity = nn.LayerNorm(config.width)

        self.self_attn_so = attention()
        self.norm2_so = nn.LayerNorm(config.width)

        self.cross_attn_sub = attention()
        self.norm1_sub = nn.LayerNorm(config.width)
        self.cross_sub_entity = attention()
        self.norm2_sub = nn.LayerNorm(config.width)

        self.cross_attn_obj = attention()
        self.norm1_obj = nn.LayerNorm(config.width)
        self.cross_obj_entity = attention()
        self.norm2_obj = nn.LayerNorm(config.width)

        for name in ("entity", "sub", "obj"):
            self.add_module(f"linear1_{name}", nn.Linear(config.width, config.feed_forward))
            self.add_module(f"linear2_{name}", nn.Linear(config.feed_forward, config.width))
            self.add_module(f"norm3_{name}", nn.LayerNorm(config.width))

    def forward(self, state: DecoderState, queries: Queries, memory: Memory, *, keep_maps: bool) -> DecoderState:
        """Update all tokens; ``keep_maps`` also keeps the image attention of subjects and objects."""
        entity = self._update_entities(state.entity, queries.entity_position, memory)
        subject, object_ = self._couple(state.subject, state.object, queries)
        position = queries.triplet_position
        subject, subject_map = self._look(
            subject, position, memory, self.cross_attn_sub, self.norm1_sub, keep_map=keep_maps
        )
        object_, object_map = self._look(
            object_, position, memory, self.cross_attn_obj, self.norm1_obj, keep_map=keep_maps
        )
        # Keys and values are the entities without their positions.
        found = self.cross_sub_entity(subject + position, entity, entity)
        subject = self._feed_forward(self.norm2_sub(subject + self._drop(found)), "sub")
        found = self.cross_obj_entity(object_ + position, entity, entity)
        object_ = self._feed_forward(self.norm2_obj(object_ + self._drop(found)), "obj")
        return DecoderState(entity, subject, object_, subject_map, object_map)

    def _update_entities(self, entity: Tensor, position: Tensor, memory: Memory) -> Tensor:
        placed = entity + position
        entity = self.norm2_entity(entity + self._drop(self.self_attn_entity(placed, placed, entity)))
        entity, _ = self._look(entity, position, memory, self.cross_attn_entity, self.norm1_entity, keep_map=False)
        return self._feed_forward(entity, "entity")

    def _couple(self, subject: Tensor, object_: Tensor, queries: Queries) -> tuple[Tensor, Tensor]:
        both = torch.cat((subject, object_), dim=1)  # [B, 2T, D]
        marks = (queries.triplet_position + queries.role[:, None]).flatten(0, 1)  # [2T, D]
        placed = both + marks
        both = self.norm2_so(both + self._drop(self.self_attn_so(placed, placed, both)))
        subject, object_ = both.chunk(2, dim=1)
        return subject, object_

    def _look(
        self, x: Tensor, position: Tensor, memory: Memory, attention: Attention, norm: nn.Module, *, keep_map: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Attend to the image; the attention map [B, T, S] only where asked for, because it rules out fused kernels."""
        inputs = (x + position, memory.placed, memory.content)
        if keep_map:
            found, weights = attention.with_weights(*inputs, attendable=memory.attendable)
            return norm(x + self._drop(found)), weights
        return norm(x + self._drop(attention(*inputs, attendable=memory.attendable))), None

    def _feed_forward(self, x: Tensor, name: str) -> Tensor:
        hidden = F.relu(self.get_submodule(f"linear1_{name}")(x), inplace=True)
        update = self.get_submodule(f"linear2_{name}")(self._drop(hidden))
        return self.get_submodule(f"norm3_{name}")(x + self._drop(update))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class Decoder(nn.Module):
    """A stack of decoder layers without a norm behind the last."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))

    def forward(
        self, state: DecoderState, queries: Queries, memory: Memory, *, every_layer: bool
    ) -> list[DecoderState]:
        """States after every layer, or only after the last; those that are returned carry their attention maps."""
        states = []
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            keep = every_layer or number == last
            state = layer(state, queries, memory, keep_maps=keep)
            if keep:
                states.append(state)
        return states
