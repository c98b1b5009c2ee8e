"""Tables against stores, before anything is trained: every video has features, every row lies inside its video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feature_store.fingerprint import FAMILIES
from feature_store.store import FeatureStore
from hawkeye_core.errors import AnnotationError, ConfigError
from hawkeye_core.training.stage1.table import Table

MARGIN_PX = 1.0
"""How far a box may leave its image: annotators' boxes are fractions of pixels, image sizes are not."""


def require_features(store: FeatureStore, table: Table, *, kind: str) -> None:
    """Check that every video of a table has all families of features.

    Raises:
        AnnotationError: Some have none; it names how many, the first, and its line.
    """
    if not len(table):
        return
    held = set(store.videos(families=FAMILIES))
    missing = [number for number, video in enumerate(table.videos) if video not in held]
    if missing:
        first = int(np.flatnonzero(table.video_of == missing[0])[0])
        names = ", ".join(table.videos[number] for number in missing[:3])
        raise AnnotationError(
            f"no features of {len(missing)} of {len(table.videos)} {kind} (first: {names}) in {store.url}",
            path=table.where(first),
            remedy="extract them first (`hawkeye extract`), or take their rows out of the table",
        )


def check_regions(store: FeatureStore, table: Table) -> NDArray[np.int64]:
    """Sizes of the images, having checked that every box lies in its image.

    Returns:
        [V, 2] width and height in pixels of each of the table's images.

    Raises:
        AnnotationError: Features are missing, or a box leaves its image by more than a pixel.
    """
    require_features(store, table, kind="images")
    sources = [store.source(video) for video in table.videos]
    sizes = np.array([(source.width, source.height) for source in sources], np.int64).reshape(-1, 2)
    for number in np.flatnonzero(sizes.min(1, initial=1) <= 0):  # the file's header did not say; its frames do
        frames = store.window(table.videos[number], 0, 1, families=("pose",)).frames
        sizes[number] = int(frames.width[0]), int(frames.height[0])
    limit = np.tile(sizes[table.video_of], 2) + MARGIN_PX  # [N, 4]
    wrong = np.flatnonzero(np.any((table.numbers < -MARGIN_PX) | (table.numbers > limit), axis=1))
    if len(wrong):
        row = int(wrong[0])
        width, height = sizes[table.video_of[row]].tolist()
        raise AnnotationError(
            f"box {table.numbers[row].tolist()} leaves the image {table.video(row)!r}, which has {width} x {height} px",
            path=table.where(row),
            remedy="boxes are x1, y1, x2, y2 in pixels of the image that was extracted",
        )
    return sizes


def frames_of_motions(store: FeatureStore, table: Table) -> NDArray[np.int64]:
    """Sampled frames of each motion, the nearest to its times; at least one.

    An end up to one frame behind the clip's is cut off: n frames stand for n / fps seconds up to half a frame.

    Returns:
        [N, 2] first frame, and the one after the last.

    Raises:
        AnnotationError: Features are missing, or a motion starts or ends behind its clip.
    """
    require_features(store, table, kind="motions")
    n_frames = np.array([store.n_frames(video) for video in table.videos], np.int64)[table.video_of]
    fps = np.array([store.source(video).fps for video in table.videos])[table.video_of]
    exact = table.numbers * fps[:, None]
    wrong = np.flatnonzero((exact[:, 1] > n_frames + 1) | (exact[:, 0] >= n_frames))
    if len(wrong):
        row = int(wrong[0])
        start, end = table.numbers[row].tolist()
        raise AnnotationError(
            f"motion from {start} to {end} s, but {table.video(row)!r} lasts {n_frames[row] / fps[row]:.2f} s",
            path=table.where(row),
            remedy="times are seconds of the clip that was extracted",
        )
    start, stop = np.floor(exact + 0.5).astype(np.int64).T
    start = np.minimum(start, n_frames - 1)
    return np.stack([start, np.clip(stop, start + 1, n_frames)], 1)


def require_same_tower(images: FeatureStore, clips: FeatureStore) -> None:
    """Check that vision tokens of two stores come from the same tower; poses may have different sources.

    Raises:
        ConfigError: They do not.
    """
    if images is clips:
        return
    first, second = (store.fingerprints("vision")[store.choose()["vision"]] for store in (images, clips))
    named = ("backend", "version", "weights")
    if [getattr(first, name) for name in named] != [getattr(second, name) for name in named]:
        raise ConfigError(
            f"vision tokens of {images.url} come from {first.backend} ({first.weights}), those of {clips.url} from "
            f"{second.backend} ({second.weights})",
            remedy="extract images and motions with the same `vision` settings",
        )
