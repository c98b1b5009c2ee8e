"""How fast ReconSim draws, on one core, against encoding the same frames as mp4 in the same run.

    python tests/benchmarks/bench_reconsim.py [--videos 12] [--repeat 3]

Videos of the world's first seeds, 96 frames of 320 x 240. Frames per CPU second: pictures alone, pictures with labels,
and OpenCV's mp4v encoder on the finished pictures. Setting up a video (plan, camera, background) is printed apart.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from hawkeye_core.datasets.reconsim.plan import plan_video
from hawkeye_core.datasets.reconsim.video import renderer_of

FPS = 8.0


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Least CPU time of several goes."""
    found = []
    for _ in range(repeat):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def measure(seed: int, repeat: int, folder: Path) -> tuple[float, float, float, float]:
    """Frames a second of pictures, of labels and of the encoder; seconds of setting up."""
    begun = time.process_time()
    plan = plan_video(seed, video=f"v{seed}", split="test", fps=FPS)
    renderer = renderer_of(plan)
    moments = plan.moments(plan.times)
    stages = [moments.stage(i) for i in range(plan.n_frames)]
    pictures = [renderer.picture(stages[0], frame=0)]
    ready = time.process_time() - begun
    pictures = [renderer.picture(stage, frame=i) for i, stage in enumerate(stages)]

    def encode() -> None:
        path = str(folder / "clip.mp4")
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"mp4v"), FPS, (plan.width, plan.height))
        for picture in pictures:
            writer.write(picture)
        writer.release()

    def each(draw: Callable[..., object]) -> Callable[[], object]:
        return lambda: [draw(stage, frame=i) for i, stage in enumerate(stages)]

    ways = (each(renderer.picture), each(renderer.draw), encode)
    rates = [plan.n_frames / seconds(work, repeat) for work in ways]
    return rates[0], rates[1], rates[2], ready


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(seed, options.repeat, Path(folder)) for seed in range(options.videos)]
    for name, column in zip(("pictures", "with labels", "mp4v encoder"), zip(*rows, strict=True), strict=False):
        print(f"{name:14} {statistics.median(column):6.0f} frames/s ({min(column):.0f} to {max(column):.0f})")
    ratio = statistics.median(row[0] / row[2] for row in rows)
    print(f"pictures / encoder {ratio:.2f}; setting up a video {statistics.median(row[3] for row in rows):.2f} s")


if __name__ == "__main__":
    main()
