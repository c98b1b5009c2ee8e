"""DeepSpeed's ZeRO-2: gradients and optimiser shared among processes, weights whole in each of them.

DeepSpeed's engine adds gradients up, clips and steps; forward passes are the bare model's, because the engine's own
switches autocast off. :mod:`hawkeye_core.training.sharding` is what the trainer asks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import AutocastKwargs, DeepSpeedPlugin, DistributedType
from torch import Tensor
from torch.optim import Optimizer

from hawkeye_core.errors import BackendUnavailableError, ConfigError
from hawkeye_core.model.hawkeye import HawkeyeModel

CONFIG = "hawkeye_core/training/accelerate/deepspeed.yaml"
MOMENTS = ("exp_avg", "exp_avg_sq")
"""What AdamW keeps of each weight."""


def declare(accelerator: Accelerator, kind: DistributedType) -> None:
    """Say how a model is shared, as Accelerate does by itself on GPUs.

    In both of its states, because each ``AcceleratorState()``, which the libraries make where they please, copies
    what the partial state holds over what all of them share.
    """
    accelerator.state.distributed_type = kind
    PartialState._shared_state["distributed_type"] = kind


class ZeroAccelerator(Accelerator):
    """Accelerate under DeepSpeed, which here casts nothing: bf16 is autocast, as with whole weights.

    Args:
        cpu: Leave GPUs alone. Accelerate leaves DeepSpeed out there and says nothing; here it shares on CPUs too, so
            that tests need no GPU.
        bf16: Autocast to bfloat16.

    Raises:
        BackendUnavailableError: DeepSpeed is not installed.
        ConfigError: Another stage than 2, or offloading.
    """

    def __init__(self, *, cpu: bool, bf16: bool) -> None:
        if find_spec("deepspeed") is None:
            raise BackendUnavailableError(
                "DeepSpeed is not installed", remedy="DS_BUILD_OPS=0 pip install --no-build-isolation deepspeed, "
                "or start it with hawkeye_core/training/accelerate/fsdp2.yaml"
            )  # fmt: skip
        super().__init__(cpu=cpu, mixed_precision="no")
        self.bf16 = bf16
        if self.distributed_type is DistributedType.MULTI_CPU:
            if torch.cuda.is_available():  # DeepSpeed would take them
                raise ConfigError(
                    "DeepSpeed on the CPU of a machine with GPUs", remedy="hide them: CUDA_VISIBLE_DEVICES="
                )
            self.state.deepspeed_plugins = DeepSpeedPlugin()
            self.state.deepspeed_plugins.select(_from_accelerator_state=True)
            declare(self, DistributedType.DEEPSPEED)
        plugin = self.state.deepspeed_plugin
        found = {
            f"zero_stage is {plugin.zero_stage}": plugin.zero_stage != 2,
            "offload_optimizer_device is not none": plugin.offload_optimizer_device != "none",
        }
        wrong = [text for text, is_so in found.items() if is_so]
        if wrong:
            raise ConfigError(
                f"of DeepSpeed this trainer knows ZeRO-2 without offloading; {', '.join(wrong)}",
                remedy=f"start it with {CONFIG}, or with fsdp2.yaml to share the weights too",
            )

    def autocast(self, autocast_handler: AutocastKwargs | None = None) -> AbstractContextManager[Any]:
        """Around the model."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


def prepare(accelerator: ZeroAccelerator, model: HawkeyeModel, optimizer: Optimizer, *, max_norm: float) -> Any:
    """Share an optimiser; the model goes to its device. Returns Accelerate's optimiser."""
    accelerator.state.deepspeed_plugin.deepspeed_config |= {
        "train_micro_batch_size_per_gpu": 1,  # it divides by none of these: the trainer's loss is of the whole batch
        "gradient_accumulation_steps": 1,
        "gradient_clipping": max_norm,
        "steps_per_print": 10**9,
    }
    return accelerator.prepare(model, optimizer)[1]


def backward(accelerator: ZeroAccelerator, loss: Tensor, *, last: bool) -> None:
    """Gradients of a piece of a step, added up over the processes; they stay where their optimiser is."""
    engine = accelerator.deepspeed_engine_wrapped.engine
    engine.set_gradient_accumulation_boundary(last)
    engine.backward(loss)
    if not last:
        engine.step()  # counts the piece; the last one's is :func:`update`


def update(accelerator: ZeroAccelerator) -> float:
    """Clip and step; returns the norm before clipping."""
    wrapped = accelerator.deepspeed_engine_wrapped
    wrapped.engine.step()
    return float(wrapped.get_global_grad_norm())


def whole_optimizer(optimizer: Any, *, keep: bool) -> dict[str, Any]:
    """State as in a single process; all processes must ask. Empty unless ``keep``."""
    zero = optimizer.optimizer
    steps = [values["step"] for values in zero.optimizer.state.values() if "step" in values]
    found: dict[int, dict[str, Tensor]] = {}
    for index, parameter in enumerate(_parameters(zero) if steps else []):
        moments = {name: parameter.get_full_hp_param(name) for name in MOMENTS}
        if keep:
            found[index] = {"step": steps[0].cpu().clone(), **{name: value.cpu() for name, value in moments.items()}}
    groups = [{key: value for key, value in group.items() if key != "params"} for group in zero.optimizer.param_groups]
    return {"state": found, "param_groups": groups} if keep else {}


def load_optimizer(optimizer: Any, state: dict[str, Any]) -> None:
    """Put back what :func:`whole_optimizer` gave; each process takes its part."""
    zero = optimizer.optimizer
    for group, saved in zip(zero.optimizer.param_groups, state["param_groups"], strict=True):
        group.update(saved)
    if not state["state"]:
        return
    for flat in zero.single_partition_of_fp32_groups:
        moments = {name: torch.zeros_like(flat) for name in MOMENTS}
        zero.optimizer.state[flat] = {"step": state["state"][0]["step"].clone(), **moments}
    zero._lazy_init_hp_params_optimizer_state()  # each weight knows its place in them, from here on instead of a step
    for index, parameter in enumerate(_parameters(zero)):
        for name in MOMENTS:
            parameter.set_full_hp_param(state["state"][index][name].to(parameter.device), name)


def _parameters(zero: Any) -> list[Any]:
    return [parameter for group in zero.bit16_groups for parameter in group]
