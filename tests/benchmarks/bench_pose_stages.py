"""What each stage of the HigherHRNet backend costs, against the network's own passes, on one CPU thread.

    python tests/benchmarks/bench_pose_stages.py [tiny w32-512 ...]

Processor time, best of several runs. The network runs on a black frame and its mirror image; the maps that are decoded
have people planted in them, each with a third of the joints hidden, half of those faintly visible.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from hawkeye_core.pose.aggregate import aggregate
from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.decode import decode
from hawkeye_core.pose.geometry import fit_input
from hawkeye_core.pose.higherhrnet import HigherHRNetBackend

spec = importlib.util.spec_from_file_location(
    "planting", Path(__file__).parents[1] / "hawkeye_core/pose/higherhrnet/conftest.py"
)
planting = importlib.util.module_from_spec(spec)
spec.loader.exec_module(planting)


def milliseconds(call: Callable[[], object], *, runs: int = 5) -> float:
    call()
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def planted_outputs(width: int, height: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network would give for ``count`` people and, with other noise, for the mirror image."""
    draw = np.random.default_rng(3)
    side = min(width, height)
    people, faint = [], []
    for i in range(count):
        hidden = draw.choice(17, 6, replace=False)
        at = (draw.uniform(0.1, 0.9) * width, draw.uniform(0.05, 0.5) * height)
        person = {"id": i, "at": at, "size": 0.5 * side, "tag": 1.5 * i, "amp": 0.9 - 0.01 * i, "hidden": hidden}
        people.append(person)
        faint.append({**person, "amp": 0.2, "hidden": [j for j in range(17) if j not in hidden[::2]]})
    outputs = []
    for seed in (1, 2):
        heats = []
        for cell in (4, 2):
            h, w = height // cell, width // cell
            weak = 0.5 * planting.heat(faint, h, w, seed=seed, cell=cell)  # below the detection threshold
            heats.append(np.maximum(planting.heat(people, h, w, seed=seed, cell=cell), weak))
        maps = [heats[0], planting.tags(people, height // 4, width // 4, seed=seed, cell=4), heats[1]]
        maps = [m[planting.MIRROR][..., ::-1] for m in maps] if seed == 2 else maps
        outputs.append((np.concatenate(maps[:2]), maps[2]))
    coarse, fine = (np.stack(pair) for pair in zip(*outputs, strict=True))
    layout = torch.channels_last
    return torch.from_numpy(coarse).to(memory_format=layout), torch.from_numpy(fine).to(memory_format=layout)


@torch.inference_mode()
def main(sizes: list[str]) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print("| size | frame | people | preprocess ms | network x 2 ms | aggregate ms | decode ms | all but network |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in sizes:
        backend = HigherHRNetBackend(HigherHRNetSettings(size=size, weights="untrained"))
        for width, height in ((480, 360), (768, 432)):
            frame = np.zeros((1, height, width, 3), np.uint8)
            geometry = fit_input(width, height, size=backend._input_size)
            w, h = geometry.input_width, geometry.input_height
            before = milliseconds(lambda: backend._preprocess(frame, geometry))  # noqa: B023
            images = backend._preprocess(frame, geometry)
            network = milliseconds(lambda: backend._network(torch.cat((images, images.flip(3)))), runs=3)  # noqa: B023
            for people in (0, 1, 5, 30):
                coarse, fine = planted_outputs(w, h, people)
                merge = milliseconds(lambda: aggregate(coarse, fine, flipped=True, size=(h, w)))  # noqa: B023
                maps = aggregate(coarse, fine, flipped=True, size=(h, w))
                after = milliseconds(lambda: decode(maps, backend.settings))  # noqa: B023
                part = (before + merge + after) / network
                times = f"{before:.1f} | {network:.0f} | {merge:.1f} | {after:.1f}"
                print(f"| {size} | {width}x{height} | {people} | {times} | {part:.1%} |")


if __name__ == "__main__":
    main(sys.argv[1:] or ["w32-512", "tiny"])
