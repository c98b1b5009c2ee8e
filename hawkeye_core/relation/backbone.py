"""ResNet with bottleneck blocks (He et al., CVPR 2016), strided in the 3x3 convolution, as DETR and RelTR use it.

Legend: B images, C channels, H x W pixels, h x w cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hawkeye_core.relation.architecture import RelTRArchitecture

EXPANSION = 4


class FrozenBatchNorm2d(nn.Module):
    """Batch norm whose statistics and affine terms are constants: y = (x - mean) / sqrt(var + eps) * weight + bias."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] -> the same shape."""
        scale, shift = _scale_shift(self)
        return x * scale[:, None, None] + shift[:, None, None]


Norm = FrozenBatchNorm2d | nn.BatchNorm2d


def _scale_shift(norm: Norm) -> tuple[Tensor, Tensor]:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("a batch norm without running statistics cannot be folded")
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def convolve(x: Tensor, conv: nn.Conv2d, norm: Norm) -> Tensor:
    """norm(conv(x)), [B, C, h, w] -> [B, C', h', w'].

    A norm with fixed statistics is folded into the convolution: scaling the weights costs one pass over them, where
    a separate norm costs a pass over the much larger activations.
    """
    if norm.training and isinstance(norm, nn.BatchNorm2d):
        return norm(conv(x))
    scale, shift = _scale_shift(norm)
    weight = conv.weight * scale[:, None, None, None]
    return F.conv2d(x, weight, shift, stride=conv.stride, padding=conv.padding)


class Bottleneck(nn.Module):
    """1x1 down, 3x3 with the stride, 1x1 up to four times the width, added to the (projected) input."""

    def __init__(self, channels: int, width: int, *, stride: int, norm: type[Norm]) -> None:
        super().__init__()
        out = width * EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = norm(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = norm(out)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride=stride, bias=False), norm(out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] -> [B, 4 * width, h / stride, w / stride]."""
        y = F.relu(convolve(x, self.conv1, self.bn1), inplace=True)
        y = F.relu(convolve(y, self.conv2, self.bn2), inplace=True)
        y = convolve(y, self.conv3, self.bn3)
        shortcut = x if self.downsample is None else convolve(x, *self.downsample)
        return F.relu(y + shortcut, inplace=True)


class ResNet(nn.Module):
    """Stem (7x7 convolution, max pooling; stride 4) and four stages of bottleneck blocks."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        norm: type[Norm] = nn.BatchNorm2d if config.trainable_norm else FrozenBatchNorm2d
        self.conv1 = nn.Conv2d(3, config.stem, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(config.stem)
        channels = config.stem
        stages: list[nn.Sequential] = []
        for number, (blocks, stride) in enumerate(zip(config.blocks, config.strides, strict=True)):
            width = config.stem * 2**number
            layers = []
            for i in range(blocks):
                layers.append(Bottleneck(channels, width, stride=stride if i == 0 else 1, norm=norm))
                channels = width * EXPANSION
            stages.append(nn.Sequential(*layers))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        if config.frozen_stages > 0:
            for part in (self.conv1, self.bn1, *stages[: config.frozen_stages]):
                part.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, 32 * stem, ceil(H / stride), ceil(W / stride)]."""
        x = F.relu(convolve(images, self.conv1, self.bn1), inplace=True)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Backbone(nn.Module):
    """The ResNet under the name `body`, where checkpoints of DETR's family keep it."""

    def __init__(self, config: RelTRArchitecture) -> None:
        super().__init__()
        self.body = ResNet(config)

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, C, h, w]."""
        return self.body(images)
