"""Weights shared among processes (FSDP2): whole tensors for checkpoints, whole weights for evaluation.

Accelerate shards (``fully_shard``); this is the rest that a run needs. Frozen weights stay in their own type, what is
trained in float32; products are autocast as without sharding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy
from torch.distributed.tensor import DTensor, distribute_tensor

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.saving import stored_parameters

WHOLE = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)


def check_launch(accelerator: Accelerator) -> None:
    """Accept one process, DistributedDataParallel and FSDP2, and set what FSDP2 needs.

    Raises:
        ConfigError: The launcher's configuration asks for something else.
    """
    kind = accelerator.distributed_type
    if kind in WHOLE:
        return
    plugin = getattr(accelerator.state, "fsdp_plugin", None)
    if kind != DistributedType.FSDP or plugin is None or plugin.fsdp_version != 2:
        raise ConfigError(
            f"this trainer does not run under {kind.value}",
            remedy="start it with hawkeye_core/training/accelerate/ddp.yaml, or fsdp2.yaml to share the weights",
        )
    if plugin.cpu_ram_efficient_loading:
        raise ConfigError(
            "fsdp_cpu_ram_efficient_loading leaves the weights of all processes but one unread",
            remedy="switch it off, as in hawkeye_core/training/accelerate/fsdp2.yaml",
        )
    plugin.mixed_precision_policy = MixedPrecisionPolicy()  # its bfloat16 would round losses and L_bc


def whole_tensor(value: Tensor) -> Tensor:
    """All of a tensor that is sharded; every process must ask."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def whole_state(model: HawkeyeModel) -> dict[str, Tensor]:
    """What a checkpoint holds, whole and on the CPU; every process must ask."""
    return {name: whole_tensor(p.detach()).cpu().contiguous() for name, p in stored_parameters(model).items()}


def whole_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimiser's state with whole tensors; every process must ask."""
    state = optimizer.state_dict()
    moments = {
        index: {name: whole_tensor(value) if isinstance(value, Tensor) else value for name, value in values.items()}
        for index, values in state["state"].items()
    }
    return state | {"state": moments}


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a state with whole tensors; each process keeps its part."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {
        index: {name: _like(value, parameters[index]) for name, value in values.items()}
        for index, values in state["state"].items()
    }
    optimizer.load_state_dict(state | {"state": moments})


@contextmanager
def whole_weights(model: nn.Module) -> Iterator[None]:
    """Gather all weights, so that processes may call the model unequally often and any of its modules directly."""
    shards = [module for module in model.modules() if isinstance(module, FSDPModule)]
    for shard in shards:
        shard.unshard()
        if shard is not model:  # the root is not given back after a forward pass anyway
            shard.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for shard in shards:
            if shard is not model:
                shard.set_reshard_after_forward(True, recurse=False)
            shard.reshard()


def _like(value: Any, parameter: Tensor) -> Any:
    if not (isinstance(value, Tensor) and isinstance(parameter, DTensor) and value.shape == parameter.shape):
        return value
    value = value.to(parameter.device)
    return distribute_tensor(value, parameter.device_mesh, parameter.placements, src_data_rank=None)
