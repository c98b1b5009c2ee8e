"""A small store of made-up features, and settings for a model that trains on it in a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from accelerate.state import AcceleratorState

from feature_store.columns import FrameColumns, PoseColumns, RelationColumns, VisionColumns
from feature_store.fingerprint import Fingerprint
from feature_store.records import VideoSource
from feature_store.store import FeatureStore
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.model_settings import BackboneSettings, SceneSettings

WIDTH = 16
FPS = 8.0


def columns(frames: int, seed: int, *, people: int = 7, objects: int = 4, empty: bool = False):
    """Ragged features of a video; with ``empty`` there is nobody and nothing in it."""
    rng = np.random.default_rng(seed)
    k = np.arange(frames)
    n_people = np.zeros(frames, np.int32) if empty else rng.integers(0, people + 1, frames).astype(np.int32)
    n_objects = np.zeros(frames, np.int32) if empty else rng.integers(0, objects + 1, frames).astype(np.int32)
    n_relations = np.where(n_objects > 1, 2, 0).astype(np.int32)
    s, o, r = int(n_people.sum()), int(n_objects.sum()), int(n_relations.sum())
    before = np.repeat(np.concatenate([[0], n_people[:-1]]), n_people)
    corner = rng.uniform(0, 50, (s, 2))
    per_relation = np.repeat(n_objects, n_relations)
    frame = FrameColumns(
        k.astype(np.int32), k / FPS, k / FPS, np.full(frames, 100, np.int32), np.full(frames, 50, np.int32)
    )
    pose = PoseColumns(
        n_people,
        np.concatenate([rng.uniform(0, 100, (s, 17, 2)), rng.uniform(0, 1, (s, 17, 1))], -1).astype(np.float32),
        rng.uniform(0, 1, s).astype(np.float32),
        np.concatenate([corner, corner + rng.uniform(5, 40, (s, 2))], 1).astype(np.float32),
        (rng.integers(-1, 7, s) % (before + 1) - 1).astype(np.int32),
    )
    relations = RelationColumns(
        n_objects, rng.integers(1, 150, o).astype(np.int32), rng.uniform(0, 1, o).astype(np.float32),
        rng.uniform(0, 50, (o, 4)).astype(np.float32), n_relations,
        (rng.integers(0, 99, r) % per_relation).astype(np.int32), rng.integers(1, 50, r).astype(np.int32),
        (rng.integers(0, 99, r) % per_relation).astype(np.int32), rng.uniform(0, 1, r).astype(np.float32),
    )  # fmt: skip
    masked = rng.normal(size=(frames, WIDTH)) * (n_objects > 0)[:, None]
    vision = VisionColumns(
        rng.normal(size=(frames, 4, WIDTH)).astype(np.float16), masked.astype(np.float16), n_objects,
        rng.normal(size=(o, WIDTH)).astype(np.float16),
    )  # fmt: skip
    return frame, {"pose": pose, "relations": relations, "vision": vision}


@pytest.fixture(autouse=True)
def fresh_accelerate() -> None:
    """Accelerate keeps precision and device for the whole process; each test chooses its own."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def make_store() -> Callable[..., Path]:
    def make(folder: Path, videos: dict[str, int], *, weights: str = "untrained", empty: bool = False) -> Path:
        store = FeatureStore.open(folder, create=True)
        for seed, (video, frames) in enumerate(videos.items()):
            source = VideoSource(store.assign_id(f"/v/{video}.mp4", f"{seed:064x}"), f"/v/{video}.mp4", f"{seed:064x}",
                                 frames / FPS, 100, 50, FPS, FPS)  # fmt: skip
            rows, families = columns(frames, seed, empty=empty)
            for family, values in families.items():
                with store.writer(source, Fingerprint(family, "made-up", "1", weights, {})) as writer:
                    writer.append(rows, values)
                    writer.commit(status="done")
        return folder

    return make


@pytest.fixture(scope="session")
def made_up(make_store: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(store, annotations): a training video of 10 s with a segment, a test video of 5 s with one, a quiet one."""
    folder = tmp_path_factory.mktemp("made-up")
    store = make_store(folder / "store", {"fight": 80, "theft": 40, "calm": 33})
    lines = [
        {"video": "fight", "split": "train", "segments": [{"start": 2, "end": 5, "category": "fighting"}]},
        {"video": "theft", "split": "test", "segments": [{"start": 1, "end": 2, "category": "theft", "reason": "a"}]},
        {"video": "calm", "split": "test", "segments": []},
    ]
    annotations = folder / "segments.jsonl"
    annotations.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return store, annotations


@pytest.fixture(scope="session")
def settings_in(made_up: tuple[Path, Path]) -> Callable[[Path], TrainSettings]:
    """Four steps on the made-up store, into the folder ``run`` of a folder."""
    store, annotations = made_up
    return lambda folder: TrainSettings(
        store=str(store), annotations=str(annotations), run=str(folder / "run"), steps=4, batch_size=2, lr=5e-3,
        window_frames=32, hop_frames=24, device="cpu",
        backbone=BackboneSettings(hidden_size=16, layers=1, heads=2),
        model=SceneSettings(action_width=8, graph_width=8, scene_heads=2, expert_layers=1),
    )  # fmt: skip


@pytest.fixture
def settings(settings_in: Callable[[Path], TrainSettings], tmp_path: Path) -> TrainSettings:
    return settings_in(tmp_path)
