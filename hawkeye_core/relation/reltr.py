"""RelTR, the relation transformer (Cong, Yang, Rosenhahn: "RelTR: Relation Transformer for Scene Graph Generation",
TPAMI 2023), written from the paper. Parameter names are those of the published checkpoint.

Legend: B images of H x W pixels, S = h * w cells, N entity queries, T triplet queries, D width, C object classes,
P predicate classes (both without the "none" that the logits have last).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hawkeye_core.relation.architecture import RelTRArchitecture
from hawkeye_core.relation.backbone import Backbone
from hawkeye_core.relation.decoder import Decoder, DecoderState, Memory, Queries
from hawkeye_core.relation.encoder import Encoder
from hawkeye_core.relation.heads import Perceptron, spatial_convolution, spatial_projection
from hawkeye_core.relation.position import sine_positions
from hawkeye_core.relation.proposals import Anchors, cell_anchors, cells_at, ordered_pairs, ranked_cells


@dataclass(frozen=True, slots=True)
class RelTROutput:
    """Raw predictions. Boxes are cx, cy, w, h as fractions of the image."""

    entity_logits: Tensor  # [B, N, C + 1]
    entity_boxes: Tensor  # [B, N, 4]
    subject_logits: Tensor  # [B, T, C + 1]
    subject_boxes: Tensor  # [B, T, 4]
    object_logits: Tensor  # [B, T, C + 1]
    object_boxes: Tensor  # [B, T, 4]
    predicate_logits: Tensor  # [B, T, P + 1]
    auxiliary: tuple[RelTROutput, ...] = ()  # the same after each earlier decoder layer, where asked for


class Transformer(nn.Module):
    """Encoder and decoder under the names the checkpoint gives them."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)


class RelTR(nn.Module):
    """One-stage scene graph generator: T subject-predicate-object triplets with boxes from one image."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        width, objects = config.width, config.object_classes + 1
        self.config = config
        self.backbone = nn.ModuleList([Backbone(config)])
        self.input_proj = nn.Conv2d(config.backbone_channels, width, 1)
        self.transformer = Transformer(config)
        self.entity_embed = nn.Embedding(config.entities, 2 * width)  # position, content
        self.triplet_embed = nn.Embedding(config.triplets, 3 * width)  # position, subject content, object content
        self.so_embed = nn.Embedding(2, width)
        self.entity_class_embed = nn.Linear(width, objects)
        self.entity_bbox_embed = Perceptron(width, width, 4, layers=3)
        self.sub_class_embed = nn.Linear(width, objects)
        self.sub_bbox_embed = Perceptron(width, width, 4, layers=3)
        self.obj_class_embed = nn.Linear(width, objects)
        self.obj_bbox_embed = Perceptron(width, width, 4, layers=3)
        self.so_mask_conv = spatial_convolution(config)
        self.so_mask_fc = spatial_projection(config)
        self.rel_class_embed = Perceptron(
            2 * width + config.map_widths[1], width, config.predicate_classes + 1, layers=2
        )
        first, second = ordered_pairs(config.paired_cells, repeats=config.pair_queries)
        self.register_buffer("pair_first", first, persistent=False)
        self.register_buffer("pair_second", second, persistent=False)
        self.pair_first: Tensor
        self.pair_second: Tensor

    def forward(self, images: Tensor, *, padding: Tensor | None = None, auxiliary: bool = False) -> RelTROutput:
        """Predict triplets and entities.

        Args:
            images: [B, 3, H, W] RGB, normalised with ImageNet's mean and standard deviation.
            padding: [B, H, W] bool, True on pixels that are no part of the image; None if all are.
            auxiliary: Also return the predictions after each earlier decoder layer.
        """
        memory, grid = self.encode(images, padding=padding)
        states, anchors = self.decode(memory, grid, every_layer=auxiliary)
        *earlier, final = (self.predict(state, grid, anchors) for state in states)
        return replace(final, auxiliary=tuple(earlier))

    def encode(self, images: Tensor, *, padding: Tensor | None = None) -> tuple[Memory, tuple[int, int]]:
        """Image features with their global context, and the grid h x w they lie on."""
        features = self.input_proj(self.backbone[0](images))  # [B, D, h, w]
        width, *grid = features.shape[1:]
        inside = features.new_ones((1, *grid), dtype=torch.bool)
        attendable = None
        if padding is not None:
            small = F.interpolate(padding[:, None].to(features.dtype), size=grid, mode="nearest")
            inside = small[:, 0] == 0
            attendable = inside.flatten(1)
        position = sine_positions(inside, width=width, dtype=features.dtype)
        tokens = features.flatten(2).transpose(1, 2)  # [B, S, D]
        if self.config.placed_content:
            tokens = tokens + position
        content = self.transformer.encoder(tokens, position, attendable=attendable)
        return Memory(content, content + position, attendable), (grid[0], grid[1])

    def decode(
        self, memory: Memory, grid: tuple[int, int], *, every_layer: bool
    ) -> tuple[list[DecoderState], Anchors | None]:
        """Run the queries against the encoded image on its grid h x w; anchors if they begin as its cells."""
        batch, width = memory.content.shape[0], self.config.width
        entity_position, entity = self.entity_embed.weight.split(width, dim=1)
        triplet_position, subject, object_ = self.triplet_embed.weight.split(width, dim=1)
        start = DecoderState(*(tokens.expand(batch, -1, -1) for tokens in (entity, subject, object_)))
        anchors = None
        if self.config.paired_cells:
            start, anchors = self._from_cells(start, memory, grid)
        queries = Queries(entity_position, triplet_position, self.so_embed.weight)
        return self.transformer.decoder(start, queries, memory, every_layer=every_layer), anchors

    def predict_cells(self, memory: Memory, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """What the entity heads say of the cells themselves: logits [B, S, C + 1] and boxes [B, S, 4]."""
        boxes = self.entity_bbox_embed(memory.content)
        if self.config.paired_cells:
            boxes = boxes + cell_anchors(grid, like=boxes)
        return self.entity_class_embed(memory.content), boxes.sigmoid()

    def _from_cells(self, learned: DecoderState, memory: Memory, grid: tuple[int, int]) -> tuple[DecoderState, Anchors]:
        """Add to each query's learned content the cell, or one of the two cells, that it begins with."""
        with torch.no_grad():
            best = ranked_cells(
                self.entity_class_embed(memory.content), grid, count=self.config.entities, inside=memory.attendable
            )
        places = best, best[:, self.pair_first], best[:, self.pair_second]
        entity, subject, object_ = (cells_at(memory.content, which) for which in places)
        anchors = cell_anchors(grid, like=memory.content)
        return (
            DecoderState(learned.entity + entity, learned.subject + subject, learned.object + object_),
            Anchors(*(anchors[which] for which in places)),
        )

    def predict(self, state: DecoderState, grid: tuple[int, int], anchors: Anchors | None) -> RelTROutput:
        """Classes and boxes from the tokens behind a decoder layer."""
        boxes = {
            "entity": self.entity_bbox_embed(state.entity),
            "subject": self.sub_bbox_embed(state.subject),
            "object": self.obj_bbox_embed(state.object),
        }
        if anchors is not None:
            boxes = {name: box + getattr(anchors, name) for name, box in boxes.items()}
        spatial = self.spatial_features(state, grid)
        pair = torch.cat((state.subject, state.object, spatial), dim=-1)
        return RelTROutput(
            entity_logits=self.entity_class_embed(state.entity),
            entity_boxes=boxes["entity"].sigmoid(),
            subject_logits=self.sub_class_embed(state.subject),
            subject_boxes=boxes["subject"].sigmoid(),
            object_logits=self.obj_class_embed(state.object),
            object_boxes=boxes["object"].sigmoid(),
            predicate_logits=self.rel_class_embed(pair),
        )

    def spatial_features(self, state: DecoderState, grid: tuple[int, int]) -> Tensor:
        """Where subject and object look, as a feature [B, T, map_widths[1]]; no gradient flows into the maps."""
        if state.subject_map is None or state.object_map is None:
            raise ValueError("this decoder state carries no attention maps")
        maps = torch.stack((state.subject_map, state.object_map), dim=2).detach()  # [B, T, 2, S]
        batch, triplets = maps.shape[:2]
        encoded = self.so_mask_conv(maps.view(batch * triplets, 2, *grid))
        return self.so_mask_fc(encoded.flatten(1)).view(batch, triplets, -1)


def build_reltr(config: RelTRArchitecture, *, seed: int = 0) -> RelTR:
    """A network with random weights that depend on nothing but ``config`` and ``seed``.

    Convolutions are He-initialised and transformer matrices Xavier-initialised, as in DETR.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RelTR(config)
        for module in model.backbone.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for parameter in model.transformer.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        if config.paired_cells:  # what is learned is added to what is seen, and begins small beside it
            with torch.no_grad():
                for table in (model.entity_embed, model.triplet_embed):
                    table.weight.mul_(0.1)
    return model
