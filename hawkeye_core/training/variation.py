"""Training windows that look otherwise each time they are drawn: cropped, mirrored and moved, less sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from hawkeye_core.training.config import VariationSettings
from hawkeye_core.training.geometry import otherwise
from hawkeye_core.training.graph_noise import noisy_graph, noisy_pose
from hawkeye_core.training.windows import WindowDataset, WindowSample, WindowSpec

LEAST_FRAMES = 8
"""Of a cropped window; shorter windows are not cropped."""
_STREAM = 0xA17


class VariedWindows(Dataset[WindowSample]):
    """A data set's windows, varied by a chance that the seed and the place in training decide, and nothing else.

    Which process or worker reads a window, and where a run was interrupted, change nothing.

    Args:
        data: The windows.
        settings: What is varied, and how far.
        seed: Of the run.
    """

    def __init__(self, data: WindowDataset, settings: VariationSettings, *, seed: int) -> None:
        self.data, self.settings, self.seed = data, settings, seed

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, drawn: tuple[int, int]) -> WindowSample:
        index, place = drawn
        rng = np.random.default_rng([_STREAM, self.seed, place])
        sample = self.data.sample(cropped(self.data.specs[index], rng, most=self.settings.crop))
        window = sample.window
        if self.settings.geometry:
            window = otherwise(window, rng)
        if self.settings.noise:
            if window.pose is None or window.relations is None or window.vision is None:
                raise ValueError("graphs are made uncertain in windows with all three families")
            of_pose, of_graph = (self.settings.noise * rng.random(2)).tolist()
            pose = noisy_pose(window.pose, rng, level=of_pose)
            relations, vision = noisy_graph(window.relations, window.vision, rng, level=of_graph)
            window = replace(window, pose=pose, relations=relations, vision=vision)
        return replace(sample, window=window)


def cropped(spec: WindowSpec, rng: np.random.Generator, *, most: float) -> WindowSpec:
    """A window without up to the share ``most`` of its frames, at the beginning, at the end or both."""
    frames = spec.stop - spec.start
    left_out = min(int(frames * most * rng.random()), max(frames - LEAST_FRAMES, 0))
    before = int(rng.integers(left_out + 1))
    return replace(spec, start=spec.start + before, stop=spec.stop - (left_out - before))
