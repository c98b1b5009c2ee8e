"""A video with what was found drawn on it: skeletons, boxes and triplets of every frame, curve and segment below.

Frames are those that extraction saw (8 a second); they are decoded, drawn and written one after the other, so memory
does not grow with the length of the video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hawkeye_core.atomic import replacing
from hawkeye_core.extraction.columns import split_poses, split_relations
from hawkeye_core.ground.outputs import OutputError, writing
from hawkeye_core.ground.overlay_panel import Panel
from hawkeye_core.ground.records import GroundedVideo
from hawkeye_core.ground.stored import StoredVideo
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.scene import FramePose, FrameRelations
from hawkeye_core.video.capture import open_capture
from hawkeye_core.video.sampling import FrameSampler
from hawkeye_core.visual.draw import draw_scene

LONG_SIDE, SHORT_SIDE = 1280, 720
"""Larger pictures are made smaller to fit in these, in pixels."""
LEAST_SIDE = 480
"""Smaller pictures are enlarged to this short side (4 times at most), so that what is drawn can be read."""
TRIPLETS = 3
"""Relations that are drawn of a frame, the surest first."""
PEOPLE = 5
CODEC = "mp4v"
SUFFIX = ".mp4"

Image = NDArray[np.uint8]


def write_overlay(
    video: GroundedVideo, handle: StoredVideo, path: str | Path, *, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write the overlay of a video; returns its path.

    Args:
        video: What was found.
        handle: Where its features are; the file must be where it was.
        path: An .mp4 file.
        progress: Told of frames written, and how many there are.

    Raises:
        OutputError: It cannot be written whole; an earlier file of that name is as it was.
        VideoError: The source can no longer be read.
    """
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise OutputError("an overlay is an .mp4 file", path=path, remedy=f"name it {path.stem}{SUFFIX}")
    with writing(path), replacing(path) as temporary:
        count = 0
        with _Writer(temporary, fps=handle.fps).opened() as writer:
            for image in drawn_frames(video, handle):
                writer.write(image)
                count += 1
                if progress is not None:
                    progress(count, handle.n_frames)
        _require_whole(temporary, count, named=path)
    return path


def drawn_frames(video: GroundedVideo, handle: StoredVideo) -> Iterator[Image]:
    """[H, W, 3] RGB, frame after frame, all of one size with even sides.

    Raises:
        VideoError: The source can no longer be read.
    """
    panel: Panel | None = None
    with FrameSampler(handle.video, fps=handle.fps, batch_size=1) as sampler:
        for number, batch in enumerate(sampler):
            if number >= handle.n_frames:
                break
            picture = drawn_frame(batch.images[0], handle, number)
            if panel is None:
                panel = Panel(video, width=picture.shape[1])
            yield _even(np.concatenate([picture, panel.at(number / handle.fps)]))


def fitted(width: int, height: int) -> float:
    """By how much a picture is made smaller: 1 if it fits."""
    return min(1.0, LONG_SIDE / max(width, height), SHORT_SIDE / min(width, height))


def drawn_frame(image: Image, handle: StoredVideo, number: int) -> Image:
    """One frame's picture with the people, objects and relations that are stored of it."""
    stored = handle.columns(number, number + 1)
    pose = None if stored.pose is None else split_poses(stored.pose)[0]
    relations = None if stored.relations is None else split_relations(stored.relations)[0]
    height, width = image.shape[:2]
    scale = fitted(width, height)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return draw_scene(
        image, pose=None if pose is None else _scaled_pose(pose, scale),
        relations=None if relations is None else _surest(relations, scale), object_names=EXTENDED_OBJECT_CLASSES,
        predicate_names=PREDICATE_CLASSES, max_people=PEOPLE, short_side=LEAST_SIDE,
    )  # fmt: skip


def _scaled_pose(pose: FramePose, scale: float) -> FramePose:
    factor = np.array([scale, scale, 1], np.float32)
    return replace(pose, keypoints=pose.keypoints * factor, box=pose.box * np.float32(scale))


def _surest(found: FrameRelations, scale: float) -> FrameRelations:
    """Only the surest relations and the objects in them; all would hide the picture."""
    kept = np.argsort(-found.score, kind="stable")[:TRIPLETS]
    objects, places = np.unique(np.concatenate([found.subject[kept], found.object[kept]]), return_inverse=True)
    subject, thing = places[: len(kept)].astype(np.int32), places[len(kept) :].astype(np.int32)
    return FrameRelations(
        found.object_class[objects], found.object_score[objects], found.object_box[objects] * np.float32(scale),
        subject, found.predicate[kept], thing, found.score[kept],
    )  # fmt: skip


def _even(image: Image) -> Image:
    """Sides cut to even numbers, as codecs want them."""
    height, width = (side - side % 2 for side in image.shape[:2])
    return image[:height, :width]


class _Writer:
    """OpenCV's writer, opened with the first frame, which says how large the frames are."""

    def __init__(self, path: Path, *, fps: float) -> None:
        self._path, self._fps = path, fps
        self._file: cv2.VideoWriter | None = None

    @contextmanager
    def opened(self) -> Iterator[_Writer]:
        try:
            yield self
        finally:
            if self._file is not None:
                self._file.release()

    def write(self, image: Image) -> None:
        if self._file is None:
            size = (image.shape[1], image.shape[0])
            self._file = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*CODEC), self._fps, size)
            if not self._file.isOpened():
                raise OSError("OpenCV cannot open it for writing")
        self._file.write(np.ascontiguousarray(image[..., ::-1]))


def _require_whole(path: Path, count: int, *, named: Path) -> None:
    """OpenCV does not tell of a full disk: the file is read again."""
    capture = open_capture(path)
    try:
        held = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.set(cv2.CAP_PROP_POS_FRAMES, max(0, count - 1))
        if held != count or not capture.read()[0]:
            raise OutputError(
                f"cannot be written whole ({held} of {count} frames); nothing of it was kept", path=named,
                remedy="see whether the disk is full, or choose another place (--overlay)",
            )  # fmt: skip
    finally:
        capture.release()
