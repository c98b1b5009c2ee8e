"""Truth as results computed elsewhere: what the `sidecar` backends import, for a store of perfect graphs.

A model trained on this store beside one trained on the store of the networks says how much the networks cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.datasets.reconsim.world import World
from hawkeye_core.pose.coco_keypoints import PERSON

FOLDER = "sidecars"

HIDDEN_SCORE = 0.5
"""Score of a joint that something hides; a seen one has 1, one outside the picture 0."""

MIN_VISIBLE = 0.1
"""People of whom less is seen are left out: no network could find them."""


def write_sidecars(truth: VideoTruth, folder: str | Path) -> tuple[Path, Path]:
    """Write ``pose/<video>.json`` (COCO keypoint results) and ``relations/<video>.json`` (triplets with boxes).

    Frames are numbered as in the video file.

    Returns:
        Both paths.
    """
    folder = Path(folder)
    pose = write_text(folder / "pose" / f"{truth.video}.json", json.dumps(pose_results(truth)))
    relations = write_text(folder / "relations" / f"{truth.video}.json", json.dumps(relation_frames(truth)))
    return pose, relations


def write_world_sidecars(world: World, *, progress: Callable[[int, str], None] | None = None) -> Path:
    """Write those of a drawn world that are missing into its folder ``sidecars``; returns the folder.

    Args:
        world: Drawn.
        progress: Called after each video with how many are done and the name of the last.

    Raises:
        SidecarError: The truth of a video is missing.
    """
    folder = world.folder / FOLDER
    for done, item in enumerate(world.videos, 1):
        if not (folder / "relations" / f"{item.video}.json").exists():  # the one that is written last
            write_sidecars(read_truth(world.truth_folder, item.video), folder)
        if progress is not None:
            progress(done, item.video)
    return folder


def pose_results(truth: VideoTruth) -> list[dict[str, Any]]:
    """COCO keypoint results of all frames."""
    score = np.choose(truth.keypoints[..., 2].astype(int), [0.0, HIDDEN_SCORE, 1.0])  # [T, P, J]
    people = truth.visible[:, : truth.n_people] >= MIN_VISIBLE
    found = []
    for frame, person in np.argwhere(people & (score > 0).any(-1)).tolist():
        x1, y1, x2, y2 = truth.boxes[frame, person].tolist()
        joints = np.concatenate([truth.keypoints[frame, person, :, :2], score[frame, person, :, None]], -1)
        found.append(
            {
                "image_id": frame,
                "category_id": PERSON,
                "score": round(float(truth.visible[frame, person]), 4),
                "bbox": [round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2)],
                "keypoints": np.round(joints, 2).ravel().tolist(),
            }
        )
    return found


def relation_frames(truth: VideoTruth) -> dict[str, Any]:
    """Triplets of all frames."""
    boxes = np.round(truth.boxes, 2)

    def thing(frame: int, entity: int) -> dict[str, Any]:
        return {"class": truth.entities[entity], "box": boxes[frame, entity].tolist()}

    return {
        "frames": [
            {
                "frame": frame,
                "relations": [
                    {"subject": thing(frame, s), "predicate": predicate, "object": thing(frame, o)}
                    for s, predicate, o in truth.triplets(frame)
                ],
            }
            for frame in range(truth.n_frames)
        ]
    }
