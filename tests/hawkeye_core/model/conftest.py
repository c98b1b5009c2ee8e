"""Made-up scenes and a small model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.tiny import tiny_llava

WIDTH = 16


def scene_of(lengths: list[int], *, seed: int = 0, people: int = 3, objects: int = 3, grid: int = 4) -> SceneBatch:
    """Windows of the given lengths; frame counts of people and objects vary, some are 0."""
    g = torch.Generator().manual_seed(seed)
    b, t, p = len(lengths), max(lengths), max(people, 1)
    mask = torch.arange(t) < torch.tensor(lengths)[:, None]
    corner = torch.rand(b, t, p, 2, generator=g) / 2
    counts = torch.randint(0, objects + 1, (b, t), generator=g) * mask
    frame = torch.repeat_interleave(torch.arange(b * t), counts.flatten())
    s = len(frame)
    # Two relations to the next object of the same frame, where there is one.
    near = torch.tensor([i for i in range(s - 1) if frame[i] == frame[i + 1]] * 2, dtype=torch.long)
    has = (counts > 0)[..., None]
    return SceneBatch(
        frame_mask=mask,
        keypoints=torch.rand(b, t, p, 17, 3, generator=g),
        person_box=torch.cat([corner, corner + 0.1 + torch.rand(b, t, p, 2, generator=g) / 3], -1),
        person_mask=(torch.rand(b, t, p, generator=g) < 0.6) & mask[..., None] & (people > 0),
        velocity=torch.randn(b, t, p, 17, 2, generator=g),
        previous=_previous(b, t, p, g),
        frame_tokens=torch.randn(b, t, grid, WIDTH, generator=g),
        masked_token=torch.randn(b, t, WIDTH, generator=g) * has,
        object_frame=frame,
        object_class=torch.randint(1, 150, (s,), generator=g),
        object_score=torch.rand(s, generator=g),
        object_box=torch.rand(s, 4, generator=g),
        object_tokens=torch.randn(s, WIDTH, generator=g),
        subject=near,
        predicate=torch.randint(1, 50, (len(near),), generator=g),
        object=near + 1,
        relation_score=torch.rand(len(near), generator=g),
    )


def _previous(b: int, t: int, p: int, g: torch.Generator) -> torch.Tensor:
    """Everyone of a frame was somebody else of the frame before, but for some, and for all of the first frame."""
    places = torch.stack([torch.randperm(p, generator=g) for _ in range(b * t)]).view(b, t, p)
    new = (torch.rand(b, t, p, generator=g) < 0.2) | (torch.arange(t) == 0)[:, None]
    return places.masked_fill(new, -1)


@pytest.fixture
def make_scene() -> Callable[..., SceneBatch]:
    return scene_of


@pytest.fixture
def make_config() -> Callable[..., HawkeyeConfig]:
    def make(**changes: Any) -> HawkeyeConfig:
        small = {"action_width": 8, "graph_width": 8, "scene_heads": 2, "expert_layers": 2}
        llava = tiny_llava(vision_width=WIDTH, hidden_size=16, layers=2, heads=2)
        return HawkeyeConfig(llava=llava, **(small | changes))

    return make
