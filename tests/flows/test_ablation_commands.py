"""The study with its real trainings, evaluation and report on three drawn videos, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.ablation_steps import plan
from flows.children import stop_left_behind
from flows.stamps import Stamps
from hawkeye_core.ablation.config import AblationSettings
from hawkeye_core.datasets.reconsim.stage1_tables import motion_rows
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny.shipped import shipped_llava

from ..hawkeye_core.tiny.drawn_store import write_world

ROOT = Path(__file__).resolve().parents[2]
SPLITS = {"a": "train", "b": "train", "c": "test"}


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[AblationSettings]:
    """Of a study whose world and store are there: test_demo.py has the commands that draw and extract."""
    settings = AblationSettings(
        folder=str(tmp_path / "study"),
        preset="tiny",
        variants=("hawkeye",),
        seeds=1,
        stage1_steps=2,
        stage2_steps=3,
    )
    paths = settings.paths
    world, store = write_world(paths.folder, SPLITS)
    world.rename(paths.world)
    store.rename(paths.store)
    rows: dict[str, list[dict[str, object]]] = {"segments": [], "validation": [], "regions": [], "motions": []}
    for video, split in SPLITS.items():
        truth = read_truth(paths.world / "truth", video)
        found = [
            {"start": s.start_s, "end": s.end_s, "category": s.category, "reason": s.reason} for s in truth.segments
        ]
        annotation = {"video": video, "segments": found, "split": split}
        rows["segments"].append(annotation)
        rows["validation"] += [annotation] if split == "train" else []
        box = truth.boxes[0, 0].tolist()
        rows["regions"].append({"video": video, "box": box, "expression": "the person", "split": split})
        rows["motions"] += motion_rows(truth)
    for name, lines in rows.items():
        (paths.world / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    paths.videos.mkdir()
    (paths.videos / "other.mp4").touch()  # the report draws graphs of the others without a picture
    for step in plan(settings)[:2]:
        Stamps(paths.done).finish(step, seconds=1.0)
    yield settings
    stop_left_behind(paths.logs, grace_s=5.0)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_study_is_killed_goes_on_and_ends_in_a_report(settings: AblationSettings, tmp_path: Path) -> None:
    try:
        shipped_llava()
    except WeightsError as error:
        pytest.skip(f"the package holds no weights: {error}")
    paths = settings.paths
    words = [
        "preset=tiny",
        "variants=[hawkeye]",
        "seeds=1",
        "label_steps=2",
        "stage1_steps=2",
        "stage2_steps=3",
        "nice=0",
    ]
    command = [sys.executable, "-m", "flows.ablation", f"folder={settings.folder}", *words]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) as killed:
        while not (paths.logs / "hawkeye-stage1.pid").exists():
            assert killed.poll() is None
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    found = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    said = found.stdout + found.stderr
    assert found.returncode == 0, said
    assert "ending what a killed run has left behind: hawkeye-stage1" in said
    assert "begins  drawing" not in said
    assert f"report: {paths.report}" in said
    protocol = json.loads((paths.evaluations / "hawkeye-seed0" / "protocol.json").read_text())
    assert (protocol["name"], protocol["kind"], protocol["seed"]) == ("Hawkeye", "ours", 0)
    assert [video["video"] for video in protocol["videos"]] == ["c"]
    assert "Hawkeye" in (paths.report / "report.html").read_text()
    run = paths.folder / "runs" / "hawkeye-seed0"
    assert (run / "checkpoint").is_dir()
    assert not (run / "checkpoints").exists()
