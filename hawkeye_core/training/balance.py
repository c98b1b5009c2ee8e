"""L_bc of a step whose batch is computed in pieces or by several processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from torch import Tensor

from hawkeye_core.model.balance_loss import Columns, balance_loss, join_columns
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.gather import gather_columns
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.training.collate import TrainBatch


class StepBalance:
    """L_bc of the whole batch, as each piece of it sees it.

    L_bc (Eq. 6-7) is a variance over a mean, not a sum over samples: each piece needs the columns of all others before
    its own backward pass. They are constants there; the gradients of all pieces and processes add up to the exact one.

    Args:
        config: Forms of Eq. 6 and L_bc.
        pieces: Columns of each piece of this process; their gradients are dropped.
    """

    def __init__(self, config: HawkeyeConfig, pieces: Sequence[Columns]) -> None:
        self.config = config
        self.pieces = [piece.map(Tensor.detach) for piece in pieces]
        mine = join_columns(self.pieces)
        self.ranks = gather_columns(mine)
        self.rank = next(place for place, columns in enumerate(self.ranks) if columns is mine)

    def of_piece(self, index: int, columns: Columns) -> Tensor:
        """L_bc of the whole batch, with gradients through the columns of this process's piece ``index`` only."""
        mine = join_columns([columns if place == index else piece for place, piece in enumerate(self.pieces)])
        whole = join_columns([*self.ranks[: self.rank], mine, *self.ranks[self.rank + 1 :]])
        return balance_loss(whole.weigh(self.config.importance), cv=self.config.cv)


def balance_ahead(
    accelerator: Accelerator, model: HawkeyeModel, pieces: Sequence[TrainBatch]
) -> StepBalance | None:  # fmt: skip
    """L_bc of a batch in several pieces; None if there is one only, or no router.

    Each piece needs the columns of all others before its own backward pass, so the scene modules run once more, without
    gradients, ahead of the step (GradCache, Gao et al. 2021). They have no dropout, so both passes agree. The language
    model does not run.

    Args:
        accelerator: Device and precision.
        model: Unwrapped.
        pieces: Of this process, of one step.
    """
    if model.scene.moe is None or len(pieces) == 1:
        return None
    with torch.no_grad(), accelerator.autocast():
        found = [model.encode(piece["scene"].to(accelerator.device)).columns for piece in pieces]
    return StepBalance(model.config, [columns for columns in found if columns is not None])
