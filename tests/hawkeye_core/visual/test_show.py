"""A frame of a store in words and as a picture, on a video made here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns
from feature_store.errors import StoreError, VideoUnknownError
from feature_store.fingerprint import Fingerprint
from feature_store.records import VideoSource
from feature_store.store import FeatureStore
from hawkeye_core.errors import VideoError, VideoMissingError
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.video.sampling import FrameSampler
from hawkeye_core.visual.palette import WARNING
from hawkeye_core.visual.show import describe_frame, draw_frame

WIDTH, HEIGHT = 96, 64


def write_video(path: Path, *, seconds: int = 1, shade: int = 60) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 8, (WIDTH, HEIGHT))
    for _ in range(8 * seconds):
        writer.write(np.full((HEIGHT, WIDTH, 3), shade, np.uint8))
    writer.release()
    return path


def pose_columns(frames: int) -> PoseColumns:
    """One person a frame, at x = 30 + frame."""
    keypoints = np.full((frames, 17, 3), 0.9, np.float32)
    keypoints[..., 0] = 30 + np.arange(frames)[:, None]
    keypoints[..., 1] = 20 + np.arange(17)
    box = np.tile(np.array([20, 10, 50, 50], np.float32), (frames, 1))
    ones = np.ones(frames, np.int32)
    return PoseColumns(ones, keypoints, np.full(frames, 0.75, np.float32), box, np.zeros(frames, np.int32))


def relation_columns(frames: int) -> RelationColumns:
    """A man holding a phone in every frame."""
    classes = np.tile(np.array([OBJECT_INDEX["man"], OBJECT_INDEX["phone"]], np.int32), frames)
    box = np.tile(np.array([[20, 10, 50, 50], [60, 30, 80, 50]], np.float32), (frames, 1))
    ones, zeros = np.ones(frames, np.int32), np.zeros(frames, np.int32)
    held = np.full(frames, PREDICATE_INDEX["holding"], np.int32)
    score = np.full(2 * frames, 0.5, np.float32)
    return RelationColumns(2 * ones, classes, score, box, ones, zeros, held, ones, np.full(frames, 0.25, np.float32))


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """A store with one video: trained poses, untrained relations."""
    path = write_video(tmp_path / "clip.mp4")
    batches = list(FrameSampler(path))
    frames = sum(map(len, batches))
    store = FeatureStore.open(tmp_path / "store", create=True)
    source = VideoSource(store.assign_id(str(path), "a" * 64), str(path), "a" * 64, 1.0, WIDTH, HEIGHT, 8.0)
    rows = FrameColumns(
        frame=np.arange(frames, dtype=np.int32),
        time=np.concatenate([batch.time for batch in batches]),
        pts=np.concatenate([batch.pts for batch in batches]),
        width=np.full(frames, WIDTH, np.int32),
        height=np.full(frames, HEIGHT, np.int32),
    )
    made = [
        (Fingerprint("pose", "higherhrnet", "1", "sha256:0123456789abcdef"), pose_columns(frames)),
        (Fingerprint("relations", "reltr", "1", "untrained"), relation_columns(frames)),
    ]
    for fingerprint, columns in made:
        with store.writer(source, fingerprint) as writer:
            writer.append(rows, columns)
            writer.commit()
    return store


def test_the_frame_rate_is_that_of_the_features_shown(store: FeatureStore, tmp_path: Path) -> None:
    columns = store.window_numpy("clip", 0, 4, families=("pose",))
    old = store.source("clip")
    other = VideoSource("other", str(tmp_path / "other.mp4"), "b" * 64, 1.0, WIDTH, HEIGHT, 8.0)
    slower = replace(old, fps=4.0)
    for source, version in ((other, "1"), (slower, "2")):  # version 1 has all videos, so it is the one to show
        weights = "sha256:0123456789abcdef"
        with store.writer(source, Fingerprint("pose", "higherhrnet", version, weights)) as writer:
            writer.append(columns.frames, columns.pose)
            writer.commit()
    assert store.source("clip").fps == 4
    assert draw_frame(store, "clip", 3, path=tmp_path / "frame.png").is_file()


def test_words(store: FeatureStore) -> None:
    text = describe_frame(store, "clip", 3).plain
    assert "clip   frame 3   0.375 s (source frame of 0.375 s), 96 x 64 px" in text
    assert "pose: higherhrnet, sha256:01234567" in text
    assert "untrained weights: the results mean nothing" in text
    assert "#1  score 0.75  box 20 10 50 50" in text
    assert "man (1) holding phone (2)  score 0.25" in text


def test_picture(store: FeatureStore, tmp_path: Path) -> None:
    path = draw_frame(store, "clip", 3, path=tmp_path / "out" / "frame.png")
    drawn = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert drawn.shape[1] == 4 * WIDTH
    assert drawn.shape[0] > 4 * HEIGHT
    assert (drawn == WARNING).all(axis=2).any()  # one of the two families is untrained
    assert (np.abs(drawn[8:24, 8:24].astype(int) - 60) < 6).all()  # the frame itself, where nothing is drawn
    other = draw_frame(store, "clip", 6, path=tmp_path / "other.png")
    assert other.read_bytes() != path.read_bytes()


def test_unknown_video_and_frame(store: FeatureStore, tmp_path: Path) -> None:
    with pytest.raises(VideoUnknownError):
        describe_frame(store, "clop", 0)
    with pytest.raises(StoreError):
        describe_frame(store, "clip", 8)


def test_source_gone(store: FeatureStore, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").unlink()
    assert "people: 1" in describe_frame(store, "clip", 0).plain  # words need no video
    with pytest.raises(VideoMissingError, match=r"clip\.mp4: no such file"):
        draw_frame(store, "clip", 0, path=tmp_path / "x.png")


def test_source_replaced(store: FeatureStore, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 8, (64, 64))
    for _ in range(8):
        writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.release()
    with pytest.raises(VideoError, match="no longer the file"):
        draw_frame(store, "clip", 0, path=tmp_path / "x.png")
