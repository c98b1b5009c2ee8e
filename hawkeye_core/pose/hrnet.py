"""HRNet, the backbone that keeps its high resolution (Sun et al., CVPR 2019; Wang et al., TPAMI 2020).

Legend: B frames, H x W pixels of the input, w the width of the finest branch. Branch i has width w * 2^i at
1/(4 * 2^i) of the input's resolution. Branches run side by side and exchange features after every module.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from hawkeye_core.pose.hrnet_blocks import BasicBlock, Bottleneck, conv1x1, conv3x3, conv_bn

GRID = 32
"""Input sides must be multiples of this: the coarsest of four branches stands at 1/32."""


@dataclass(frozen=True, slots=True)
class HRNetConfig:
    """Size of the network; the defaults are those of every published HRNet, which differ in ``width`` only."""

    width: int
    """w, channels of the finest branch."""
    stem_width: int = 64
    """Channels of the two stride-2 convolutions at the input."""
    bottlenecks: int = 4
    """Bottleneck blocks of the first stage."""
    bottleneck_width: int = 64
    """Channels inside a bottleneck; four times as many leave it."""
    modules: tuple[int, int, int] = (1, 4, 3)
    """Modules (branches, then exchange) of the stages with two, three and four branches."""
    blocks: int = 4
    """Basic blocks of each branch of a module."""

    def widths(self, branches: int) -> list[int]:
        """Channels of the first ``branches`` branches, finest first."""
        return [self.width * 2**i for i in range(branches)]


class ExchangeModule(nn.Module):
    """Parallel branches of basic blocks, then every output sums all branches brought to its resolution.

    Args:
        widths: Channels of the branches, finest first.
        blocks: Basic blocks a branch.
        outputs: How many branches leave the module; the very last module of the network yields the finest only.
    """

    def __init__(self, widths: list[int], *, blocks: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(BasicBlock(w) for _ in range(blocks))) for w in widths)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_resampler(widths, source=j, target=i) for j in range(len(widths))) for i in range(outputs)
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """One [B, w_i, H_i, W_i] a branch -> the same for the first ``outputs`` branches."""
        features = [branch(x) for branch, x in zip(self.branches, features, strict=True)]
        return [self._sum(row, features) for row in self.fuse_layers]

    @staticmethod
    def _sum(row: nn.Module, features: list[Tensor]) -> Tensor:
        terms = [layer(x) for layer, x in zip(row.children(), features, strict=True)]
        total = terms[0] + terms[1]  # not in place: a term can be the branch itself, which other outputs still need
        for term in terms[2:]:
            total += term
        return total.relu_()


def _resampler(widths: list[int], *, source: int, target: int) -> nn.Module:
    """From the resolution and width of branch ``source`` to those of branch ``target``."""
    if source == target:
        return nn.Identity()
    if source > target:  # coarser: 1 x 1 convolution, then nearest-neighbour upsampling
        up = conv_bn(conv1x1(widths[source], widths[target]), relu=False)
        return up.append(nn.Upsample(scale_factor=2.0 ** (source - target), mode="nearest"))
    steps = target - source  # finer: one stride-2 convolution an octave, the last without ReLU
    return nn.Sequential(
        *(conv_bn(conv3x3(widths[source], widths[source], stride=2), relu=True) for _ in range(steps - 1)),
        conv_bn(conv3x3(widths[source], widths[target], stride=2), relu=False),
    )


def _transition(before: list[int], after: list[int]) -> nn.ModuleList:
    """Brings the branches to new widths and opens one more, by stride 2, from the coarsest."""
    layers: list[nn.Module] = [
        nn.Identity() if a == b else conv_bn(conv3x3(b, a), relu=True) for b, a in zip(before, after, strict=False)
    ]
    layers.append(nn.Sequential(conv_bn(conv3x3(before[-1], after[-1], stride=2), relu=True)))
    return nn.ModuleList(layers)


class HRNet(nn.Module):
    """Stem to 1/4, a stage of bottlenecks, then three stages with two, three and four branches.

    Args:
        config: The size.
    """

    def __init__(self, config: HRNetConfig) -> None:
        super().__init__()
        stem, inner = config.stem_width, config.bottleneck_width
        outer = Bottleneck.expansion * inner
        self.conv1 = conv3x3(3, stem, stride=2)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = conv3x3(stem, stem, stride=2)
        self.bn2 = nn.BatchNorm2d(stem)
        self.layer1 = nn.Sequential(*(Bottleneck(outer if i else stem, inner) for i in range(config.bottlenecks)))
        self.transition1 = _transition([outer], config.widths(2))
        self.stage2 = _stage(config, branches=2)
        self.transition2 = _transition(config.widths(2), config.widths(3))
        self.stage3 = _stage(config, branches=3)
        self.transition3 = _transition(config.widths(3), config.widths(4))
        self.stage4 = _stage(config, branches=4, finest_only=True)

    def features(self, images: Tensor) -> Tensor:
        """Features of the finest branch.

        Args:
            images: [B, 3, H, W] normalised RGB; H and W multiples of 32.

        Returns:
            [B, w, H/4, W/4].

        Raises:
            ValueError: A side is not a multiple of 32.
        """
        if images.shape[-2] % GRID or images.shape[-1] % GRID:
            raise ValueError(f"input is {tuple(images.shape[-2:])}, both sides must be multiples of {GRID}")
        x = self.bn1(self.conv1(images)).relu_()
        x = self.bn2(self.conv2(x)).relu_()
        branches = [self.layer1(x)]
        for transition, stage in (
            (self.transition1, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            kept = [*branches, branches[-1]]  # the new branch starts from the coarsest
            branches = stage([layer(x) for layer, x in zip(transition, kept, strict=True)])
        return branches[0]


def _stage(config: HRNetConfig, *, branches: int, finest_only: bool = False) -> nn.Sequential:
    count = config.modules[branches - 2]
    return nn.Sequential(
        *(
            ExchangeModule(
                config.widths(branches),
                blocks=config.blocks,
                outputs=1 if finest_only and i == count - 1 else branches,
            )
            for i in range(count)
        )
    )
