"""Greedy choice of the next token, as ``generate`` of transformers makes it with the settings of HawkeyeModel."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import SuppressTokensLogitsProcessor

from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.opening import Opening


class Said(NamedTuple):
    """A token and how likely it was, among all, when it was chosen."""

    token: int
    probability: float


class Greedy:
    """Chooses the tokens of one answer.

    Args:
        model: Whose placeholders of scene and image are never said.
        opening: Decides the first token; none: the likeliest.
    """

    def __init__(self, model: HawkeyeModel, *, opening: Opening | None = None) -> None:
        image = int(model.backbone.config.image_token_index)
        suppressed = SuppressTokensLogitsProcessor([model.scene_token_id, image], device=str(model.device))
        self._rules: list[Any] = [suppressed] if opening is None else [suppressed, opening]
        self._before = torch.zeros(1, 0, dtype=torch.int64, device=model.device)  # neither rule looks at it

    def __call__(self, logits: Tensor) -> Said:
        """Logits [V] to the next token."""
        row = logits[None].float()
        allowed = row
        for rule in self._rules:
            allowed = rule(self._before, allowed)
        token = int(allowed[0].argmax())
        return Said(token, float(row.softmax(-1)[0, token]))
