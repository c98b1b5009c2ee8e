"""Made-up batches for the benchmarks of the model: as many people, objects and relations as real frames have."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.scene_batch import SceneBatch

PEOPLE, OBJECTS, RELATIONS = 5, 10, 8
"""A frame; of people the most that reach the model."""


def make_scene(config: HawkeyeConfig, *, windows: int, frames: int, seed: int = 0, device: str = "cpu") -> SceneBatch:
    """Windows of equal length, all frames full."""
    g = torch.Generator().manual_seed(seed)
    b, t, width = windows, frames, config.vision_width
    s = b * t * OBJECTS
    first = torch.arange(b * t).repeat_interleave(RELATIONS) * OBJECTS

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=g)

    def below(limit: int, count: int) -> Tensor:
        return torch.randint(0, limit, (count,), generator=g)

    corner = rand(b, t, PEOPLE, 2) / 2
    return SceneBatch(
        frame_mask=torch.ones(b, t, dtype=torch.bool), keypoints=rand(b, t, PEOPLE, 17, 3),
        person_box=torch.cat([corner, corner + 0.3], -1), person_mask=torch.ones(b, t, PEOPLE, dtype=torch.bool),
        velocity=rand(b, t, PEOPLE, 17, 2),
        previous=torch.arange(PEOPLE).expand(b, t, PEOPLE),
        frame_tokens=rand(b, t, 4, width), masked_token=rand(b, t, width),
        object_frame=torch.arange(b * t).repeat_interleave(OBJECTS), object_class=below(150, s),
        object_score=rand(s),
        object_box=rand(s, 4), object_tokens=rand(s, width), subject=first + below(OBJECTS, len(first)),
        predicate=below(50, len(first)), object=first + below(OBJECTS, len(first)),
        relation_score=rand(len(first)),
    ).to(device)  # fmt: skip


def make_batch(
    config: HawkeyeConfig, *, windows: int, frames: int, text: int, answer: int, seed: int = 0, device: str = "cpu"
) -> dict[str, Any]:
    """Arguments of ``HawkeyeModel.forward``: scene placeholders, then ``text`` words; the last ``answer`` are learned.

    Words are random: a step costs the same whatever is said.
    """
    g = torch.Generator().manual_seed(seed)
    llava: Any = config.llava_config()
    places = torch.full((windows, 2 * frames), int(llava.video_token_index))
    words = torch.randint(10, llava.text_config.vocab_size - 64, (windows, text), generator=g)
    ids = torch.cat([places, words], 1)
    labels = torch.where(torch.arange(ids.shape[1]) >= ids.shape[1] - answer, ids, -100)
    return {
        "input_ids": ids.to(device), "attention_mask": torch.ones_like(ids).to(device), "labels": labels.to(device),
        "scene": make_scene(config, windows=windows, frames=frames, seed=seed, device=device),
    }  # fmt: skip
