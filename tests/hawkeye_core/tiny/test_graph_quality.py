"""Graphs of a store against the truth: perfect ones, and faults of known size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns
from feature_store.window import WindowColumns
from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.reconsim.video import truth_of
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.tiny.graph_quality import graph_quality

SCENARIO = "assault-hit"


@pytest.fixture(scope="module")
def truth() -> VideoTruth:
    return truth_of(plan_video(11, video="v", split="test", scenario=SCENARIO, seconds=6.0, fps=4.0))


class Stored:
    """A store of one video whose graphs are the truth, with faults."""

    def __init__(self, truth: VideoTruth, *, shift_px: float = 0.0, predicate: str | None = None) -> None:
        self.truth, self.shift, self.predicate = truth, shift_px, predicate

    def n_frames(self, video: str) -> int:
        assert video == self.truth.video
        return self.truth.n_frames

    def window_numpy(self, video: str, start: int, stop: int, *, families: tuple[str, ...]) -> WindowColumns:
        assert (start, stop, families) == (0, self.truth.n_frames, ("pose", "relations"))
        frames = np.arange(stop)
        columns = FrameColumns(
            frames.astype(np.int32), frames / 4, frames / 4, *(np.full(stop, s, np.int32) for s in (320, 240))
        )
        return WindowColumns(video, start, stop, columns, self._pose(), self._relations(), None)

    def _pose(self) -> PoseColumns:
        truth = self.truth
        there = np.isfinite(truth.boxes[:, : truth.n_people, 0])  # [T, P]
        keypoints = truth.keypoints[there].copy()
        keypoints[..., 2] = keypoints[..., 2] > 0
        keypoints[..., 0] += self.shift
        boxes = truth.boxes[:, : truth.n_people][there] + np.float32(self.shift) * np.array([1, 0, 1, 0], np.float32)
        score = truth.visible[:, : truth.n_people][there]
        return PoseColumns(there.sum(1).astype(np.int32), keypoints, score, boxes, np.full(len(score), -1, np.int32))

    def _relations(self) -> RelationColumns:
        truth = self.truth
        objects, relations = [], []
        for frame in range(truth.n_frames):
            there = np.flatnonzero(np.isfinite(truth.boxes[frame, :, 0]) & (truth.visible[frame] >= 0.3)).tolist()
            objects.append(there)
            relations.append([(there.index(s), p, there.index(o)) for s, p, o in truth.triplets(frame)])
        flat = [(frame, entity) for frame, row in enumerate(objects) for entity in row]
        triplets = [item for row in relations for item in row]
        boxes = np.array([truth.boxes[f, e] for f, e in flat], np.float32)
        boxes[:, [0, 2]] += self.shift
        named = [PREDICATE_INDEX[self.predicate or p] for _, p, _ in triplets]
        return RelationColumns(
            np.array([len(row) for row in objects], np.int32),
            np.array([OBJECT_INDEX[truth.entities[e]] for _, e in flat], np.int32),
            np.ones(len(flat), np.float32), boxes, np.array([len(row) for row in relations], np.int32),
            np.array([s for s, _, _ in triplets], np.int32), np.array(named, np.int32),
            np.array([o for _, _, o in triplets], np.int32), np.ones(len(triplets), np.float32),
        )  # fmt: skip


def test_perfect_graphs_are_perfect(truth: VideoTruth) -> None:
    found = graph_quality(Stored(truth), [truth])  # type: ignore[arg-type]
    assert found.keypoint_ap > 0.99
    assert found.box_ap50 == pytest.approx(1.0)
    assert found.recall == pytest.approx(1.0)
    assert found.frames == truth.n_frames


def test_wrong_predicates_cost_recall_only(truth: VideoTruth) -> None:
    found = graph_quality(Stored(truth, predicate="flying in"), [truth])  # type: ignore[arg-type]
    assert found.recall == 0.0
    assert found.box_ap50 == pytest.approx(1.0)


def test_misplaced_joints_and_boxes_cost_both(truth: VideoTruth) -> None:
    near, far = (graph_quality(Stored(truth, shift_px=s), [truth]) for s in (3.0, 300.0))  # type: ignore[arg-type]
    assert 0 < near.keypoint_ap < 0.99
    assert (far.keypoint_ap, far.box_ap50, far.recall) == (0.0, 0.0, 0.0)


def test_a_shorter_store_is_compared_as_far_as_it_goes(truth: VideoTruth, tmp_path: Path) -> None:
    half = truth.n_frames // 2
    cut = replace(
        truth, keypoints=truth.keypoints[:half], boxes=truth.boxes[:half], visible=truth.visible[:half],
        body=truth.body[:half],
    )  # fmt: skip
    assert graph_quality(Stored(cut), [truth]).frames == half  # type: ignore[arg-type]
