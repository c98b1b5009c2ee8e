"""An anomaly logit for every frame, read off the language model at the frame's scene tokens: our addition, a switch.

An answer says once a window when something happens; this says it of every frame, and at no cost beside one linear map:
the hidden states are there anyhow. In training it is a second loss, in prediction the anomaly curve. Off in the paper's
exact setting.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hawkeye_core.model.scene_encoder import TOKENS_PER_FRAME


class DenseLoss(NamedTuple):
    """Mean over the frames of a batch, and how many there are."""

    loss: Tensor  # scalar
    frames: int


class DenseHead(nn.Module):
    """``w . mean(h of the frame's scene tokens) + b``.

    Args:
        width: H of the language model.

    Shapes:
        hidden [B, L, H], places [B, L] bool (scene tokens, two a frame, frame after frame) -> [N] logits of the
        frames that are there, sample after sample
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, hidden: Tensor, places: Tensor) -> Tensor:
        """See the class."""
        frames = hidden[places].unflatten(0, (-1, TOKENS_PER_FRAME)).mean(1)  # [N, H]
        logits: Tensor = self.linear(frames.to(self.linear.weight.dtype))
        return logits[:, 0]


def dense_loss(logits: Tensor, anomalous: Tensor, frame_mask: Tensor) -> DenseLoss:
    """Binary cross-entropy of every frame.

    Args:
        logits: [N] of :class:`DenseHead`.
        anomalous: [B, T] 1 where the frame lies in a segment, 0 elsewhere.
        frame_mask: [B, T] bool, N of them true.
    """
    truth = anomalous[frame_mask].float()
    return DenseLoss(F.binary_cross_entropy_with_logits(logits.float(), truth), len(truth))


def spread_frames(values: Tensor, frame_mask: Tensor) -> Tensor:
    """[N] values of the frames that are there -> [B, T], 0 for padding."""
    out = torch.zeros(frame_mask.shape, dtype=values.dtype, device=values.device)
    return out.masked_scatter(frame_mask, values)
