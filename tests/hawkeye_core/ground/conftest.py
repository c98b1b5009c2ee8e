"""A small trained run on features of a real clip, extracted by small random networks, and clips to try it on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from accelerate.state import AcceleratorState

from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.settings import load_settings

SEGMENT = {"start": 0.5, "end": 1.5, "category": "fighting", "reason": "a man hits a man"}
"""What the run has learned to say of its clip."""


def write_clip(
    path: Path, *, frames: int = 20, fps: float = 8, size: tuple[int, int] = (96, 64), seed: int = 0, level: int = 60
) -> Path:
    """An mp4 of a moving blob on noise; ``level`` 0 is black."""
    rng = np.random.default_rng(seed)
    width, height = size
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    noise = rng.integers(0, max(level, 1), (64, 96, 3), np.uint8)
    image = cv2.resize(noise, size, interpolation=cv2.INTER_NEAREST)
    for number in range(frames):
        shown = image.copy()
        if level:
            cv2.circle(shown, (number * width // frames, height // 2), max(2, height // 5), (200, 180, 90), -1)
        writer.write(shown)
    writer.release()
    return path


@dataclass(frozen=True)
class GroundRun:
    """Where things lie: the run, the clip it learned, and a file of the settings of extraction."""

    run: str
    clip: Path
    config: str

    def extract(self) -> ExtractSettings:
        return load_settings(ExtractSettings, config=self.config)


@pytest.fixture(scope="session")
def clip() -> Callable[..., Path]:
    return write_clip


@pytest.fixture(scope="session")
def ground_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GroundRun:
    """Trained once a process: folders that import this fixture have one of their own, which gives the same run."""
    made: GroundRun | None = getattr(request.config, "ground_run", None)
    if made is None:
        made = request.config.ground_run = _train(tmp_path_factory)  # type: ignore[attr-defined]
    return made


def _train(tmp_path_factory: pytest.TempPathFactory) -> GroundRun:
    from hawkeye_core.extraction.run import extract_video
    from hawkeye_core.training.config import TrainSettings
    from hawkeye_core.training.model_settings import BackboneSettings, SceneSettings
    from hawkeye_core.training.run import train

    folder = tmp_path_factory.mktemp("ground-run")
    settings = load_settings(
        ExtractSettings, config="tiny-untrained", package="hawkeye_core.extraction",
        overrides=["device=cpu", "relations.short_side=64", "relations.long_side=96", f"store={folder / 'store'}"],
    )  # fmt: skip
    config = folder / "extract.json"  # JSON is YAML
    config.write_text(settings.model_dump_json())
    path = write_clip(folder / "fight.mp4")
    assert extract_video(settings, str(path)).status == "done"
    annotations = folder / "segments.jsonl"
    annotations.write_text(json.dumps({"video": "fight", "split": "train", "segments": [SEGMENT]}) + "\n")
    AcceleratorState._reset_state(reset_partial_state=True)
    run = train(TrainSettings(
        store=settings.store, annotations=str(annotations), run=str(folder / "run"), steps=60, batch_size=1, lr=1e-2,
        window_frames=32, hop_frames=20, device="cpu", tensorboard=False,
        backbone=BackboneSettings(hidden_size=32, layers=1, heads=2),
        model=SceneSettings(action_width=8, graph_width=8, scene_heads=2, expert_layers=1),
    ))  # fmt: skip
    return GroundRun(str(run), path, str(config))


@pytest.fixture(scope="session")
def hawkeye(ground_run: GroundRun, tmp_path_factory: pytest.TempPathFactory):
    """Of that run, with a store of its own, which all tests share."""
    from hawkeye_core.ground.hawkeye import Hawkeye

    store = tmp_path_factory.mktemp("ground-store") / "store"
    return Hawkeye.from_pretrained(
        ground_run.run, device="cpu", extract=ground_run.extract(), store=store, max_new_tokens=80
    )
