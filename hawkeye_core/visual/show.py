"""Shows a frame of a feature store, in words or as a picture (``hawkeye store show``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feature_store.fingerprint import Fingerprint
from feature_store.store import FeatureStore
from hawkeye_core.errors import VideoError
from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.video.frame_at import read_frame_at
from hawkeye_core.visual.draw import draw_scene
from hawkeye_core.visual.png import save_png
from hawkeye_core.visual.stored_frame import StoredFrame, load_frame

if TYPE_CHECKING:
    from rich.text import Text


def draw_frame(
    store: FeatureStore, video: str, index: int, *, path: str | Path, people: int | None = 5, min_score: float = 0.1
) -> Path:
    """Draw what the store holds of one frame onto that frame of the source video, and write it as PNG.

    Args:
        store: An open store.
        video: Id of the video.
        index: Number k of the sampled frame.
        path: Where the picture goes.
        people: Draw only this many people, best first; ``None`` for all.
        min_score: Joints that score less are left out.

    Returns:
        The path.

    Raises:
        StoreError: As :func:`load_frame`.
        VideoError: The source file is gone, unreadable, or no longer the one the features were made from.
    """
    stored = load_frame(store, video, index)
    picture = draw_scene(
        _source_image(stored),
        pose=stored.pose,
        relations=stored.relations,
        object_names=EXTENDED_OBJECT_CLASSES,
        predicate_names=PREDICATE_CLASSES,
        caption=[_when(stored), "   ".join(_made_with(stored))],
        untrained=not stored.trained,
        min_joint_score=min_score,
        max_people=people,
    )
    return save_png(path, picture)


def describe_frame(store: FeatureStore, video: str, index: int) -> Text:
    """What the store holds of one frame, as lines of text (``rich`` Text, so that nothing in it reads as markup)."""
    from rich.text import Text

    stored = load_frame(store, video, index)
    width, height = stored.size
    lines = [f"{_when(stored)}, {width} x {height} px", f"file: {stored.source.path}", *_made_with(stored)]
    if not stored.trained:
        lines.append("made with untrained weights: the results mean nothing")
    lines += [*_describe_people(stored), *_describe_relations(stored)]
    return Text("\n".join(lines))


def _source_image(stored: StoredFrame) -> NDArray[np.uint8]:
    """The picture the features were made from; checked by its size and its time."""
    batch = read_frame_at(stored.source.path, index=stored.index, fps=stored.source.fps)
    height, width = batch.images.shape[1:3]
    if (width, height) != stored.size or abs(batch.pts[0] - stored.pts) > 1e-3:
        raise VideoError(
            "is no longer the file the features were made from (another picture size or time)",
            path=stored.source.path,
            remedy="restore the file, or extract it again",
        )
    image: NDArray[np.uint8] = batch.images[0]
    return image


def _when(stored: StoredFrame) -> str:
    return f"{stored.source.video_id}   frame {stored.index}   {stored.time:.3f} s (source frame of {stored.pts:.3f} s)"


def _made_with(stored: StoredFrame) -> list[str]:
    return [f"{family}: {_weights(fingerprint)}" for family, fingerprint in stored.fingerprints.items()]


def _weights(fingerprint: Fingerprint) -> str:
    """Backend and weights in a few words; of a checksum the first digits."""
    weights = fingerprint.weights
    return f"{fingerprint.backend}, {weights[:15] if weights.startswith('sha256:') else weights}"


def _describe_people(stored: StoredFrame) -> Iterator[str]:
    if stored.pose is None:
        return
    yield f"people: {len(stored.pose.score)}"
    for i, (score, box) in enumerate(zip(stored.pose.score, stored.pose.box, strict=True)):
        yield f"  #{i + 1}  score {score:.2f}  box {_box(box)}"


def _describe_relations(stored: StoredFrame) -> Iterator[str]:
    found = stored.relations
    if found is None:
        return
    names = [EXTENDED_OBJECT_CLASSES[index] for index in found.object_class]
    yield f"objects: {len(names)}"
    for i, (name, score, box) in enumerate(zip(names, found.object_score, found.object_box, strict=True)):
        yield f"  {i + 1} {name}  score {score:.2f}  box {_box(box)}"
    yield f"relations: {len(found.score)}"
    for subject, predicate, thing, score in zip(found.subject, found.predicate, found.object, found.score, strict=True):
        relation = f"{names[subject]} ({subject + 1}) {PREDICATE_CLASSES[predicate]} {names[thing]} ({thing + 1})"
        yield f"  {relation}  score {score:.2f}"


def _box(box: NDArray[np.float32]) -> str:
    return " ".join(f"{value:.0f}" for value in box)
