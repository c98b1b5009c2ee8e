"""What a feature store holds of one frame, in words and as a picture over the source frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feature_store.errors import StoreError, VideoUnknownError
from feature_store.fingerprint import FAMILIES, Family
from feature_store.store import FeatureStore
from hawkeye_core.errors import VideoError
from hawkeye_core.extraction.columns import split_poses, split_relations
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.scene import FramePose, FrameRelations
from hawkeye_core.visual.draw import draw_scene
from hawkeye_core.visual.png import save_png


@dataclass(frozen=True)
class StoredFrame:
    """One frame of a store. A family the store lacks for this video is ``None``.

    Args:
        video: Id of the video.
        frame: Number k of the sampled frame.
        time_s: Seconds, k / fps.
        pts_s: Presentation time of the source frame, seconds.
        size: Width and height in pixels.
        pose: People.
        relations: Scene graph.
        backends: Family -> "backend (weights)".
        untrained: Whether any family comes from random weights.
    """

    video: str
    frame: int
    time_s: float
    pts_s: float
    size: tuple[int, int]
    pose: FramePose | None
    relations: FrameRelations | None
    backends: dict[str, str]
    untrained: bool


def read_stored_frame(store: FeatureStore, video: str, frame: int) -> StoredFrame:
    """Read one frame of every family the store has for the video.

    Raises:
        VideoUnknownError: No such video, or none of its families can be read.
        StoreError: The video has no such frame.
    """
    store.source(video)
    families = tuple(family for family in FAMILIES if _has(store, video, family))
    if not families:
        record = next((record for record in store.records() if record.video_id == video and record.error), None)
        raise VideoUnknownError(
            f"{video}: nothing of it can be read" + (f": {record.error}" if record else ""),
            remedy="run the extraction again",
        )
    window = store.window_numpy(video, frame, frame + 1, families=families)
    digests = store.choose(families)
    prints = {family: store.fingerprints(family)[digest] for family, digest in digests.items()}
    return StoredFrame(
        video=video,
        frame=frame,
        time_s=float(window.frames.time[0]),
        pts_s=float(window.frames.pts[0]),
        size=(int(window.frames.width[0]), int(window.frames.height[0])),
        pose=split_poses(window.pose)[0] if window.pose is not None else None,
        relations=split_relations(window.relations)[0] if window.relations is not None else None,
        backends={family: f"{item.backend} ({item.weights[:14]})" for family, item in prints.items()},
        untrained=not all(item.trained for item in prints.values()),
    )


def describe_frame(store: FeatureStore, video: str, frame: int) -> str:
    """The frame's people, objects and relations as lines of text."""
    found = read_stored_frame(store, video, frame)
    lines = [
        f"{video} frame {frame}: {found.time_s:.3f} s (source frame at {found.pts_s:.3f} s), "
        f"{found.size[0]}x{found.size[1]}" + (", UNTRAINED weights" if found.untrained else ""),
        *(f"{family}: {backend}" for family, backend in found.backends.items()),
    ]
    if found.pose is not None:
        lines.append(f"{len(found.pose.score)} people")
        for score, box in zip(found.pose.score, found.pose.box, strict=True):
            lines.append(f"  score {score:.2f}, box {_corners(box)}")
    if found.relations is not None:
        graph = found.relations
        names = [EXTENDED_OBJECT_CLASSES[i] for i in graph.object_class]
        lines.append(f"{len(names)} objects")
        for name, score, box in zip(names, graph.object_score, graph.object_box, strict=True):
            lines.append(f"  {name} {score:.2f}, box {_corners(box)}")
        lines.append(f"{len(graph.predicate)} relations")
        for subject, predicate, thing, score in zip(
            graph.subject, graph.predicate, graph.object, graph.score, strict=True
        ):
            lines.append(f"  {names[subject]} - {PREDICATE_CLASSES[predicate]} - {names[thing]} {score:.2f}")
    return "\n".join(lines)


def draw_frame(
    store: FeatureStore, video: str, frame: int, *, path: Path, people: int | None = 5, min_score: float = 0.1
) -> Path:
    """Draw a frame's skeletons, boxes and relations over the source picture and write a PNG.

    Args:
        store: The store.
        video: Id of the video.
        frame: Number of the sampled frame.
        path: The PNG to write.
        people: Draw only this many, best first; ``None`` for all.
        min_score: Joints that score less are left out.
    """
    found = read_stored_frame(store, video, frame)
    picture, note = _source_picture(store, found)
    caption = [
        f"{video}  frame {frame}  {found.time_s:.3f} s{note}",
        "  ".join(f"{family}: {backend}" for family, backend in found.backends.items()),
    ]
    image = draw_scene(
        picture,
        pose=found.pose,
        relations=found.relations,
        object_names=EXTENDED_OBJECT_CLASSES,
        predicate_names=PREDICATE_CLASSES,
        caption=caption,
        untrained=found.untrained,
        min_joint_score=min_score,
        max_people=people,
    )
    return save_png(path, image)


def _source_picture(store: FeatureStore, found: StoredFrame) -> tuple[NDArray[np.uint8], str]:
    """The frame of the source video, or a grey one and a note if the video is not there any more."""
    from hawkeye_core.video.sampling import read_frame_at

    source = store.source(found.video)
    try:
        return read_frame_at(source.path, index=found.frame, fps=source.fps).images[0], ""
    except VideoError as error:
        width, height = found.size
        return np.full((height, width, 3), 96, np.uint8), f"  (no picture: {error.message})"


def _has(store: FeatureStore, video: str, family: Family) -> bool:
    try:
        return video in store.videos(families=(family,))
    except StoreError:
        return False


def _corners(box: NDArray[np.float32]) -> str:
    return " ".join(f"{value:.0f}" for value in box)
