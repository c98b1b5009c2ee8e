from pathlib import Path

import cv2
import numpy as np
import pytest

from hawkeye_core.datasets.reconsim.contact_sheet import contact_sheet
from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.statistics import statistics_of
from hawkeye_core.datasets.reconsim.truth_files import read_truth, write_truth
from hawkeye_core.datasets.reconsim.video import frames, truth_of, write_video
from hawkeye_core.errors import SidecarError

PLAN = plan_video(2, video="v", split="test", scenario="assault-hit", variants=["anomalous"], seconds=6.0, fps=4.0)


def test_truth_fits_the_picture() -> None:
    truth = truth_of(PLAN)
    t, p, e = PLAN.n_frames, len(PLAN.people), len(PLAN.entities)
    assert truth.keypoints.shape == (t, p, 17, 3)
    assert truth.boxes.shape == (t, e, 4)
    assert truth.body.shape == (t, p, 22, 3)
    assert truth.visible.shape == (t, e)
    assert (truth.n_frames, truth.n_people, truth.entities) == (t, p, PLAN.entities)
    there = np.isfinite(truth.boxes[..., 0])
    boxes = truth.boxes[there]
    assert there.any()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= PLAN.width).all()
    assert (boxes[:, 3] <= PLAN.height).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    seen = truth.keypoints[..., 2] == 2
    assert seen.any()
    inside = truth.keypoints[seen][:, :2]
    assert (inside >= 0).all()
    assert (inside <= [PLAN.width, PLAN.height]).all()
    assert any(truth.triplets(frame) for frame in range(t))


def test_frames_are_the_pictures_of_the_video_and_a_function_of_the_plan() -> None:
    first = list(frames(PLAN))
    assert len(first) == PLAN.n_frames
    assert first[0].shape == (240, 320, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, frames(PLAN), strict=True))


def test_a_file_holds_the_frames(tmp_path: Path) -> None:
    truth = write_video(PLAN, tmp_path / "v.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
    video = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(4.0)
    pictures = []
    while (read := video.read())[0]:
        pictures.append(read[1])
    assert len(pictures) == truth.n_frames
    drawn = next(frames(PLAN))
    assert np.abs(pictures[0].astype(float) - drawn).mean() < 12  # the codec loses some


def test_truth_survives_its_files(tmp_path: Path) -> None:
    truth = truth_of(PLAN)
    write_truth(truth, tmp_path)
    found = read_truth(tmp_path, "v")
    for name in ("keypoints", "boxes", "visible", "body"):
        np.testing.assert_array_equal(getattr(found, name), getattr(truth, name))
    for name in ("entities", "actions", "relations", "segments", "scenario", "view", "description", "fps", "split"):
        assert getattr(found, name) == getattr(truth, name)
    (tmp_path / "v.npz").write_bytes(b"cut")
    with pytest.raises(SidecarError, match="no truth of a video here"):
        read_truth(tmp_path, "v")
    with pytest.raises(SidecarError, match=r"other\.json"):
        read_truth(tmp_path, "other")


def test_a_sheet_frames_anomalous_moments_red() -> None:
    sheet = contact_sheet([PLAN], columns=3, only_acts=True, labels=True)
    assert sheet.shape == (240 + 6 + 16, 3 * 326, 3)
    assert sheet[20, 0].tolist() == [40, 40, 230]
    quiet = plan_video(2, video="v", split="test", scenario="assault-hit", variants=[], seconds=6.0)
    assert contact_sheet([quiet], columns=1)[20, 0].tolist() == [70, 70, 70]


def test_statistics_count_the_plans() -> None:
    quiet = plan_video(3, video="q", split="test", scenario="arson", variants=[])
    counted = statistics_of([PLAN, quiet])
    assert (counted.videos, counted.segments, counted.anomalous_videos) == (2, 1, 1)
    assert counted.seconds == 18.0
    assert counted.segments_per_video == 0.5
    assert counted.categories == {"assault": 1}
    assert counted.acts == {"anomalous": 1}
    assert counted.actions["hit"] == pytest.approx(counted.anomalous_seconds, abs=0.01)
