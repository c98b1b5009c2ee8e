"""HigherHRNet ready to run: published weights loaded strictly, or seeded random ones; batch norm folded in."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.pose.config import HigherHRNetSize
from hawkeye_core.pose.higher_hrnet import ARCHITECTURES, HigherHRNet
from hawkeye_core.pose.hrnet import ExchangeModule
from hawkeye_core.pose.hrnet_blocks import BasicBlock, Bottleneck
from hawkeye_core.tiny.config import SHIPPED
from hawkeye_core.tiny.shipped import shipped
from hawkeye_core.weights import UNTRAINED, load_state_dict, load_strictly, require_weights

PUBLISHED = "the model zoo of github.com/HRNet/HigherHRNet-Human-Pose-Estimation (pose_higher_hrnet_w32_512.pth ...)"
_WRAPPERS = ("module.", "1.")  # DistributedDataParallel; the Sequential around a network trained in half precision
_RESIDUAL_GAIN = 0.1  # batch-norm scale of what is added to a skip path or to other branches, so that sums stay near 1
_HEAD_STD = 0.06  # spread of random heatmaps: some cells exceed the usual threshold of 0.1, none comes near 1


def build_network(size: HigherHRNetSize, weights: str, *, key: str = "pose.weights") -> tuple[HigherHRNet, str]:
    """The network in evaluation mode on the CPU in float32, and the name of its weights for a fingerprint.

    Args:
        size: Which of :data:`ARCHITECTURES`.
        weights: Path of a checkpoint; ``shipped`` for the package's (``tiny`` only); or ``untrained`` for random
            weights that are the same at every call.
        key: The configuration key that names the file, for error messages.

    Returns:
        The network, and ``sha256:<hex>`` or ``untrained``.

    Raises:
        WeightsError: The file is missing, damaged, hostile, or made for another network; or ``shipped`` for a size that
            is not.
    """
    network = HigherHRNet(ARCHITECTURES[size])
    if weights == UNTRAINED:
        initialise(network, seed=0)
        return network.eval(), UNTRAINED
    path = _shipped(size, key=key) if weights == SHIPPED else require_weights(weights, published=PUBLISHED, key=key)
    state = read_checkpoint(path)
    _check_width(state, size=size, path=path)
    load_strictly(network, state, path=path)
    return network.eval(), f"sha256:{sha256_of(path)}"


def _shipped(size: HigherHRNetSize, *, key: str) -> Path:
    if size != "tiny":
        raise WeightsError(
            f"`{key}: {SHIPPED}` goes with `size: tiny` only, not with {size}",
            remedy=f"set `pose.size: tiny`, or get those of {size} from {PUBLISHED} and set `{key}` to them",
        )
    return shipped("pose")


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """State dict of a published or a training checkpoint: wrapper prefixes removed, half precision widened to float32.

    Raises:
        WeightsError: The file is damaged or holds anything but tensors and plain values.
    """
    state = load_state_dict(path)
    while prefix := next((p for p in _WRAPPERS if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _check_width(state: dict[str, Tensor], *, size: HigherHRNetSize, path: Path) -> None:
    """The commonest mix-up gets its own message: a checkpoint of another published size."""
    head = state.get("final_layers.0.weight")
    if head is None or head.ndim != 4:
        return
    width, wanted = head.shape[1], ARCHITECTURES[size].backbone.width
    fitting = [name for name, config in ARCHITECTURES.items() if config.backbone.width == width]
    if width != wanted and fitting:
        raise WeightsError(
            f"holds a HigherHRNet of width {width}, but `size: {size}` has width {wanted}",
            path=path,
            remedy=f"set `pose.size: {fitting[0]}`, or point at a file for {size}",
        )


def initialise(network: HigherHRNet, *, seed: int) -> None:
    """Seeded random weights that keep activations near one and random heatmaps well inside 0..1.

    Convolutions: He et al. (ICCV 2015), fan-in. Batch norm is the identity, except where its output is added to
    something, where it is damped: HRNet sums up to four branches after every module and would otherwise overflow.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                fan_in = module.weight[0].numel()
                if isinstance(module, nn.ConvTranspose2d):  # each output cell sees a quarter of the stride-2 kernel
                    fan_in = module.in_channels * module.weight[0, 0].numel() // 4
                module.weight.normal_(0.0, math.sqrt(2.0 / fan_in), generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
        for module in network.modules():
            _damp(module)
        for weight in (p for p in network.final_layers.parameters() if p.ndim > 1):
            weight.mul_(_HEAD_STD)


def _damp(module: nn.Module) -> None:
    if isinstance(module, BasicBlock):
        module.bn2.weight.fill_(_RESIDUAL_GAIN)
    elif isinstance(module, Bottleneck):
        module.bn3.weight.fill_(_RESIDUAL_GAIN)
    elif isinstance(module, ExchangeModule):
        for norm in module.fuse_layers.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.fill_(_RESIDUAL_GAIN)


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm into the convolution in front of it, in place; the module then serves inference only.

    Exact up to rounding, and about a sixth faster on a CPU. It relies on each batch norm being registered right after
    its convolution, which holds for every module of :class:`HigherHRNet`.
    """
    previous: tuple[str, nn.Conv2d | nn.ConvTranspose2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous is not None:
            conv_name, conv = previous
            if isinstance(conv, nn.ConvTranspose2d):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, child, transpose=True))
            else:
                setattr(module, conv_name, fuse_conv_bn_eval(conv, child))
            setattr(module, name, nn.Identity())
        fold_batch_norms(child)
        previous = (name, child) if isinstance(child, nn.Conv2d | nn.ConvTranspose2d) else None
