"""A motion's frames and an image's frame as one window."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import torch

from feature_store.window import FrameTensors, Window
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
    if image.pose is None or motion.vision is None or image.vision is None or None in (motion.pose, motion.relations):
        raise HawkeyeError("lacks a family of features", path=f"{motion.video}, {image.video}")
    ours, theirs = motion.vision.frame_tokens.shape[1:], image.vision.frame_tokens.shape[1:]
    if ours != theirs:
        raise HawkeyeError(
            f"vision tokens {list(ours)} of {motion.video!r} and {list(theirs)} of {image.video!r} differ",
            remedy="extract motions and images with the same `vision` settings",
        )
    strangers = replace(image.pose, previous=torch.full_like(image.pose.previous, -1))
    frames: FrameTensors = _concatenate(motion.frames, image.frames)
    number = torch.arange(motion.start, motion.start + len(frames.frame), dtype=frames.frame.dtype)
    time = number.to(frames.time.dtype) / fps
    return Window(
        video=f"{motion.video}+{image.video}",
        start=motion.start,
        stop=motion.start + len(number),
        frames=replace(frames, frame=number, time=time),
        pose=_concatenate(motion.pose, strangers),
        relations=_concatenate(motion.relations, image.relations),
        vision=_concatenate(motion.vision, image.vision),
    )


def _concatenate(first: PartT, second: PartT) -> PartT:
    """All tensors one behind another: they are per frame, or per row of frames in order."""
    part: Any = first
    return type(first)(**{f.name: torch.cat([getattr(first, f.name), getattr(second, f.name)]) for f in fields(part)})
