from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from feature_store import FeatureStore, StoreError, VideoSource


def files(store: FeatureStore) -> list[str]:
    root = Path(store.url)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_leaving_without_commit_leaves_nothing(store: FeatureStore, make: SimpleNamespace) -> None:
    with store.writer(make.source(), make.prints()["pose"]) as writer:
        writer.append(make.frames(600), make.pose(600))
    with pytest.raises(RuntimeError, match="stop"), store.writer(make.source(), make.prints()["pose"]) as writer:  # noqa: PT012
        writer.append(make.frames(5), make.pose(5))
        raise RuntimeError("stop")
    assert files(store) == ["hawkeye-store.json"]
    assert store.videos() == []


def test_commit_ends_the_writer(store: FeatureStore, make: SimpleNamespace) -> None:
    with store.writer(make.source(), make.prints()["pose"]) as writer:
        writer.append(make.frames(5), make.pose(5))
        assert writer.n_frames == 5
        record = writer.commit("partial", error="cut off after 0.6 s")
        with pytest.raises(StoreError, match="not open"):
            writer.append(make.frames(5, 5), make.pose(5))
    assert (record.status, record.error, record.n_frames, record.attempt) == ("partial", "cut off after 0.6 s", 5, 1)
    assert store.n_frames("clip", families=("pose",)) == 5


def test_an_empty_commit_is_refused(store: FeatureStore, make: SimpleNamespace) -> None:
    with store.writer(make.source(), make.prints()["pose"]) as writer, pytest.raises(StoreError, match="no frame was"):
        writer.commit()
    assert store.records() == []


def test_frame_numbers_have_no_gaps(store: FeatureStore, make: SimpleNamespace) -> None:
    with store.writer(make.source(), make.prints()["pose"]) as writer:
        writer.append(make.frames(5), make.pose(5))
        with pytest.raises(StoreError, match="frame 6 follows frame 4"):
            writer.append(make.frames(5, 6), make.pose(5))


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("pose", {"score": np.zeros(1, np.float64)}, "pose.score is float64; it must be float32"),
        ("pose", {"keypoints": np.zeros((1, 16, 3), np.float32)}, r"pose.keypoints has shape \(1, 16, 3\)"),
        ("pose", {"n_people": np.array([-1, 1], np.int32)}, "negative count"),
        ("pose", {"n_people": np.array([1], np.int32)}, r"pose.n_people has shape \(1,\)"),
        ("pose", {"previous": np.array([-2], np.int32)}, "below -1"),
        ("relations", {"subject": np.array([2], np.int32)}, "relations.subject points at an object"),
        ("relations", {"object": np.array([-1], np.int32)}, "relations.object points at an object"),
        ("vision", {"masked_token": np.zeros((2, 8), np.float16)}, "vision.frame_tokens has shape"),
        ("vision", {"frame_tokens": np.zeros((2, 0, 16), np.float16)}, "vision.frame_tokens has shape"),
    ],
)
def test_wrong_columns_are_refused(
    store: FeatureStore, make: SimpleNamespace, family: str, change: dict[str, np.ndarray], message: str
) -> None:
    ones = {
        "pose": {"n_people": [1, 0], "keypoints": (1, 17, 3), "score": (1,), "box": (1, 4), "previous": (1,)},
        "relations": {
            "n_objects": [2, 0], "object_class": (2,), "object_score": (2,), "object_box": (2, 4),
            "n_relations": [1, 0], "subject": (1,), "predicate": (1,), "object": (1,), "relation_score": (1,),
        },
        "vision": {"frame_tokens": (2, 4, 16), "masked_token": (2, 16), "n_objects": [1, 0], "object_tokens": (1, 16)},
    }[family]  # fmt: skip
    template = make.makers[family](2)
    columns = {
        name: np.array(value, np.int32) if isinstance(value, list) else np.zeros(value, getattr(template, name).dtype)
        for name, value in ones.items()
    }
    with store.writer(make.source(), make.prints()[family]) as writer:
        writer.append(make.frames(2), type(template)(**columns))  # as it should be
        with pytest.raises(StoreError, match=message):
            writer.append(make.frames(2, 2), type(template)(**(columns | change)))


def test_columns_of_another_family_are_refused(store: FeatureStore, make: SimpleNamespace) -> None:
    with store.writer(make.source(), make.prints()["pose"]) as writer, pytest.raises(StoreError, match="PoseColumns"):
        writer.append(make.frames(2), make.relations(2))


def test_token_shapes_must_not_change(store: FeatureStore, make: SimpleNamespace) -> None:
    vision = make.vision(2)
    wide = replace(
        vision,
        frame_tokens=np.zeros((2, 4, 32), np.float16),
        masked_token=np.zeros((2, 32), np.float16),
        object_tokens=np.zeros((len(vision.object_tokens), 32), np.float16),
    )
    with store.writer(make.source(), make.prints()["vision"]) as writer:
        writer.append(make.frames(2), vision)
        with pytest.raises(StoreError, match="token shapes changed"):
            writer.append(make.frames(2, 2), wide)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video_id": "../x"}, "not a video id"),
        ({"sha256": "xyz"}, "not a SHA-256"),
        ({"duration_s": float("nan")}, "duration_s is nan"),
        ({"width": -1}, "width is -1"),
        ({"fps": 0.0}, "fps is 0"),
    ],
)
def test_absurd_sources_are_refused(make: SimpleNamespace, change: dict[str, object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        replace(make.source(), **change)


def test_writing_over_a_different_shard_forgets_it_first(store: FeatureStore, make: SimpleNamespace) -> None:
    fingerprint = make.prints()["pose"]
    make.fill(store, make.source(), 20, families=("pose",))
    make.fill(store, make.source(content="new"), 30, families=("pose",))
    attempts = sorted((r.attempt, r.status, r.error) for r in store.catalog.records.values())
    assert attempts == [(1, "done", None), (2, "failed", "being replaced"), (3, "done", None)]
    assert store.n_frames("clip", families=("pose",)) == 30
    assert store.find(make.source().sha256, "pose", fingerprint.digest) is None
    assert store.find(make.source(content="new").sha256, "pose", fingerprint.digest) is not None


def test_equal_bytes_are_replaced_without_a_gap(store: FeatureStore, make: SimpleNamespace) -> None:
    for _ in range(2):
        make.fill(store, make.source(), 20, families=("pose",))
    assert [record.status for record in store.catalog.records.values()] == ["done", "done"]


def test_another_videos_id_cannot_be_taken(store: FeatureStore, make: SimpleNamespace) -> None:
    make.fill(store, make.source("x"), 5)
    other: VideoSource = make.source("x", content="other", path="/elsewhere/x.mp4")
    with store.writer(other, make.prints()["pose"]) as writer:
        writer.append(make.frames(4), make.pose(4))
        with pytest.raises(StoreError, match=r"the id 'x' belongs to /videos/x.mp4"):
            writer.commit()
    assert store.n_frames("x") == 5
    assert store.verify() == []


def test_arrays_may_be_used_again_after_append(store: FeatureStore, make: SimpleNamespace) -> None:
    pose = make.pose(10)
    with store.writer(make.source(), make.prints()["pose"]) as writer:
        writer.append(make.frames(10), pose)
        expected = make.pose(10)
        pose.keypoints[:] = 0
        pose.n_people[:] = 0
        writer.commit()
    make.same(store.window_numpy("clip", 0, 10, families=("pose",)).pose, expected)
