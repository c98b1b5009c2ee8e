"""One window seen otherwise: mirrored, nearer, moved; less sure; or with the picture's tokens of another window.

A few hundred videos are soon known by heart: by their places, which the picture's tokens tell, and by where in the
frame things are. What graphs say has to be read from them once neither can be relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from feature_store.window import VisionTensors, Window
from hawkeye_core.tiny.relation_targets import alike
from hawkeye_core.training.geometry import otherwise
from hawkeye_core.training.graph_noise import LEVELS, NoiseLevels, noisy_graph, noisy_pose

CLEAN = 0.2
"""Share of windows whose graphs are left as sure as they are."""
ALIKE = 0.7
"""Share of windows in which people are of one class."""


def varied(windows: Sequence[Window], rng: np.random.Generator, *, exchanged: float) -> list[Window]:
    """Windows with other geometry, and some with the picture's tokens of another one of them.

    Args:
        windows: With all three families.
        rng: Chooses.
        exchanged: Share of the windows whose tokens are another's.
    """
    found = [otherwise(window, rng) for window in windows]
    tokens = [window.vision for window in found]
    for number, window in enumerate(found):
        if rng.random() < exchanged and window.vision is not None:
            other = tokens[int(rng.integers(len(tokens)))]
            if other is not None:
                found[number] = replace(window, vision=with_tokens_of(window.vision, other, rng))
    return found


def with_tokens_of(own: VisionTensors, other: VisionTensors, rng: np.random.Generator) -> VisionTensors:
    """Another window's tokens, from its beginning again where it is shorter; objects get tokens of random objects."""
    frames = torch.arange(len(own.n_objects)) % len(other.n_objects)
    given = other.object_tokens if len(other.object_tokens) else own.object_tokens
    chosen = torch.from_numpy(rng.integers(max(len(given), 1), size=len(own.object_tokens)))
    return replace(
        own, frame_tokens=other.frame_tokens[frames], masked_token=other.masked_token[frames],
        object_tokens=given[chosen] if len(given) else own.object_tokens,
    )  # fmt: skip


def noisy(
    window: Window, rng: np.random.Generator, *, levels: NoiseLevels = LEVELS, most: float = 1.0
) -> Window:  # fmt: skip
    """A window with pose and relations of a random level of uncertainty up to ``most``; the frames' own tokens stay.

    Men and women are mostly one class, as the small RelTR finds them.
    """
    if window.pose is None or window.relations is None or window.vision is None:
        raise ValueError("graphs are made uncertain in windows with all three families")
    relations = window.relations
    if rng.random() < ALIKE:
        classes = alike(relations.object_class.numpy()).astype(np.int32)
        relations = replace(relations, object_class=torch.from_numpy(classes))
    if rng.random() < CLEAN:
        return replace(window, relations=relations)
    of_pose, of_graph = (most * rng.random(2)).tolist()
    pose = noisy_pose(window.pose, rng, level=of_pose, levels=levels)
    relations, vision = noisy_graph(relations, window.vision, rng, level=of_graph, levels=levels)
    return replace(window, pose=pose, relations=relations, vision=vision)
