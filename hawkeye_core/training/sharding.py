"""Weights (FSDP2) or optimiser (ZeRO-2) shared among processes: what differs from a whole model in each of them.

The trainer asks here for its Accelerator, and for whole tensors where it writes a checkpoint, evaluates or reads a
norm. With whole weights in each process all of this does nothing, so that the trainer has one way for both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin, parse_flag_from_env
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from hawkeye_core.errors import ConfigError
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.quantize import is_4bit
from hawkeye_core.model.saving import stored_parameters
from hawkeye_core.training import zero

WHOLE, FSDP2, ZERO2 = "whole", "fsdp2", "zero2"
"""What is shared: the batch only, also weights, gradients and optimiser, or all of these but the weights."""

CONFIGS = "hawkeye_core/training/accelerate"


def open_accelerator(*, cpu: bool, mixed_precision: str) -> Accelerator:
    """Accelerate as its launcher was told, with the ways to share a model that this trainer knows.

    Two things are set that Accelerate 1.15 does not do by itself:

    * it leaves FSDP out on CPUs and says nothing; here they shard too, so that tests need no GPU;
    * its bf16 policy adds gradients up in bf16, and rounds what goes into the model and comes out of it, L_bc's float32
      columns among it. Here FSDP2 casts nothing, autocast does, as with whole weights: gradients are float32.

    Args:
        cpu: Leave GPUs alone.
        mixed_precision: ``no`` or ``bf16``.

    Raises:
        ConfigError: The launcher's configuration shares the model in another way.
        BackendUnavailableError: It asks for DeepSpeed, which is not installed.
    """
    if parse_flag_from_env("ACCELERATE_USE_DEEPSPEED"):
        return zero.ZeroAccelerator(cpu=cpu, bf16=mixed_precision == "bf16")
    accelerator = Accelerator(cpu=cpu, mixed_precision=mixed_precision)
    kind = accelerator.distributed_type
    if kind is DistributedType.MULTI_CPU and parse_flag_from_env("ACCELERATE_USE_FSDP"):
        if torch.cuda.is_available():  # torch would shard over the GPUs
            raise ConfigError("FSDP on the CPU of a machine with GPUs", remedy="hide them: CUDA_VISIBLE_DEVICES=")
        accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin()
        zero.declare(accelerator, kind := DistributedType.FSDP)
    if kind is DistributedType.FSDP:
        plugin = accelerator.state.fsdp_plugin
        _check_plugin(plugin)
        plugin.mixed_precision_policy = MixedPrecisionPolicy(cast_forward_inputs=False)
    elif kind not in (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU):
        raise _refused(kind)
    return accelerator


def _refused(kind: DistributedType) -> ConfigError:
    return ConfigError(
        f"this trainer shares the batch (ddp.yaml) or also the weights (fsdp2.yaml), not with {kind.value}",
        remedy=f"start it with {CONFIGS}/fsdp2.yaml",
    )


def _check_plugin(plugin: FullyShardedDataParallelPlugin) -> None:
    found = {
        "fsdp_version is not 2": plugin.fsdp_version != 2,
        "fsdp_cpu_ram_efficient_loading is on, but each process reads the model": plugin.cpu_ram_efficient_loading,
        "fsdp_activation_checkpointing is on, which is a setting here": plugin.activation_checkpointing,
    }
    wrong = [text for text, is_so in found.items() if is_so]
    if wrong:
        raise ConfigError("; ".join(wrong), remedy=f"start it with {CONFIGS}/fsdp2.yaml")


def place_of_weights(accelerator: Accelerator) -> str:
    """:data:`WHOLE`, :data:`FSDP2` or :data:`ZERO2`."""
    if isinstance(accelerator, zero.ZeroAccelerator):
        return ZERO2
    return FSDP2 if accelerator.is_fsdp2 else WHOLE


def prepare(
    accelerator: Accelerator, model: HawkeyeModel, optimizer: Optimizer, *, max_grad_norm: float
) -> tuple[nn.Module, Any]:
    """Model and optimiser onto device and processes; FSDP2 shards the model in place.

    Raises:
        ConfigError: Trained weights are of several types, or frozen ones in 4 bits, which FSDP2 cannot shard.
    """
    if isinstance(accelerator, zero.ZeroAccelerator):
        return model, zero.prepare(accelerator, model, optimizer, max_norm=max_grad_norm)
    if accelerator.is_fsdp2:
        _check_types(accelerator, model)
    prepared, optimizer = accelerator.prepare(model, optimizer)
    if isinstance(model, FSDPModule):
        register_fsdp_forward_method(model, "encode")
        model._get_fsdp_state()._lazy_init()  # the model is the root, whichever of its parts is called first
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")  # no one writes into it
    return prepared, optimizer


def _check_types(accelerator: Accelerator, model: HawkeyeModel) -> None:
    if is_4bit(model):
        raise ConfigError("weights in 4 bits are not sharded", remedy="set backbone.four_bit=off, or use ddp.yaml")
    types = {p.dtype for p in model.parameters() if p.requires_grad}
    if len(types) > 1 and accelerator.mixed_precision == "no":
        raise ConfigError(
            f"FSDP2 shards trained weights of one type, here are {', '.join(sorted(map(str, types)))}",
            remedy="set backbone.dtype=fp32 or precision=bf16",
        )


def adding_up(accelerator: Accelerator, model: nn.Module) -> AbstractContextManager[Any]:
    """Around each piece of a step but the last: gradients stay in the process until the last piece adds them all up.

    Not where gradients are shared out: every piece sends them, because to keep them would take the memory of whole
    gradients, and that is what sharing saves. The sums are the same.
    """
    return nullcontext() if place_of_weights(accelerator) != WHOLE else accelerator.no_sync(model)


def backward(accelerator: Accelerator, loss: Tensor, *, last: bool) -> None:
    """Gradients of a piece of a step, ``last`` or not; those of processes are averaged, not added."""
    if isinstance(accelerator, zero.ZeroAccelerator):
        zero.backward(accelerator, loss, last=last)
    else:
        accelerator.backward(loss)


def update(accelerator: Accelerator, model: nn.Module, optimizer: Any, *, max_grad_norm: float) -> float:
    """Clip the gradients, step and drop them; returns their norm before."""
    if isinstance(accelerator, zero.ZeroAccelerator):
        return zero.update(accelerator)
    norm = accelerator.clip_grad_norm_(model.parameters(), max_grad_norm)
    optimizer.step()
    optimizer.zero_grad()
    return float(whole(norm))


def whole(tensor: Tensor) -> Tensor:
    """All of a sharded tensor, in every process; all processes must ask. Other tensors as they are."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_state(model: HawkeyeModel, *, keep: bool) -> dict[str, Tensor]:
    """What a checkpoint holds of the model, on the CPU; all processes must ask, one tensor after another is gathered.

    Args:
        model: Unwrapped.
        keep: Only processes that keep it need the memory; others get an empty state.
    """
    return {
        name: value.cpu().contiguous()
        for name, parameter in stored_parameters(model).items()
        if (value := whole(parameter.detach())) is not None and keep
    }


def whole_optimizer(accelerator: Accelerator, optimizer: Any, *, keep: bool) -> dict[str, Any]:
    """State of an optimiser as in a single process; all processes must ask. Empty unless ``keep``."""
    if isinstance(accelerator, zero.ZeroAccelerator):
        return zero.whole_optimizer(optimizer, keep=keep)
    state = optimizer.state_dict()
    found = {
        index: {name: _gathered(value, keep=keep) for name, value in values.items()}
        for index, values in state["state"].items()
    }
    return {**state, "state": found} if keep else {}


def _gathered(value: Any, *, keep: bool) -> Any:
    if not isinstance(value, DTensor):
        return value
    tensor = whole(value)
    return tensor.cpu() if keep else None


def load_optimizer(accelerator: Accelerator, optimizer: Any, state: dict[str, Any]) -> None:
    """Put back what :func:`whole_optimizer` gave; each process takes its part, none has to be sent."""
    if isinstance(accelerator, zero.ZeroAccelerator):
        return zero.load_optimizer(optimizer, state)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    found = {
        index: {name: _part(value, of=parameters[index]) for name, value in values.items()}
        for index, values in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": found})


def _part(value: Any, *, of: Tensor) -> Any:
    if not isinstance(of, DTensor) or not isinstance(value, Tensor) or value.shape != of.shape or not value.ndim:
        return value
    return distribute_tensor(value.to(of.device), of.device_mesh, of.placements, src_data_rank=None)


@contextmanager
def gathered(accelerator: Accelerator, model: HawkeyeModel) -> Iterator[None]:
    """All weights in every process, so that each may call the model as often as it likes, or any part of it.

    For evaluation: processes have other numbers of videos and answers of other lengths. It takes the memory of a whole
    model without gradients and optimiser, 14 GB at 7B in bf16.

    Args:
        accelerator: Knows what was sharded how.
        model: Unwrapped.
    """
    parts = [module for module in model.modules() if isinstance(module, FSDPModule)]
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            again = part is not model and accelerator.state.fsdp_plugin.reshard_after_forward
            part.set_reshard_after_forward(again, recurse=False)
