"""What keeps the small pose and relation networks short of their goals: results split by what is in the picture.

    python tests/benchmarks/small_limits.py [--frames 300]

The package's weights and the preset `tiny` on drawn held-out frames. For poses: the object keypoint similarity of the
best found person for each true one, by size and by how much of the person is hidden, and the share of error by joint.
For relations: the share of true triplets whose two boxes were found, of those whose classes were right too, and of
those whose predicate was.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools.cocoeval import Params
from rich.console import Console
from rich.table import Table
from torchvision.ops import box_iou

from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.pose.coco_keypoints import COCO_JOINTS
from hawkeye_core.pose.higherhrnet import HigherHRNetBackend
from hawkeye_core.relation.reltr_backend import RelTRBackend
from hawkeye_core.relation.vocabulary import OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.settings import load_settings
from hawkeye_core.tiny.held_out import held_out_frames
from hawkeye_core.tiny.keypoint_ap import AREA_OF_BOX, frames_of
from hawkeye_core.tiny.pose_samples import who_counts
from hawkeye_core.tiny.relation_targets import MIN_VISIBLE, alike

SIGMAS = Params("keypoints").kpt_oks_sigmas
"""COCO's, of each joint."""
AT_ONCE = 16
console = Console(highlight=False)


def main() -> None:
    """Measure, print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    frames = held_out_frames(parser.parse_args().frames)
    torch.set_num_threads(1)
    preset = load_settings(ExtractSettings, config="tiny", package="hawkeye_core.extraction")
    batches = [frames_of([f.image for f in frames[i : i + AT_ONCE]]) for i in range(0, len(frames), AT_ONCE)]
    poses = [pose for batch in batches for pose in HigherHRNetBackend(preset.pose).detect(batch)]
    graphs = [graph for batch in batches for graph in RelTRBackend(preset.relations).detect(batch)]
    show_poses(frames, poses)
    show_relations(frames, graphs)


def similarity(truth: NDArray[np.float32], found: NDArray[np.float32], area: float) -> NDArray[np.float64]:
    """[N, 17] of every found person to a true one; NaN for joints that are not labelled."""
    squared = ((found[..., :2] - truth[:, :2]) ** 2).sum(-1)
    value = np.exp(-squared / (2 * np.maximum(area, 1.0) * (2 * SIGMAS) ** 2))
    return np.where(truth[:, 2] > 0, value, np.nan)


def show_poses(frames: tuple, poses: list) -> None:
    groups: dict[str, list[float]] = defaultdict(list)
    joints: list[NDArray[np.float64]] = []
    for frame, pose in zip(frames, poses, strict=True):
        for person in np.flatnonzero(who_counts(frame)).tolist():
            x1, y1, x2, y2 = frame.boxes[person].tolist()
            each = similarity(frame.keypoints[person], pose.keypoints, AREA_OF_BOX * (x2 - x1) * (y2 - y1))
            oks = np.nanmean(each, axis=1) if len(each) else np.zeros(1)
            best = float(oks.max())
            if best >= 0.5:
                joints.append(each[int(oks.argmax())])
            side, seen = max(x2 - x1, y2 - y1), float((frame.keypoints[person, :, 2] == 2).mean())
            size = "below 60" if side < 60 else "60 to 80" if side < 80 else "from 80 on"
            sight = "all" if seen > 0.99 else "from 60 %" if seen >= 0.6 else "below 60 %"
            groups[f"longer side {size} px"].append(best)
            groups[f"joints in sight: {sight}"].append(best)
            groups["all"].append(best)
    table = Table("people", "number", "found (OKS >= 0.5)", "OKS >= 0.75", "mean OKS of those found", title="poses")
    for name in sorted(groups):
        values = np.array(groups[name])
        hit = values >= 0.5
        table.add_row(
            name, str(len(values)), f"{hit.mean():.2f}", f"{(values >= 0.75).mean():.2f}", f"{values[hit].mean():.3f}"
        )
    console.print(table)
    mean = np.nanmean(np.stack(joints), axis=0)
    console.print("similarity by joint: " + ", ".join(f"{n} {v:.2f}" for n, v in zip(COCO_JOINTS, mean, strict=True)))


def show_relations(frames: tuple, graphs: list) -> None:
    counts: dict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(4, np.int64))
    for frame, graph in zip(frames, graphs, strict=True):
        overlap = np.zeros((len(frame.boxes), len(graph.object_box)))
        if len(graph.object_box):
            boxes = torch.from_numpy(np.nan_to_num(frame.boxes, nan=-1.0))
            overlap = box_iou(boxes, torch.from_numpy(graph.object_box)).numpy()
        classes = alike(np.array([OBJECT_INDEX[name] for name in frame.entities], np.int64))
        found = alike(graph.object_class.astype(np.int64))
        for s, name, o in frame.triplets:
            if min(frame.visible[s], frame.visible[o]) < MIN_VISIBLE:
                continue
            near = [overlap[e] >= 0.5 for e in (s, o)]
            same = [n & (found == classes[e]) for n, e in zip(near, (s, o), strict=True)]
            said = (graph.predicate == PREDICATE_INDEX[name]) & same[0][graph.subject] & same[1][graph.object]
            row = np.array([1, near[0].any() and near[1].any(), same[0].any() and same[1].any(), said.any()])
            small = min(np.prod(frame.boxes[e, 2:] - frame.boxes[e, :2]) for e in (s, o)) < 400
            counts["all"] += row
            counts["smaller thing below 20 x 20 px" if small else "both larger"] += row
    table = Table(
        "true triplets", "number", "both boxes found", "and classes right", "and predicate", title="relations"
    )
    for name, (number, *steps) in sorted(counts.items()):
        table.add_row(name, str(number), *(f"{step / number:.2f}" for step in steps))
    console.print(table)


if __name__ == "__main__":
    main()
