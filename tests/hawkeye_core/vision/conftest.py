"""Tiny Video-LLaVA and CLIP checkpoints in their true file formats, and frames with objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    VideoLlavaConfig,
    VideoLlavaForConditionalGeneration,
    VideoLlavaVideoProcessor,
)

from hawkeye_core.scene import FrameBatch, FrameRelations

VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "image_size": 56,
    "patch_size": 14,
}


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Models with seeded weights, and the folders they were saved to: whole, in shards, and as CLIP."""
    torch.manual_seed(7)
    root = tmp_path_factory.mktemp("checkpoints")
    text = LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, vocab_size=300,
        num_key_value_heads=4,
    )  # fmt: skip
    video_llava = VideoLlavaForConditionalGeneration(
        VideoLlavaConfig(
            vision_config=CLIPVisionConfig(**VISION), text_config=text, image_token_index=298, video_token_index=299
        )
    ).eval()
    processor = VideoLlavaVideoProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    for name, size in (("whole", "5GB"), ("sharded", "60KB")):
        video_llava.save_pretrained(root / name, max_shard_size=size)
        processor.save_pretrained(root / name)
    texts = CLIPTextConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=100
    )
    clip = CLIPModel(CLIPConfig(text_config=texts.to_dict(), vision_config=CLIPVisionConfig(**VISION).to_dict())).eval()
    clip.save_pretrained(root / "clip")
    vision = CLIPVisionModel(CLIPVisionConfig(**VISION)).eval()
    vision.save_pretrained(root / "clip_vision")
    return SimpleNamespace(root=root, video_llava=video_llava, clip=clip, vision=vision, processor=processor)


MakeBatch = Callable[..., FrameBatch]


@pytest.fixture
def make_batch() -> MakeBatch:
    """Frames of smooth noise, so that a resize has something to do."""

    def make(frames: int = 3, *, height: int = 90, width: int = 160, seed: int = 0) -> FrameBatch:
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (frames, height // 10 + 1, width // 10 + 1, 3))
        images = coarse.repeat(10, 1).repeat(10, 2)[:, :height, :width] + rng.integers(-20, 20, (height, width, 1))
        index = np.arange(frames)
        return FrameBatch(
            video="v",
            index=index,
            time=index / 8,
            pts=index / 8,
            source_index=index,
            images=np.clip(images, 0, 255).astype(np.uint8),
        )

    return make


MakeScene = Callable[[Sequence[Sequence[float]]], FrameRelations]


@pytest.fixture
def make_scene() -> MakeScene:
    """Objects with the given boxes and no relations."""

    def make(boxes: Sequence[Sequence[float]]) -> FrameRelations:
        count, none = len(boxes), np.zeros(0, np.int32)
        return FrameRelations(
            object_class=np.ones(count, np.int32),
            object_score=np.ones(count, np.float32),
            object_box=np.array(boxes, np.float32).reshape(-1, 4),
            subject=none,
            predicate=none,
            object=none,
            score=np.zeros(0, np.float32),
        )

    return make


@pytest.fixture
def copy_of(checkpoints: SimpleNamespace, tmp_path: Path) -> Callable[[str], Path]:
    """A checkpoint folder one may damage."""

    def copy(name: str) -> Path:
        import shutil

        return Path(shutil.copytree(checkpoints.root / name, tmp_path / name))

    return copy
