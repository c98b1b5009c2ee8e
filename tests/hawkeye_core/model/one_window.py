"""One window of a made-up batch."""

from __future__ import annotations

import dataclasses

import torch

from hawkeye_core.model.scene_batch import SceneBatch


def one(scene: SceneBatch, row: int, length: int) -> SceneBatch:
    """A batch of one window of a batch, cut to its own length."""
    frames = scene.frame_mask.shape[1]
    mine = (scene.object_frame // frames) == row
    first = int(mine.nonzero().flatten()[0]) if mine.any() else 0
    links = torch.isin(scene.subject, mine.nonzero().flatten())
    dense = (
        "frame_mask",
        "keypoints",
        "person_box",
        "person_mask",
        "velocity",
        "previous",
        "frame_tokens",
        "masked_token",
    )
    return dataclasses.replace(
        scene, **{name: getattr(scene, name)[row : row + 1, :length] for name in dense},
        object_frame=scene.object_frame[mine] - row * frames, object_class=scene.object_class[mine],
        object_box=scene.object_box[mine], object_tokens=scene.object_tokens[mine],
        subject=scene.subject[links] - first, predicate=scene.predicate[links], object=scene.object[links] - first,
    )  # fmt: skip
