"""The whole path with a real server and worker: up, a plain `prefect deployment run`, again, down."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.names import POOL
from flows.place import Place
from flows.processes import Service, flow_run_processes
from flows.server_api import ServerApi

ROOT = Path(__file__).parents[2]
TINY = ["device=cpu", "pose.max_people=2"]

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A project folder of its own, with a two-second clip and a file that is no video; `down` in any case."""
    root = tmp_path_factory.mktemp("project")
    for name in ("flows", "hawkeye_core", "feature_store"):
        (root / name).symlink_to(ROOT / name)
    for name in ("prefect.yaml", "prefect.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    write_clip(root / "videos" / "walk.mp4")
    (root / "videos" / "bad.mp4").write_text("this is not a video")
    write_lists(root / "ucf")
    (root / "sets.yaml").write_text("out: tables\nucf_crime: {annotations: ucf, times: none}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = Place(root, port)
    yield place
    services(place, "down")


def write_clip(path: Path) -> None:
    """Two seconds at 16 frames a second: a bright box walks over a grey floor."""
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 16, (96, 64))
    for index in range(32):
        frame = np.full((64, 96, 3), 60, np.uint8)
        frame[10:50, 2 * index : 2 * index + 20] = (0, 200, 255)
        writer.write(frame)
    writer.release()


def write_lists(folder: Path) -> None:
    """UCF-Crime's lists: a training video without times, and two test videos."""
    folder.mkdir()
    (folder / "Anomaly_Train.txt").write_text("Abuse/Abuse001_x264.mp4\n")
    tests = ["Robbery/Robbery050_x264.mp4", "Testing_Normal_Videos_Anomaly/Normal_Videos_003_x264.mp4"]
    (folder / "Anomaly_Test.txt").write_text("\n".join(tests) + "\n")
    times = ["Robbery050_x264.mp4  Robbery  30  150  -1  -1  ", "Normal_Videos_003_x264.mp4  Normal  -1  -1  -1  -1  "]
    (folder / "Temporal_Anomaly_Annotation.txt").write_text("\n".join(times) + "\n")


def environment(place: Place) -> dict[str, str]:
    """A shell without any Prefect settings of its own (the harness of other tests leaves some)."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return clean | {"PORT": str(place.port), "STORE": "store", "CONFIG": "tiny-untrained", "DATASETS": "sets.yaml",
                    "OMP_NUM_THREADS": "1"}  # fmt: skip


def services(
    place: Place, *arguments: str, videos: str = "videos/walk.mp4", sets: str = "sets.yaml"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.services", *arguments]
    variables = environment(place) | {"VIDEOS": videos, "DATASETS": sets}
    return subprocess.run(command, cwd=place.root, env=variables, capture_output=True, text=True, check=False)


def run_deployment(place: Place, name: str = "extract-features/local") -> subprocess.CompletedProcess[str]:
    """What the user types, in the project folder; `prefect.toml` there must lead it to the server."""
    prefect = Path(sys.executable).with_name("prefect")
    command = [str(prefect), "deployment", "run", name, "--watch"]
    return subprocess.run(command, cwd=place.root, env=environment(place), capture_output=True, text=True, check=False)


def shards(place: Place) -> dict[str, int]:
    """Files of features with their times; the catalog beside them is written anew by every run."""
    found = sorted((place.root / "store").rglob("*.parquet"))
    return {str(path): path.stat().st_mtime_ns for path in found if path.name != "catalog.parquet"}


def test_up_run_again_down(place: Place) -> None:
    first = services(place, "up", *TINY)
    assert first.returncode == 0, first.stdout + first.stderr

    filled = run_deployment(place)
    assert filled.returncode == 0, filled.stdout + filled.stderr
    assert "1 videos: 1 done; 16 frames" in filled.stdout  # the run's own log line, streamed
    written = shards(place)
    assert len(written) >= 3  # one a family

    tables = run_deployment(place, "build-instructions/local")
    assert tables.returncode == 0, tables.stdout + tables.stderr
    assert "S-D test: 2 videos, 1 segments" in tables.stdout
    assert (place.root / "tables" / "stage2.parquet").is_file()

    # The second `up` restarts nothing and deploys anew, now with the bad file among the videos.
    processes = [Service(name, place.state).process() for name in ("server", "worker")]
    second = services(place, "up", *TINY, videos="videos", sets="")
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("already running") == 2
    assert "build-instructions" not in second.stdout  # keeps the settings it was given
    assert [Service(name, place.state).process() for name in ("server", "worker")] == processes

    again = run_deployment(place)
    assert again.returncode == 1
    assert "2 videos: 1 cached, 1 failed; 0 frames" in again.stdout
    assert "CompletedWithFailures" in again.stdout
    assert shards(place) == written

    with ServerApi(place.api_url) as api:
        assert api.unfinished_runs(POOL) == []
    assert services(place, "status").returncode == 0

    down = services(place, "down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "killed" not in down.stdout
    assert not any(process and process.is_running() and process.status() != "zombie" for process in processes)
    assert flow_run_processes(place.api_url) == {}
    assert services(place, "status").returncode == 1
