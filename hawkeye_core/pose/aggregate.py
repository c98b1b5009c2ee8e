"""The network's outputs merged to one set of heatmaps and one set of tag maps.

Legend: B frames, J joints, T tag components (2 with flip test, else 1), H x W cells of the final heatmaps, h x w of
the finer output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

COCO_MIRROR: tuple[int, ...] = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Each joint's counterpart in the mirrored image: left and right change places."""


@dataclass(frozen=True, slots=True)
class ScoreMaps:
    """Where each joint may be, and which person it would belong to.

    Tags stay at the finer output's resolution: grouping and refining need them at few places, so they are interpolated
    on demand.
    """

    heat: Tensor
    """[B, J, H, W] float32, about 0..1."""
    tags: Tensor
    """[B, J, T, h, w] float32; their values on the H x W grid are defined by bilinear resizing."""
    reach: float | None = None
    """Cells. Where set, tags have two more components, column and row in units of it: who is further apart than that
    is not one person, however alike the tags. T + 2 then stands for T wherever tags are read."""

    def tags_of(self, frame: int, joint: int) -> Tensor:
        """[T, H, W]: the tag maps of one joint on the heatmaps' grid."""
        tags = resize(self.tags[frame, joint : joint + 1], self.heat.shape[-2:])[0]
        if self.reach is None:
            return tags
        height, width = self.heat.shape[-2:]
        x = torch.arange(width, device=tags.device, dtype=tags.dtype).div_(self.reach).expand(height, width)
        y = torch.arange(height, device=tags.device, dtype=tags.dtype).div_(self.reach)[:, None].expand(height, width)
        return torch.cat((tags, x[None], y[None]))

    def tags_at(self, frame: Tensor, joint: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """[N, T]: tags at N cells of the heatmaps' grid; equal to gathering from :meth:`tags_of`.

        Args:
            frame: [N] int64.
            joint: [N] int64.
            y: [N] int64 row.
            x: [N] int64 column.
        """
        (joints, components, h, w), (height, width) = self.tags.shape[1:], self.heat.shape[-2:]
        top, bottom, down = _neighbours(y, cells=height, source=h)
        left, right, across = _neighbours(x, cells=width, source=w)
        component = torch.arange(components, device=y.device)
        plane = (((frame * joints + joint) * components).unsqueeze(1) + component) * (h * w)  # [N, T]

        def at(row: Tensor, column: Tensor) -> Tensor:
            return self.tags.take(plane + (row * w + column).unsqueeze(1))

        upper = torch.lerp(at(top, left), at(top, right), across)
        lower = torch.lerp(at(bottom, left), at(bottom, right), across)
        tags = torch.lerp(upper, lower, down)
        if self.reach is None:
            return tags
        return torch.cat((tags, torch.stack((x, y), dim=1).to(tags.dtype).div_(self.reach)), dim=1)


def _neighbours(index: Tensor, *, cells: int, source: int) -> tuple[Tensor, Tensor, Tensor]:
    """The two source cells between which a resized cell's centre lies, and the weight [N, 1] of the second."""
    position = ((index + 0.5) * (source / cells) - 0.5).clamp_(min=0)
    first = position.long().clamp_(max=source - 1)
    weight = (position - first).clamp_(max=1).unsqueeze(-1).float()
    return first, (first + 1).clamp_(max=source - 1), weight


def resize(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear resize of float32 [B, C, h, w] to ``size`` (H, W), cell centres at half integers; no gradients.

    On a CPU by OpenCV, which computes the same (to 1e-6) in a fifth of the time.
    """
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    height, width = size
    if maps.device.type != "cpu":
        return F.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)
    resized = np.empty((*maps.shape[:2], height, width), dtype=np.float32)
    planes = maps.detach().reshape(-1, *maps.shape[-2:]).numpy()
    for plane, target in zip(planes, resized.reshape(-1, height, width), strict=True):
        cv2.resize(plane, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(resized)


def aggregate(coarse: Tensor, fine: Tensor, *, flipped: bool, size: tuple[int, int] | None) -> ScoreMaps:
    """Average the heatmaps of both outputs and, with flip test, of the image and its mirror image.

    Everything here is linear, so averages are taken at the lowest resolution they can be; the result equals the
    original's order (resize, then average) up to rounding. Tags are never averaged: those of the mirror image are a
    second component.

    Args:
        coarse: [N, 2 J, h/2, w/2] heatmaps, then tags. N = B, or 2 B with ``flipped``: frames, then mirror images.
        fine: [N, J, h, w] heatmaps.
        flipped: Whether the second half of the batch are mirror images.
        size: (H, W) to which heatmaps are resized (the original's "project to image"); None keeps h x w.
    """
    joints = fine.shape[1]
    coarse, fine = coarse.float().contiguous(), fine.float().contiguous()
    heat_coarse, tags = coarse[:, :joints], coarse[:, joints:].unsqueeze(2)  # [N, J, h/2, w/2], [N, J, 1, h/2, w/2]
    if flipped:
        half = len(fine) // 2
        heat_coarse, fine = _average_mirrored(heat_coarse), _average_mirrored(fine)
        tags = torch.cat((tags[:half], _mirror(tags[half:, :, 0]).unsqueeze(2)), dim=2)
    finer = fine.shape[-2:]
    heat = resize(heat_coarse, finer).add(fine).mul_(0.5)
    tags = resize(tags.flatten(1, 2), finer).unflatten(1, (joints, -1))
    return ScoreMaps(heat if size is None else resize(heat, size), tags)


def merge_scales(maps: Sequence[ScoreMaps], *, tags_from: int) -> ScoreMaps:
    """Average heatmaps of several input scales, all resized to the same grid; tags come from one of them.

    Args:
        maps: One an input scale.
        tags_from: Index of the scale whose tags count (that of factor 1).
    """
    if len(maps) == 1:
        return maps[0]
    heat = torch.stack([m.heat for m in maps]).mean(dim=0)
    return ScoreMaps(heat, maps[tags_from].tags)


def _mirror(maps: Tensor) -> Tensor:
    """Maps [B, J, h, w] of a mirror image as seen from the image itself."""
    order = torch.tensor(COCO_MIRROR, device=maps.device)
    return maps.index_select(1, order).flip(3)


def _average_mirrored(maps: Tensor) -> Tensor:
    half = len(maps) // 2
    return _mirror(maps[half:]).add_(maps[:half]).mul_(0.5)
