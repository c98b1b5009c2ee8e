"""Sizes of RelTR's networks: one frozen description, two presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hawkeye_core.relation.config import RelTRSize
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, PREDICATE_CLASSES


@dataclass(frozen=True, slots=True)
class RelTRArchitecture:
    """Every size that decides RelTR's parameters. The defaults are the paper's Visual Genome network."""

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Bottleneck blocks in each stage of the ResNet (ResNet-50)."""
    strides: tuple[int, int, int, int] = (1, 2, 2, 2)
    """Stride of each stage's first block; the stem before them has stride 4."""
    stem: int = 64
    """Channels after the stem; stage i ends with ``stem * 4 * 2**i``."""
    trainable_norm: bool = False
    """False: batch norms with fixed statistics and affine terms, for a backbone trained elsewhere. True: ordinary
    ones, for a backbone trained from nothing."""
    frozen_stages: int = 1
    """The stem and this many stages receive no gradient if above 0 (DETR freezes the stem and one stage)."""
    width: int = 256
    """Width of all transformer tokens."""
    heads: int = 8
    """Attention heads."""
    feed_forward: int = 2048
    """Hidden width of the feed-forward blocks."""
    encoder_layers: int = 6
    """Layers of the image encoder."""
    decoder_layers: int = 6
    """Layers of the coupled decoder."""
    entities: int = 100
    """Entity queries."""
    triplets: int = 200
    """Triplet queries; each is one subject query and one object query."""
    object_classes: int = len(OBJECT_CLASSES)
    """Object classes including index 0; the logits have one more, `no object`, last."""
    predicate_classes: int = len(PREDICATE_CLASSES)
    """Predicate classes including index 0; the logits have one more, `no relation`, last."""
    placed_content: bool = False
    """Whether the encoder's tokens begin with their position added. In the paper only the queries and keys of
    attention have positions; where a cell is reaches its content through the zero padding of a deep backbone. A
    shallow one does not know, and boxes, which are absolute, are then hardly learnt."""
    paired_cells: int = 0
    """0: queries are learned, as in the paper. M > 0: they begin as cells of the image, see
    :mod:`hawkeye_core.relation.proposals`; there are then ``pair_queries`` triplet queries for each ordered pair of
    the best M cells, and ``triplets`` has to be ``M (M - 1) pair_queries``."""
    pair_queries: int = 1
    """Triplet queries a pair of cells, where ``paired_cells`` is set."""
    map_size: int = 28
    """Side, in cells, to which attention maps are resized before the spatial head."""
    map_channels: tuple[int, int] = (64, 32)
    """Channels of the spatial head's two convolutions."""
    map_widths: tuple[int, int] = (512, 128)
    """Widths of the spatial head's two linear layers; the last is the spatial feature."""
    dropout: float = 0.1
    """Dropout in attention and feed-forward blocks while training."""

    def __post_init__(self) -> None:
        """Refuse a number of triplet queries that does not fit the pairs."""
        if self.paired_cells and self.triplets != self.paired_cells * (self.paired_cells - 1) * self.pair_queries:
            raise ValueError(
                f"{self.triplets} triplet queries for the ordered pairs of {self.paired_cells} cells, "
                f"{self.pair_queries} each"
            )

    @property
    def backbone_channels(self) -> int:
        """Channels of the backbone's last feature map."""
        return self.stem * 32

    @property
    def stride(self) -> int:
        """Pixels of the input per cell of the last feature map."""
        product = 4
        for stride in self.strides:
            product *= stride
        return product


ARCHITECTURES: Mapping[RelTRSize, RelTRArchitecture] = MappingProxyType(
    {
        "r50": RelTRArchitecture(),
        # Stride 16, not 32: at 240 pixels a person of a surveillance scene would be two cells high otherwise.
        "tiny": RelTRArchitecture(
            blocks=(1, 1, 2, 1),
            strides=(1, 2, 2, 1),
            stem=16,
            trainable_norm=True,
            frozen_stages=0,
            width=96,
            heads=4,
            feed_forward=256,
            encoder_layers=1,
            decoder_layers=2,
            entities=30,
            triplets=84,
            placed_content=True,
            paired_cells=7,
            pair_queries=2,
            map_size=16,
            map_channels=(8, 8),
            map_widths=(64, 32),
            dropout=0.0,
        ),
    }
)
"""`r50`: the network of the published Visual Genome checkpoint. `tiny`: 1.7 M parameters for tests and the demo."""
