"""What the model gives for a batch: losses, or answers."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from hawkeye_core.model.balance_loss import Columns
from hawkeye_core.model.dense_head import DenseLoss
from hawkeye_core.model.kept import Kept

IGNORE = -100
"""Label of a token that is not learned (the question, padding)."""


class HawkeyeOutput(NamedTuple):
    """Losses of one batch; ``loss = lm_loss + lambda_bc * balance_loss``, plus ``lambda_dense * dense.loss``."""

    loss: Tensor  # scalar
    lm_loss: Tensor  # scalar, mean over the answer tokens
    balance_loss: Tensor  # scalar, of this batch alone; see columns
    answer_tokens: int
    columns: Columns | None  # what L_bc is made of, for that of the global batch: see gather_columns
    weights: Tensor | None  # [B, T, 2, N] routing weights without gradients, None without a router
    dense: DenseLoss | None = None  # of the frames; None without the head, or where nothing is told of frames


class Generated(NamedTuple):
    """Answers of one batch."""

    token_ids: Tensor  # [B, A] int64, end-of-text and padding behind the answer
    probabilities: Tensor  # [B, A] probability of each of these tokens when it was chosen
    embeds: Tensor | None = None  # [B, L, H] the prompts as the language model read them
    weights: Tensor | None = None  # [B, T, 2, N] routing weights, None without a router
    kept: Kept | None = None  # of the prompts
