"""The losses of one step, whose batch comes in pieces and over processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.outputs import HawkeyeOutput
from hawkeye_core.training.balance import StepBalance
from hawkeye_core.training.router import router_sums, shares


class StepLosses:
    """Adds up what the pieces of this process have lost.

    The loss of a step is the mean over the answer tokens of the whole batch, plus ``lambda_bc`` times L_bc of the whole
    batch, plus ``lambda_dense`` times the mean over all its frames, whatever the pieces and processes.

    Args:
        config: Weights of the losses.
        tokens: Answer tokens of the whole batch.
        frames: Frames of the whole batch.
        balance: L_bc of a batch in several pieces; None if there is one only.
        device: Of the sums over the router's weights.
    """

    def __init__(
        self, config: HawkeyeConfig, *, tokens: float, frames: float, balance: StepBalance | None, device: torch.device
    ) -> None:
        self.config = config
        self.tokens, self.frames, self.whole = tokens, frames, balance
        self.lm = self.balance = self.dense = 0.0
        self.router = torch.zeros(3, config.experts + 1, dtype=torch.float64, device=device)
        self.has_router = self.has_dense = False

    def of_piece(self, index: int, output: HawkeyeOutput, frame_mask: Tensor) -> Tensor:
        """A piece's part of the step's loss, to go backward from.

        Args:
            index: Of the piece.
            output: What the model gave for it.
            frame_mask: [B, T], its frames that are there.
        """
        loss = output.lm_loss * (output.answer_tokens / self.tokens)
        self.lm += loss.item()
        if output.columns is not None:
            whole = self.whole or StepBalance(self.config, [output.columns])
            balance = whole.of_piece(index, output.columns)
            self.balance = balance.item()
            loss = loss + self.config.lambda_bc * balance
            assert output.weights is not None  # a router gives both
            self.router += router_sums(output.weights, frame_mask)
            self.has_router = True
        if output.dense is not None:
            dense = output.dense.loss * (output.dense.frames / self.frames)
            self.dense += dense.item()
            loss = loss + self.config.lambda_dense * dense
            self.has_dense = True
        return loss

    def totals(self, total: Callable[[float], float]) -> dict[str, Any]:
        """``loss`` and its parts, by ``total`` summed over the processes; ``dense_loss`` with a dense head only."""
        lm, dense = total(self.lm), total(self.dense)
        loss = lm + self.config.lambda_bc * self.balance + self.config.lambda_dense * dense
        parts = {"loss": loss, "lm_loss": lm, "balance_loss": self.balance}
        return parts | ({"dense_loss": dense} if self.has_dense else {})

    def shares(self, total: Callable[[Tensor], Tensor]) -> dict[str, list[float]]:
        """What the router did (:func:`~hawkeye_core.training.router.shares`); nothing without one."""
        return shares(total(self.router)) if self.has_router else {}
