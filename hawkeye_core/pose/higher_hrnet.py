"""HigherHRNet: heatmaps at two resolutions and an associative-embedding tag a joint (Cheng et al., CVPR 2020).

Legend: B frames, J joints, H x W pixels of the input, w the backbone's width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hawkeye_core.pose.config import HigherHRNetSize
from hawkeye_core.pose.hrnet import HRNet, HRNetConfig
from hawkeye_core.pose.hrnet_blocks import BasicBlock, conv_bn
from hawkeye_core.scene import COCO_JOINTS

PIXEL_MEAN = (0.485, 0.456, 0.406)
"""ImageNet mean of R, G, B in 0..1, subtracted from the input."""
PIXEL_STD = (0.229, 0.224, 0.225)
"""ImageNet standard deviation of R, G, B in 0..1, by which the input is divided."""


@dataclass(frozen=True, slots=True)
class HigherHRNetConfig:
    """Everything that decides the network's shape."""

    backbone: HRNetConfig
    """The HRNet below the heads."""
    input_size: int
    """Shorter side of the network's input in pixels."""
    head_blocks: int = 4
    """Basic blocks behind the transposed convolution."""
    joints: int = len(COCO_JOINTS)
    """Heatmaps, and tag maps."""


ARCHITECTURES: dict[HigherHRNetSize, HigherHRNetConfig] = {
    "w32-512": HigherHRNetConfig(HRNetConfig(width=32), input_size=512),
    "w48-640": HigherHRNetConfig(HRNetConfig(width=48), input_size=640),
    # All stages and the same head, thin and shallow: for tests and the demo. What stands at 1/2 and 1/4 of the
    # resolution is thinnest, since nearly all the time goes there.
    "tiny": HigherHRNetConfig(
        HRNetConfig(width=16, stem_width=16, bottlenecks=1, bottleneck_width=8, modules=(1, 1, 1), blocks=2),
        input_size=256,
        head_blocks=1,
    ),
}
"""The published sizes, and a small one."""


class HigherHRNet(HRNet):
    """HRNet with a 1 x 1 head at 1/4 and, behind one transposed convolution, another at 1/2 of the input's resolution.

    Parameters are named as in the published checkpoints, which therefore load strictly.

    Args:
        config: One of :data:`ARCHITECTURES`, or another.
    """

    def __init__(self, config: HigherHRNetConfig) -> None:
        super().__init__(config.backbone)
        self.config = config
        width, joints = config.backbone.width, config.joints
        coarse = 2 * joints  # heatmaps, then tags
        up = nn.ConvTranspose2d(width + coarse, width, kernel_size=4, stride=2, padding=1, bias=False)
        blocks = (nn.Sequential(BasicBlock(width)) for _ in range(config.head_blocks))
        self.final_layers = nn.ModuleList([nn.Conv2d(width, coarse, 1), nn.Conv2d(width, joints, 1)])
        self.deconv_layers = nn.ModuleList([nn.Sequential(conv_bn(up, relu=True), *blocks)])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Raw outputs, no activation.

        Args:
            images: [B, 3, H, W] RGB, ImageNet-normalised; H and W multiples of 32.

        Returns:
            [B, 2 J, H/4, W/4]: J heatmaps, then J tag maps; and [B, J, H/2, W/2]: heatmaps.
        """
        features = self.features(images)
        coarse = self.final_layers[0](features)
        fine = self.deconv_layers[0](torch.cat((features, coarse), dim=1))
        return coarse, self.final_layers[1](fine)
