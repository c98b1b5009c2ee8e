"""How an answer opens: with a segment, or with the words that there is none.

Greedy decoding says "none" wherever the model finds that likelier, however little. Where a miss costs more than a false
alarm, as F2 counts it, that is the wrong rule: for the best F-beta, what is positive should be said from a probability
of F* / (1 + beta^2) on, F* being the best value (Lipton et al., ECML 2014), which is 0.1 to 0.2 for F2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import LogitsProcessor


class Opening(LogitsProcessor):
    """Decides the first token of every answer of a batch; used for one call of ``generate``.

    Args:
        none: The token that only the answer "none" begins with.
        threshold: Probability of any other beginning from which the answer does not begin so.
    """

    def __init__(self, none: int, *, threshold: float) -> None:
        self.none, self.threshold = none, threshold
        self._begun = False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """[B, L] tokens so far and [B, V] logits -> [B, V] logits."""
        if self._begun:
            return scores
        self._begun = True
        other = 1 - scores.float().softmax(-1)[:, self.none]  # [B]
        lowest = torch.finfo(scores.dtype).min
        barred = torch.arange(scores.shape[1], device=scores.device) == self.none  # [V]
        there = (other >= self.threshold)[:, None]
        return scores.masked_fill(torch.where(there, barred, ~barred), lowest)
