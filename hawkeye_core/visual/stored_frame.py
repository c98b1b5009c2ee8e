"""One frame as the feature store holds it."""

from __future__ import annotations

from dataclasses import dataclass

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns
from feature_store.errors import VideoUnknownError
from feature_store.fingerprint import Family, Fingerprint
from feature_store.records import VideoSource
from feature_store.store import FeatureStore
from feature_store.window import WindowColumns
from hawkeye_core.scene import FramePose, FrameRelations


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """What the store knows of one frame; a family the video lacks is ``None``.

    Args:
        source: The video file.
        index: Number k of the sampled frame.
        time: Its instant, in seconds.
        pts: Presentation time of the source frame, in seconds.
        size: Width and height of the upright frame, in pixels.
        pose: People.
        relations: Objects and relations.
        fingerprints: What made each family that is there.
    """

    source: VideoSource
    index: int
    time: float
    pts: float
    size: tuple[int, int]
    pose: FramePose | None
    relations: FrameRelations | None
    fingerprints: dict[Family, Fingerprint]

    @property
    def trained(self) -> bool:
        """False when any of it was made with random weights."""
        return all(fingerprint.trained for fingerprint in self.fingerprints.values())


def load_frame(store: FeatureStore, video: str, index: int) -> StoredFrame:
    """Read pose and relations of one frame.

    Args:
        store: An open store.
        video: Id of the video.
        index: Number k of the sampled frame.

    Raises:
        VideoUnknownError: The store has no such video, or neither pose nor relations of it.
        StoreError: There is no such frame, or the shard is damaged.
    """
    store.source(video)  # an unknown video is refused
    sources: list[VideoSource] = []
    windows: dict[Family, WindowColumns] = {}
    fingerprints: dict[Family, Fingerprint] = {}
    families: tuple[Family, ...] = ("pose", "relations")
    for family in families:
        try:
            digest = store.choose((family,))[family]
            windows[family] = store.window_numpy(
                video, index, index + 1, families=(family,), fingerprints={family: digest}
            )
        except VideoUnknownError:
            continue
        fingerprints[family] = store.fingerprints(family)[digest]
        record = store.catalog.current((video, family, digest))
        sources.append(record.source if record else store.source(video))
    if not windows:
        raise VideoUnknownError(f"{video}: the store has neither poses nor relations of it", remedy="extract it again")
    frames: FrameColumns = next(iter(windows.values())).frames
    return StoredFrame(
        source=sources[0],  # of these very features: a later extraction may have another frame rate
        index=index,
        time=float(frames.time[0]),
        pts=float(frames.pts[0]),
        size=(int(frames.width[0]), int(frames.height[0])),
        pose=_pose(windows["pose"].pose) if "pose" in windows else None,
        relations=_relations(windows["relations"].relations) if "relations" in windows else None,
        fingerprints=fingerprints,
    )


def _pose(columns: PoseColumns | None) -> FramePose | None:
    return None if columns is None else FramePose(columns.keypoints, columns.score, columns.box)


def _relations(columns: RelationColumns | None) -> FrameRelations | None:
    if columns is None:
        return None
    return FrameRelations(
        object_class=columns.object_class,
        object_score=columns.object_score,
        object_box=columns.object_box,
        subject=columns.subject,
        predicate=columns.predicate,
        object=columns.object,
        score=columns.relation_score,
    )
