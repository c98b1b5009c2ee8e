"""Pictures of single frames with what the store holds of them, and the same in words (Figure 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feature_store.errors import StoreError, VideoUnknownError
from feature_store.store import FeatureStore
from hawkeye_core.errors import VideoError
from hawkeye_core.evaluation.metrics import FPS
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.video.discover import find_videos
from hawkeye_core.video.sampling import FrameSampler
from hawkeye_core.visual.draw import draw_scene
from hawkeye_core.visual.stored_frame import StoredFrame, load_frame

BLANK = (42, 47, 53)
"""Colour of the canvas where there is no video."""
SHORT_SIDE = 540
"""Pixels of the shorter side that is drawn on."""
TRIPLETS = 3
"""Relations that are said of a frame."""
MAX_SIDE = 4096
"""Largest side of a blank canvas, in pixels; there is no picture of larger frames without their video."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One frame.

    Args:
        time_s: Its instant.
        image: [H, W, 3] uint8 RGB, drawn on.
        words: What is seen: people, objects, relations.
    """

    time_s: float
    image: NDArray[np.uint8]
    words: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Frames of a video, and where they come from, in words (``note``); none, and why."""

    frames: tuple[Picture, ...]
    note: str


class FrameSource:
    """Frames of videos, by number of the sampled frame.

    Args:
        store: With skeletons, boxes and relations; None: pictures without them.
        videos: Folder of the video files; None: graphs on a blank canvas.

    Raises:
        VideoMissingError: ``videos`` holds no video.
    """

    def __init__(self, store: FeatureStore | None, videos: str | None) -> None:
        self.store = store
        self.files: dict[str, Path] = {}
        for path in find_videos([videos]) if videos else ():
            self.files.setdefault(path.stem, path)

    def pictures(self, video: str, times: Sequence[float]) -> Pictures:
        """Frames nearest to some instants, in their order; graphs from the store drawn on them.

        Args:
            video: Its id, the stem of its file.
            times: Seconds, rising.
        """
        stored, reasons = self._stored(video, times)
        rate = next(iter(stored.values())).source.fps if stored else FPS
        indices = [round(time * rate) for time in times]
        images: Mapping[int, NDArray[np.uint8]] = {}
        path = self.files.get(video)
        if path is not None:
            try:
                images = read_frames(path, indices, fps=rate)
            except VideoError as error:
                reasons.append(f"{path.name} cannot be read ({error.message})")
        elif self.files:
            reasons.append("its file is not among the videos")
        sizes = {one.size for one in stored.values()}
        other = {index: image for index, image in images.items() if sizes and image.shape[1::-1] not in sizes}
        if other:
            reasons.append("its file has another picture size than the one in the store")
            images = {index: image for index, image in images.items() if index not in other}
        frames = []
        for time, index in zip(times, indices, strict=True):
            drawn = _drawn(stored.get(time), images.get(index))
            if drawn is not None:
                frames.append(Picture(time, drawn, words_of(stored.get(time))))
        return Pictures(tuple(frames), _note(frames, stored, images, reasons))

    def _stored(self, video: str, times: Sequence[float]) -> tuple[dict[float, StoredFrame], list[str]]:
        if self.store is None:
            return {}, ["no feature store was given"]
        try:
            rate, count = self.store.source(video).fps, self.store.n_frames(video)
            return {t: load_frame(self.store, video, min(round(t * rate), count - 1)) for t in times}, []
        except VideoUnknownError:
            return {}, ["the feature store does not have it"]
        except StoreError as error:
            return {}, [f"the feature store is damaged: {error}"]


def read_frames(path: Path, indices: Sequence[int], *, fps: float) -> dict[int, NDArray[np.uint8]]:
    """Sampled frames [H, W, 3] RGB by number, as extraction saw them; those behind the end are missing.

    Raises:
        VideoError: The file cannot be read.
    """
    wanted, found = set(indices), {}
    sampler = FrameSampler(path, fps=fps, batch_size=1, start=min(indices))
    with sampler:
        for number, batch in enumerate(sampler, start=min(indices)):
            if number in wanted:
                found[number] = np.array(batch.images[0], np.uint8)
            if number >= max(indices):
                break
    return found


def words_of(stored: StoredFrame | None) -> str:
    """People, objects and the surest relations of a frame; empty where nothing is known."""
    if stored is None:
        return ""
    parts = []
    if stored.pose is not None:
        parts.append(_count(len(stored.pose.score), "person", "people"))
    found = stored.relations
    if found is not None:
        parts.append(_count(len(found.object_class), "object", "objects"))
        order = np.argsort(-found.score, kind="stable")
        said = dict.fromkeys(
            " ".join((
                EXTENDED_OBJECT_CLASSES[found.object_class[found.subject[i]]], PREDICATE_CLASSES[found.predicate[i]],
                EXTENDED_OBJECT_CLASSES[found.object_class[found.object[i]]],
            ))
            for i in order
        )  # fmt: skip
        parts += list(said)[:TRIPLETS]
    return ", ".join(parts)


def _drawn(stored: StoredFrame | None, image: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """The frame with its graph; on a blank canvas if there is no picture."""
    if stored is None:
        return image
    width, height = stored.size
    if image is None and max(width, height) > MAX_SIDE:
        return None
    if image is None:
        image = np.full((height, width, 3), BLANK, np.uint8)
    return draw_scene(
        image, pose=stored.pose, relations=stored.relations, object_names=EXTENDED_OBJECT_CLASSES,
        predicate_names=PREDICATE_CLASSES, max_people=5, short_side=SHORT_SIDE, untrained=not stored.trained,
    )  # fmt: skip


def _note(
    frames: Sequence[Picture], stored: Mapping[float, StoredFrame], images: Mapping[int, NDArray[np.uint8]],
    reasons: Sequence[str],
) -> str:  # fmt: skip
    because = f" ({'; '.join(reasons)})" if reasons else ""
    if not frames:
        return f"No pictures{because}."
    if stored and images:
        return "Frames of the video with skeletons, boxes and relations of the feature store."
    if stored:
        return f"Skeletons, boxes and relations of the feature store on a blank canvas{because}."
    return f"Frames of the video, nothing drawn{because}."


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
