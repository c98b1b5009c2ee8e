"""A motion's frames and an image's frame as one window."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import torch

from feature_store.window import PoseTensors, RelationTensors, VisionTensors, Window
from hawkeye_core.errors import HawkeyeError

PartT = TypeVar("PartT")


def append_image(motion: Window, image: Window, *, fps: float) -> Window:
    """The motion's frames, then the image's only frame; numbers and times go on as if it were the next one.

    The image comes last so that the motion stands exactly where it would in a window of stage 2: same positions, same
    times, same velocities. Nobody in the image is anybody of the motion's last frame, so all its people are new.

    Args:
        motion: T frames.
        image: One frame.
        fps: Of the motion.

    Returns:
        T + 1 frames.

    Raises:
        HawkeyeError: One of them lacks a family, or their vision tokens differ in shape.
    """
    pose, relations, vision = _families(motion)
    strangers, things, sight = _families(image)
    ours, theirs = vision.frame_tokens.shape[1:], sight.frame_tokens.shape[1:]
    if ours != theirs:
        raise HawkeyeError(
            f"vision tokens {list(ours)} of {motion.video!r} and {list(theirs)} of {image.video!r} differ",
            remedy="extract motions and images with the same `vision` settings",
        )
    strangers = replace(strangers, previous=torch.full_like(strangers.previous, -1))
    frames = _concatenate(motion.frames, image.frames)
    number = torch.arange(motion.start, motion.start + len(frames.frame), dtype=frames.frame.dtype)
    time = number.to(frames.time.dtype) / fps
    return Window(
        video=f"{motion.video}+{image.video}",
        start=motion.start,
        stop=motion.start + len(number),
        frames=replace(frames, frame=number, time=time),
        pose=_concatenate(pose, strangers),
        relations=_concatenate(relations, things),
        vision=_concatenate(vision, sight),
    )


def _families(window: Window) -> tuple[PoseTensors, RelationTensors, VisionTensors]:
    if window.pose is None or window.relations is None or window.vision is None:
        raise HawkeyeError("lacks a family of features", path=window.video)
    return window.pose, window.relations, window.vision


def _concatenate(first: PartT, second: PartT) -> PartT:
    """All tensors one behind another: they are per frame, or per row of frames in order."""
    part: Any = first
    return type(first)(**{f.name: torch.cat([getattr(first, f.name), getattr(second, f.name)]) for f in fields(part)})
