"""A small run on made-up features whose videos are of one to four windows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from accelerate.state import AcceleratorState

from feature_store.fingerprint import Fingerprint
from feature_store.records import VideoSource
from feature_store.store import FeatureStore

FRAMES = {"fight": 80, "theft": 40, "calm": 33, "riot": 97, "blink": 3}
"""At 8 fps, in windows of 32 frames every 20: windows begin at 0, 2.5, 5 ... s, and their lengths differ."""
FPS = 8.0


@dataclass(frozen=True)
class MadeUpRun:
    """Where everything lies."""

    store: str
    annotations: str
    run: str

    def settings(self, out: Path, **changes: Any) -> Any:
        """Of an evaluation of all videos; every window is answered with segments."""
        from hawkeye_core.evaluation.config import EvalSettings

        values = {"split": "all", "max_new_tokens": 40, "presence": 0.001, "device": "cpu"} | changes
        return EvalSettings(store=self.store, annotations=self.annotations, run=self.run, out=str(out), **values)


@pytest.fixture(scope="session")
def made_up_run(tmp_path_factory: pytest.TempPathFactory) -> MadeUpRun:
    from hawkeye_core.training.config import TrainSettings
    from hawkeye_core.training.model_settings import BackboneSettings, SceneSettings
    from hawkeye_core.training.run import train

    from ..training.conftest import columns

    folder = tmp_path_factory.mktemp("made-up-run")
    store = FeatureStore.open(folder / "store", create=True)
    for seed, (video, frames) in enumerate(FRAMES.items()):
        source = VideoSource(store.assign_id(f"/v/{video}.mp4", f"{seed:064x}"), f"/v/{video}.mp4", f"{seed:064x}",
                             frames / FPS, 100, 50, FPS, FPS)  # fmt: skip
        rows, families = columns(frames, seed)
        for family, values in families.items():
            with store.writer(source, Fingerprint(family, "made-up", "1", "untrained", {})) as writer:
                writer.append(rows, values)
                writer.commit(status="done")
    segments = {"fight": [(1, 3, "a"), (6, 8, "a")], "theft": [(1, 3, "a")], "riot": [(1, 3, "a"), (9, 11, "b")]}
    lines = [
        {"video": video, "split": "train" if video in segments else "test",
         "segments": [{"start": a, "end": b, "category": c} for a, b, c in segments.get(video, [])]}
        for video in FRAMES
    ]  # fmt: skip
    annotations = folder / "segments.jsonl"
    annotations.write_text("".join(json.dumps(line) + "\n" for line in lines))
    AcceleratorState._reset_state(reset_partial_state=True)
    run = train(TrainSettings(
        store=str(folder / "store"), annotations=str(annotations), run=str(folder / "run"), steps=90, batch_size=4,
        lr=5e-3, window_frames=32, hop_frames=20, device="cpu", tensorboard=False,
        backbone=BackboneSettings(hidden_size=32, layers=1, heads=2),
        model=SceneSettings(action_width=8, graph_width=8, scene_heads=2, expert_layers=1),
    ))  # fmt: skip
    return MadeUpRun(str(folder / "store"), str(annotations), str(run))
