"""Small random models and the windows of a made-up store, to talk about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from feature_store.fingerprint import Fingerprint
from feature_store.records import VideoSource
from feature_store.store import FeatureStore
from hawkeye_core.chat.conversation import Conversation
from hawkeye_core.chat.decode import Greedy, Said
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.hawkeye import HawkeyeModel
from hawkeye_core.model.tiny import byte_tokenizer, tiny_llava
from hawkeye_core.training.annotations import VideoAnnotation
from hawkeye_core.training.windows import WindowDataset

from ..training.conftest import FPS, WIDTH, columns

FRAMES = {"short": 30, "long": 112}
"""At 8 fps, in windows of 32 frames every 20: one window; five, which begin at 0, 2.5, 5, 7.5 and 10 s."""


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat") / "store"
    opened = FeatureStore.open(folder, create=True)
    for seed, (video, frames) in enumerate(FRAMES.items()):
        sha = f"{seed:064x}"
        source = VideoSource(opened.assign_id(f"/v/{video}.mp4", sha), f"/v/{video}.mp4", sha, frames / FPS, 100, 50,
                             FPS, FPS)  # fmt: skip
        rows, families = columns(frames, seed)
        for family, values in families.items():
            with opened.writer(source, Fingerprint(family, "made-up", "1", "untrained", {})) as writer:
                writer.append(rows, values)
                writer.commit(status="done")
    return folder


@pytest.fixture(scope="session")
def windows(store: Path) -> dict[str, WindowDataset]:
    opened = FeatureStore.open(store)
    return {
        video: WindowDataset(opened, [VideoAnnotation(video=video, segments=(), split="test")], length=32, hop=20)
        for video in FRAMES
    }


@pytest.fixture(scope="session")
def make_predictor() -> Callable[..., Predictor]:
    """Random weights as large as trained ones, adapters too: answers depend on the video and on what was said."""

    def make(
        *, seed: int = 0, lora: bool = False, dense: bool = True, context: int = 4096, tokens: int = 24, **changes: Any
    ) -> Predictor:  # fmt: skip
        torch.manual_seed(seed)
        llava = tiny_llava(vision_width=WIDTH, hidden_size=32, layers=2, heads=2, max_length=context)
        small = {"action_width": 8, "graph_width": 8, "scene_heads": 2, "expert_layers": 1}
        model = HawkeyeModel(HawkeyeConfig(llava=llava, lora=lora, dense_head=dense, **small)).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.add_(torch.randn_like(parameter) * (0.05 if ".lora_" in name else 0.15))
        return Predictor(model, byte_tokenizer(), max_new_tokens=tokens, **changes)

    return make


@pytest.fixture
def converse(windows: dict[str, WindowDataset]) -> Callable[..., Conversation]:
    def make(predictor: Predictor, video: str = "short", **options: Any) -> Conversation:
        data = windows[video]
        return Conversation(predictor, data.specs, data.__getitem__, **options)

    return make


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answers that are given instead of the model's, in order, as long as there are any; it reads all the same."""
    answers: list[str] = []
    tokenizer = byte_tokenizer()

    class Scripted(Greedy):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            text = answers.pop(0) if answers else None
            ids = [] if text is None else [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
            self.ids = iter(ids)

        def __call__(self, logits: torch.Tensor) -> Said:
            said = super().__call__(logits)
            return Said(next(self.ids, said.token), 0.5)

    monkeypatch.setattr("hawkeye_core.chat.window_talk.Greedy", Scripted)
    return answers
