"""Networks of one input shape as CUDA graphs: small ones spend their time on starting kernels, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)


class Graphed:
    """A module whose forward and backward passes are recorded at the first batch on a GPU, and replayed from then on.

    Elsewhere, and in evaluation mode, the module is called as it is. The results are the same.

    Args:
        module: From one tensor to one tensor or a tuple of them; every batch must have the shape of the first.
        bfloat16: Whether, on a CPU, products and convolutions of training are computed in bfloat16. Weights, sums over
            batches and what comes out stay float32.
    """

    def __init__(self, module: nn.Module, *, bfloat16: bool = False) -> None:
        self.module = module
        self.bfloat16 = bfloat16
        self._replay: Callable[..., Any] | None = None

    def __call__(self, inputs: Tensor) -> Any:
        """``module(inputs)``."""
        if not self.module.training:
            return self.module(inputs)
        if inputs.device.type != "cuda":
            if not self.bfloat16:
                return self.module(inputs)
            with torch.autocast(inputs.device.type, torch.bfloat16):
                found = self.module(inputs)
            return tuple(part.float() for part in found) if isinstance(found, tuple) else found.float()
        if self._replay is None:
            self._replay = self._recorded(inputs)
        return self._replay(inputs)

    def _recorded(self, inputs: Tensor) -> Callable[..., Any]:
        try:
            recorded: Callable[..., Any] = torch.cuda.make_graphed_callables(
                self.module, (inputs.detach().clone(),), allow_unused_input=True
            )
        except RuntimeError as error:
            logger.warning("runs without a CUDA graph: %s", str(error).partition("\n")[0])
            return self.module
        return recorded
