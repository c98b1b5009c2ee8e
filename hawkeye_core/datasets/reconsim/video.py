"""A planned video as frames, as its truth, and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import replacing
from hawkeye_core.datasets.reconsim.plan import Site, VideoPlan
from hawkeye_core.datasets.reconsim.render import Renderer
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.errors import HawkeyeError

_AT_ONCE = 256  # frames whose bodies are held in memory together


def renderer_of(site: Site | VideoPlan) -> Renderer:
    """What draws the frames of a site, or of a plan's."""
    return Renderer(site.place, site.camera, site.look, width=site.camera.width, height=site.camera.height)


def frames(plan: VideoPlan) -> Iterator[NDArray[np.uint8]]:
    """The pictures [H, W, 3] BGR in order."""
    renderer = renderer_of(plan.site)
    for start in range(0, plan.n_frames, _AT_ONCE):
        moments = plan.moments(plan.times[start : start + _AT_ONCE])
        for i in range(len(moments.times)):
            yield renderer.picture(moments.stage(i), frame=start + i)


def draw(plan: VideoPlan) -> Iterator[tuple[NDArray[np.uint8], VideoTruth | None]]:
    """Pictures with, after the last one, the truth: all frames are drawn once for both.

    Yields:
        Each picture and None, but with the last one the truth.
    """
    renderer = renderer_of(plan.site)
    moments = plan.moments(plan.times)
    keypoints, boxes, visible = [], [], []
    for i in range(plan.n_frames):
        seen = renderer.draw(moments.stage(i), frame=i)
        keypoints.append(seen.keypoints)
        boxes.append(seen.boxes)
        visible.append(seen.visible)
        last = i + 1 == plan.n_frames
        truth = _truth(plan, moments.bodies, np.stack(keypoints), np.stack(boxes), np.stack(visible)) if last else None
        yield seen.image, truth


def truth_of(plan: VideoPlan) -> VideoTruth:
    """All labels of a video; draws every frame."""
    for _, truth in draw(plan):
        if truth is not None:
            return truth
    raise HawkeyeError(f"video {plan.video!r} has no frame", remedy="plan at least 1 / fps seconds")


def write_video(plan: VideoPlan, path: str | Path) -> VideoTruth:
    """Write the video as mp4 (MPEG-4 part 2) under a temporary name, then rename it.

    Returns:
        Its truth, from the same drawing.
    """
    with replacing(path) as temporary:
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), plan.fps, (plan.width, plan.height))
        if not writer.isOpened():
            raise HawkeyeError("OpenCV cannot write a video here", path=path, remedy="check that it is writable")
        truth: VideoTruth | None = None
        try:
            for image, found in draw(plan):
                writer.write(image)
                truth = found
        finally:
            writer.release()
        if truth is None:
            raise HawkeyeError(f"video {plan.video!r} has no frame", remedy="plan at least 1 / fps seconds")
    return truth


def _truth(
    plan: VideoPlan,
    body: NDArray[np.float32],
    keypoints: NDArray[np.float32],
    boxes: NDArray[np.float32],
    visible: NDArray[np.float32],
) -> VideoTruth:
    return VideoTruth(
        video=plan.video,
        split=plan.split,
        fps=plan.fps,
        width=plan.width,
        height=plan.height,
        view=plan.view,
        place=plan.place.kind,
        light=plan.look.light,
        scenario=plan.scenario,
        entities=plan.entities,
        n_people=len(plan.people),
        keypoints=keypoints,
        boxes=boxes,
        visible=visible,
        body=body.astype(np.float32),
        actions=plan.actions,
        relations=plan.relations,
        segments=plan.segments,
        description=plan.description,
    )
