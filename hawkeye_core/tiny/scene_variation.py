"""One window seen otherwise: mirrored, nearer, moved; or with the picture's tokens of another window.

A few hundred videos are soon known by heart: by their places, which the picture's tokens tell, and by where in the
frame things are. What graphs say has to be read from them once neither can be relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from feature_store.window import PoseTensors, RelationTensors, VisionTensors, Window
from hawkeye_core.pose.aggregate import COCO_MIRROR

NEARER = (0.75, 1.3)
"""Least and largest factor of all sizes."""
MOVED = 0.15
"""Largest shift, as a share of the frame."""


def varied(windows: Sequence[Window], rng: np.random.Generator, *, exchanged: float) -> list[Window]:
    """Windows with other geometry, and some with the picture's tokens of another one of them.

    Args:
        windows: With all three families.
        rng: Chooses.
        exchanged: Share of the windows whose tokens are another's.
    """
    found = [otherwise(window, rng) for window in windows]
    tokens = [window.vision for window in found]
    for number, window in enumerate(found):
        if rng.random() < exchanged and window.vision is not None:
            other = tokens[int(rng.integers(len(tokens)))]
            if other is not None:
                found[number] = replace(window, vision=with_tokens_of(window.vision, other, rng))
    return found


def otherwise(window: Window, rng: np.random.Generator) -> Window:
    """Joints and boxes mirrored or not, enlarged and moved alike in all frames; the picture's tokens stay."""
    if window.pose is None or window.relations is None:
        raise ValueError("needs pose and relations")
    size = np.array([float(window.frames.width[0]), float(window.frames.height[0])])
    scale = float(np.exp(rng.uniform(*np.log(NEARER))))
    middle = size / 2
    shift = rng.uniform(-MOVED, MOVED, 2) * size
    mirrored = bool(rng.random() < 0.5)
    a = torch.tensor([-scale if mirrored else scale, scale], dtype=torch.float32)
    b = torch.from_numpy(middle + shift - a.numpy() * middle).float()
    return replace(
        window, pose=_pose(window.pose, a, b, mirrored=mirrored), relations=_relations(window.relations, a, b)
    )


def _pose(pose: PoseTensors, a: Tensor, b: Tensor, *, mirrored: bool) -> PoseTensors:
    keypoints = pose.keypoints[:, list(COCO_MIRROR)] if mirrored else pose.keypoints
    xy = keypoints[..., :2] * a + b
    return replace(pose, keypoints=torch.cat([xy, keypoints[..., 2:]], -1), box=_boxes(pose.box, a, b))


def _relations(relations: RelationTensors, a: Tensor, b: Tensor) -> RelationTensors:
    return replace(relations, object_box=_boxes(relations.object_box, a, b))


def _boxes(boxes: Tensor, a: Tensor, b: Tensor) -> Tensor:
    corners = boxes.reshape(-1, 2, 2) * a + b
    return torch.cat([corners.amin(1), corners.amax(1)], 1)


def with_tokens_of(own: VisionTensors, other: VisionTensors, rng: np.random.Generator) -> VisionTensors:
    """Another window's tokens, from its beginning again where it is shorter; objects get tokens of random objects."""
    frames = torch.arange(len(own.n_objects)) % len(other.n_objects)
    given = other.object_tokens if len(other.object_tokens) else own.object_tokens
    chosen = torch.from_numpy(rng.integers(max(len(given), 1), size=len(own.object_tokens)))
    return replace(
        own, frame_tokens=other.frame_tokens[frames], masked_token=other.masked_token[frames],
        object_tokens=given[chosen] if len(given) else own.object_tokens,
    )  # fmt: skip
