"""SIGKILL at many random moments: the store opens, the rerun finishes, and its content equals an undisturbed run's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from feature_store.store import FeatureStore

# Forks a child a round from a process that has its networks ready, so that a round costs tenths of a second.
DRIVER = """
import json, os, random, signal, sys, time
import torch
torch.set_num_threads(1)
from feature_store.store import FeatureStore
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.extraction.run import extract_video, plan_videos, settle
from hawkeye_core.settings import load_settings

videos, store, rounds, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
settings = load_settings(
    ExtractSettings, config="tiny-untrained", package="hawkeye_core.extraction",
    values={"videos": [videos], "store": store, "batch_size": 4},
)
plan_videos(settings)
rng = random.Random(seed)
opened = []

def everything():
    for plan in plan_videos(settings):
        extract_video(settings, plan)
    settle(settings)

for number in range(rounds):
    child = os.fork()
    if child == 0:
        try:
            everything()
        finally:
            os._exit(0)
    time.sleep(rng.uniform(0.0, 1.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    opened.append(len(FeatureStore.open(store).records()))
everything()
settle(settings)
print(json.dumps(opened))
"""


def write_clip(path: Path, seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (96, 64))
    for number in range(frames):
        image = rng.integers(0, 60, (64, 96, 3), np.uint8)
        cv2.circle(image, (10 + 2 * number, 32), 12, (200, 180, 90), -1)
        writer.write(image)
    writer.release()


def run_driver(videos: Path, store: Path, rounds: int, seed: int) -> list[int]:
    result = subprocess.run(
        [sys.executable, "-c", DRIVER, str(videos), str(store), str(rounds), str(seed)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).resolve().parents[3],
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.strip().splitlines()[-1])


def decoded(store: FeatureStore) -> dict[str, np.ndarray]:
    arrays = {}
    for video in store.videos():
        window = store.window_numpy(video, 0, store.n_frames(video))
        for family in ("frames", "pose", "relations", "vision"):
            columns = getattr(window, family)
            for name in type(columns).__slots__:
                arrays[f"{video}.{family}.{name}"] = getattr(columns, name)
    return arrays


@pytest.mark.slow
def test_killed_at_random_moments_the_rerun_equals_an_undisturbed_run(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for seed, frames in enumerate((20, 35, 12)):
        write_clip(videos / f"clip{seed}.mp4", seed, frames)
    run_driver(videos, tmp_path / "calm", rounds=0, seed=0)
    opened = run_driver(videos, tmp_path / "killed", rounds=15, seed=7)
    assert opened == sorted(opened), "a commit was lost"
    assert opened[0] < 9, "no kill came before the work was done"
    calm, killed = FeatureStore.open(tmp_path / "calm"), FeatureStore.open(tmp_path / "killed")
    expected, found = decoded(calm), decoded(killed)
    assert expected.keys() == found.keys()
    assert len({key.split(".")[0] for key in expected}) == 3
    for key, array in expected.items():
        assert array.tobytes() == found[key].tobytes(), key
    killed.clean()
    assert killed.verify() == []
