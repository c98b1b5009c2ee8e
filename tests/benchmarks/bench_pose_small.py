"""What the small HigherHRNet's options cost and lose: CPU time a frame as ratios to the plain way, and OKS-AP.

    python tests/benchmarks/bench_pose_small.py [--frames 300]

One thread, thresholds of the preset `tiny`, the package's weights, drawn held-out frames. The reference projects
heatmaps to the input's size, in float32. The rows are measured in turn, three times over, and the best of each counts.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import cv2
import torch
from rich.console import Console
from rich.table import Table

from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.pose.higherhrnet import HigherHRNetBackend
from hawkeye_core.scene import FramePose
from hawkeye_core.settings import load_settings
from hawkeye_core.tiny.held_out import held_out_frames
from hawkeye_core.tiny.keypoint_ap import coco_ap, frames_of

AT_ONCE, ROUNDS = 16, 3
ROWS: dict[str, dict[str, Any]] = {
    "projected to the input's size": {"project_to_image": True},
    "the same in bfloat16": {"project_to_image": True, "precision": "bfloat16"},
    "not projected (the preset)": {"project_to_image": False},
    "not projected, in bfloat16": {"project_to_image": False, "precision": "bfloat16"},
}


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    frames = held_out_frames(parser.parse_args().frames)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    preset = load_settings(ExtractSettings, config="tiny", package="hawkeye_core.extraction").pose
    backends = {name: HigherHRNetBackend(preset.model_copy(update=values)) for name, values in ROWS.items()}
    best, found = dict.fromkeys(ROWS, float("inf")), {}
    batches = [frames_of([f.image for f in frames[i : i + AT_ONCE]]) for i in range(0, len(frames), AT_ONCE)]
    for _ in range(ROUNDS):
        for name, backend in backends.items():
            begun = time.process_time()
            poses: list[FramePose] = [pose for batch in batches for pose in backend.detect(batch)]
            best[name] = min(best[name], 1e3 * (time.process_time() - begun) / len(frames))
            found[name] = coco_ap(frames, poses)
    table = Table("", "ms a frame", "of the reference", "OKS-AP", "AP50", title=f"{len(frames)} frames of 320x240")
    first = next(iter(best.values()))
    for name, value in best.items():
        ap = found[name]
        table.add_row(name, f"{value:.1f}", f"{value / first:.2f}", f"{ap['ap']:.3f}", f"{ap['ap50']:.3f}")
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
