"""How fast a run is: tokens a second, MFU, memory, time waited for data."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence

import torch
from torch import nn

from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.quantize import numel
from hawkeye_core.training.collate import TrainBatch

TIMED = frozenset({"seconds", "data_wait_s", "tokens_per_s", "mfu", "memory_gb"})
"""Values of a step that depend on the machine; all others are the same whenever the run is made again."""


class Meter:
    """Measures the steps of a run.

    Args:
        model: Unwrapped.
        peak_tflops: Of all devices together, 1e12 FLOP/s; 0 leaves MFU out.
    """

    def __init__(self, model: HawkeyeModel, *, peak_tflops: float) -> None:
        self.model = model
        self.peak_tflops = peak_tflops

    def speed(
        self, pieces: Sequence[TrainBatch], *, waited: float, seconds: float, total: Callable[[float], float]
    ) -> dict[str, float]:
        """Values of :data:`TIMED` for one step.

        Args:
            pieces: Of this process.
            waited: Seconds waited for them.
            seconds: Of the whole step.
            total: Adds up over processes.
        """
        tokens = total(sum(int(piece["attention_mask"].sum()) for piece in pieces))
        values = {"seconds": round(seconds, 4), "data_wait_s": round(waited, 4), "tokens_per_s": tokens / seconds}
        if self.peak_tflops:
            scene = total(sum(int((piece["input_ids"] == self.model.scene_token_id).sum()) for piece in pieces))
            flops = step_flops(self.model, tokens=int(tokens), scene_tokens=int(scene))
            values["mfu"] = flops / (seconds * self.peak_tflops * 1e12)
        return values | {"memory_gb": round(memory_gb(self.model.device), 3)}


def step_flops(model: HawkeyeModel, *, tokens: int, scene_tokens: int) -> float:
    """Floating-point operations of a training step.

    ``2 P + 2 P + 2 P_t`` a token: forward, gradients of the activations, and gradients of the trained weights
    (PaLM, appendix B, and nothing for weights that are frozen). P are the parameters that multiply each token: of
    language model and head for every token, of projector and scene modules for every scene token. Attention's own
    products and what gradient checkpointing computes again are left out, so MFU is a lower bound.

    Args:
        model: Unwrapped.
        tokens: Tokens of the step without padding.
        scene_tokens: How many of them are scene tokens.
    """
    backbone = model.backbone
    language = _weights(backbone.model.language_model.layers) + _weights(backbone.lm_head)
    scene = _weights(model.scene) + _weights(backbone.model.multi_modal_projector)
    return float((language * tokens + scene * scene_tokens).sum())


def _weights(module: nn.Module) -> torch.Tensor:
    """[2] int64: operations a token for the forward pass and activations, and for the trained weights."""
    sizes = [(4 * numel(p), 2 * numel(p) * p.requires_grad) for p in module.parameters()]
    return torch.tensor(sizes, dtype=torch.int64).reshape(-1, 2).sum(0)


def memory_gb(device: torch.device) -> float:
    """Highest memory so far in GB: of the device, on a CPU of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9
