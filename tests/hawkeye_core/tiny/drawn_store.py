"""A small world's truth on disk, and a store of its true graphs with random vision tokens."""

from pathlib import Path

import numpy as np

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns, VisionColumns
from feature_store.fingerprint import Fingerprint
from feature_store.records import VideoSource
from feature_store.store import FeatureStore
from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.reconsim.truth_files import write_truth
from hawkeye_core.datasets.reconsim.video import truth_of
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX

WIDTH = 128


def write_world(folder: Path, splits: dict[str, str], *, backend: str = "drawn") -> tuple[Path, Path]:
    """Truth and store of videos of given splits, as a backend's work; returns both places."""
    world, store = folder / "world", folder / "store"
    opened = FeatureStore.open(store, create=True)
    for number, (video, split) in enumerate(splits.items()):
        truth = truth_of(plan_video(number, video=video, split=split, scenario="assault-hit", seconds=6.0, fps=8.0))
        (world / "truth").mkdir(parents=True, exist_ok=True)
        write_truth(truth, world / "truth")
        _add(opened, truth, number, backend)
    return world, store


def _add(store: FeatureStore, truth: VideoTruth, number: int, backend: str) -> None:
    digest = f"{number:064x}"
    source = VideoSource(store.assign_id(f"/v/{truth.video}.mp4", digest), f"/v/{truth.video}.mp4", digest,
                         truth.duration_s, truth.width, truth.height, truth.fps, truth.fps)  # fmt: skip
    frames = np.arange(truth.n_frames, dtype=np.int32)
    size = (np.full(truth.n_frames, side, np.int32) for side in (truth.width, truth.height))
    rows = FrameColumns(frames, frames / truth.fps, frames / truth.fps, *size)
    relations = _relations(truth)
    rng = np.random.default_rng(number)
    vision = VisionColumns(
        rng.normal(size=(truth.n_frames, 4, WIDTH)).astype(np.float16),
        rng.normal(size=(truth.n_frames, WIDTH)).astype(np.float16), relations.n_objects,
        rng.normal(size=(len(relations.object_class), WIDTH)).astype(np.float16),
    )  # fmt: skip
    for family, values in (("pose", _pose(truth)), ("relations", relations), ("vision", vision)):
        with store.writer(source, Fingerprint(family, backend, "1", "truth", {})) as writer:
            writer.append(rows, values)
            writer.commit(status="done")


def _pose(truth: VideoTruth) -> PoseColumns:
    boxes = truth.boxes[:, : truth.n_people]
    there = np.isfinite(boxes[..., 0])
    keypoints = truth.keypoints[there].copy()
    keypoints[..., 2] = keypoints[..., 2] > 0
    score = truth.visible[:, : truth.n_people][there]
    return PoseColumns(there.sum(1).astype(np.int32), keypoints, score, boxes[there], np.full(len(score), -1, np.int32))


def _relations(truth: VideoTruth) -> RelationColumns:
    shown = [np.flatnonzero(np.isfinite(boxes[:, 0])).tolist() for boxes in truth.boxes]
    triplets = [
        [(row.index(s), PREDICATE_INDEX[p], row.index(o)) for s, p, o in truth.triplets(frame)]
        for frame, row in enumerate(shown)
    ]
    entities = [(frame, entity) for frame, row in enumerate(shown) for entity in row]
    flat = np.array([one for row in triplets for one in row], np.int32).reshape(-1, 3)
    return RelationColumns(
        np.array([len(row) for row in shown], np.int32),
        np.array([OBJECT_INDEX[truth.entities[entity]] for _, entity in entities], np.int32),
        np.ones(len(entities), np.float32),
        np.array([truth.boxes[frame, entity] for frame, entity in entities], np.float32),
        np.array([len(row) for row in triplets], np.int32), flat[:, 0].copy(), flat[:, 1].copy(), flat[:, 2].copy(),
        np.ones(len(flat), np.float32),
    )  # fmt: skip
