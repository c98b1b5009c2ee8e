"""The tensors of a batch of windows as the model reads them: frames padded, objects and relations ragged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SceneBatch:
    """B windows of up to T frames.

    Frames and people are dense and padded (at most five people a frame: little is wasted, and the graph attention
    over joints stays one matrix product). Objects and relations are ragged: those of all frames of all windows stand
    one after another, so that all scene graphs of a batch are one disjoint graph.

    Args:
        frame_mask: [B, T] bool, False for padding.
        keypoints: [B, T, P, J, 3] x and y as parts of the frame's width and height, score 0..1.
        person_box: [B, T, P, 4] x1, y1, x2, y2 as parts of the frame.
        person_mask: [B, T, P] bool.
        velocity: [B, T, P, J, 2] change of x and y since the previous frame in units of the person's box, 0 where the
            person is new.
        previous: [B, T, P] int64, the same person's place in the previous frame, -1 where it is new.
        frame_tokens: [B, T, G, D] pooled tokens of the vision tower.
        masked_token: [B, T, D] object-masked frame token.
        object_frame: [S] int64, b * T + t of the frame an object belongs to, not falling.
        object_class: [S] int64.
        object_score: [S] 0..1.
        object_box: [S, 4] as parts of the frame.
        object_tokens: [S, D].
        subject: [R] int64, index into the S objects.
        predicate: [R] int64.
        object: [R] int64, index into the S objects.
        relation_score: [R] 0..1.
    """

    frame_mask: Tensor
    keypoints: Tensor
    person_box: Tensor
    person_mask: Tensor
    velocity: Tensor
    previous: Tensor
    frame_tokens: Tensor
    masked_token: Tensor
    object_frame: Tensor
    object_class: Tensor
    object_score: Tensor
    object_box: Tensor
    object_tokens: Tensor
    subject: Tensor
    predicate: Tensor
    object: Tensor
    relation_score: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(B, T)."""
        return self.frame_mask.shape[0], self.frame_mask.shape[1]

    def map(self, change: Callable[[Tensor], Tensor]) -> SceneBatch:
        """The batch with ``change`` applied to every tensor."""
        return SceneBatch(**{field.name: change(getattr(self, field.name)) for field in fields(self)})

    def to(self, device: torch.device | str, non_blocking: bool = False) -> SceneBatch:
        """The batch on another device; Accelerate calls this."""
        return self.map(lambda tensor: tensor.to(device, non_blocking=non_blocking))
