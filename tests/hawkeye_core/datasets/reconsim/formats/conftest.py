"""Videos known by heart, and where the real files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reconsim.formats.video import EntityLook, FormatVideo
from hawkeye_core.datasets.reconsim.truth import ActionSpan, RelationSpan, VideoTruth

RED, BLUE, BLACK, WHITE = (40, 40, 200), (200, 60, 40), (20, 20, 20), (235, 235, 235)


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the real annotation files."""
    folder = Path(__file__).parents[6] / "shared/data/annotations"
    if not folder.is_dir():
        pytest.skip("the real annotation files are not beside this checkout")
    return folder


MakeVideo = Callable[..., FormatVideo]


@pytest.fixture
def make_video() -> MakeVideo:
    """Two men, a woman and a car in 40 frames at 8 a second. In frame 0 the second man cannot be seen; the car comes
    in frame 8. The picture of frame k has the grey level k."""

    def make(
        video: str,
        *,
        split: str = "train",
        source: str = "ucf_crime",
        segments: tuple[Segment, ...] = (),
        actions: tuple[ActionSpan, ...] = (),
        light: str = "day",
        relations: tuple[RelationSpan, ...] = (
            RelationSpan(0, "near", 2, 0.0, 9.0),
            RelationSpan(0, "holding", 3, 0.0, 9.0),
        ),
    ) -> FormatVideo:
        frames, people = 40, 3
        rng = np.random.default_rng(len(video))
        boxes = np.array([[20, 40, 60, 140], [130, 42, 168, 141], [240, 45, 280, 150], [70.25, 90.5, 125, 130]])
        boxes = np.tile(boxes[None], (frames, 1, 1)).astype(np.float32)
        boxes += np.arange(frames, dtype=np.float32)[:, None, None] * np.float32(0.25)
        visible = np.full((frames, 4), 0.9, np.float32)
        visible[0, 1], boxes[0, 1] = 0, np.nan
        visible[:8, 3], boxes[:8, 3] = 0, np.nan
        spot = boxes[:, :people, :2].copy()
        joints = spot[:, :, None] + rng.uniform(2, 30, (frames, people, 17, 2)).astype(np.float32)
        keypoints = np.concatenate([joints, np.full((frames, people, 17, 1), 2, np.float32)], -1)
        keypoints[:, :, 3, 2] = 1
        keypoints[:, :, 4] = 0
        keypoints[0, 1] = 0
        truth = VideoTruth(
            video=video, split=split, fps=8.0, width=320, height=240, view="oblique", place="street", light=light,
            scenario="fighting", entities=("man", "man", "woman", "car"), n_people=people, keypoints=keypoints,
            boxes=boxes, visible=visible, body=np.zeros((frames, people, 22, 3), np.float32), actions=actions,
            relations=relations, segments=segments, description="people on a street",
        )  # fmt: skip
        looks = (EntityLook(RED, BLACK), EntityLook(BLUE, BLACK), EntityLook(RED, BLUE), EntityLook(WHITE))
        return FormatVideo(truth, source, looks, lambda frame: np.full((240, 320, 3), frame, np.uint8))

    return make
