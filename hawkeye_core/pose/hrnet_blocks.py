"""Building blocks of HRNet: the two residual blocks, and convolution with batch norm as one sequence.

Legend: B frames, C channels, H x W cells of a feature map.

Attribute names (``conv1``, ``bn1``, ``downsample`` ...) are those of the published checkpoints, because strict loading
is by name.
"""

from __future__ import annotations

from torch import Tensor, nn


def conv3x3(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Conv2d:
    """3 x 3 convolution that keeps the size (stride 1) or halves it (stride 2); no bias, since batch norm follows."""
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False)


def conv1x1(channels_in: int, channels_out: int) -> nn.Conv2d:
    """1 x 1 convolution without bias."""
    return nn.Conv2d(channels_in, channels_out, kernel_size=1, bias=False)


def conv_bn(conv: nn.Conv2d | nn.ConvTranspose2d, *, relu: bool) -> nn.Sequential:
    """The convolution, batch norm over its output, and a ReLU if asked for."""
    layers: list[nn.Module] = [conv, nn.BatchNorm2d(conv.out_channels)]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and the identity: y = ReLU(x + BN(conv(ReLU(BN(conv(x)))))) (He et al., CVPR 2016).

    Args:
        width: Channels in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(width, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y))
        return y.add_(x).relu_()


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 convolutions and the identity; the output is four times as wide as the middle.

    Args:
        channels_in: Channels of the input; a projection is added to the identity path unless it equals ``4 * width``.
        width: Channels of the 3 x 3 convolution.
    """

    expansion = 4

    def __init__(self, channels_in: int, width: int) -> None:
        super().__init__()
        channels_out = self.expansion * width
        self.conv1 = conv1x1(channels_in, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, channels_out)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.downsample = (
            None if channels_in == channels_out else conv_bn(conv1x1(channels_in, channels_out), relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels_in, H, W] -> [B, 4 * width, H, W]."""
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        y = self.bn3(self.conv3(y))
        identity = x if self.downsample is None else self.downsample(x)
        return y.add_(identity).relu_()
