"""RelTR's small heads: box and predicate perceptrons, and the spatial head that reads attention maps."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from hawkeye_core.relation.architecture import RelTRArchitecture


class Perceptron(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, inputs: int, hidden: int, outputs: int, *, layers: int) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * (layers - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]."""
        *hidden, last = self.layers
        for layer in hidden:
            x = F.relu(layer(x))
        return last(x)


def spatial_convolution(config: RelTRArchitecture) -> nn.Sequential:
    """Subject and object attention maps [M, 2, h, w] -> [M, C, 8, 8] for maps resized to 28 x 28."""
    first, second = config.map_channels
    return nn.Sequential(
        nn.Upsample(size=(config.map_size, config.map_size), mode="nearest"),
        nn.Conv2d(2, first, 3, stride=2, padding=3),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(first),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(first, second, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(second),
    )


def spatial_projection(config: RelTRArchitecture) -> nn.Sequential:
    """Flattened spatial features -> the feature beside subject and object in the predicate head."""
    strided = (config.map_size + 2 * 3 - 3) // 2 + 1
    pooled = (strided + 2 - 3) // 2 + 1
    hidden, out = config.map_widths
    return nn.Sequential(
        nn.Linear(config.map_channels[1] * pooled**2, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out)
    )
