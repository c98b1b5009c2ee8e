"""The flow build-instructions in this process, by its command."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from flows import datasets
from hawkeye_core.datasets.instructions.config import DatasetSettings
from hawkeye_core.errors import AnnotationError

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow]


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """UCF-Crime's lists in the folder ``ucf``."""
    folder = tmp_path / "ucf"
    folder.mkdir()
    (folder / "Anomaly_Train.txt").write_text("Abuse/Abuse001_x264.mp4\n")
    (folder / "Anomaly_Test.txt").write_text("Robbery/Robbery050_x264.mp4\n")
    (folder / "Temporal_Anomaly_Annotation.txt").write_text("Robbery050_x264.mp4  Robbery  30  150  -1  -1  \n")
    return folder


def build(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: Prefect finds its API once a process."""
    command = [sys.executable, "-m", "flows.datasets", *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    clean["PYTHONPATH"] = str(ROOT)
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("empty_database")
def test_tables_are_built_and_the_exit_code_says_what_is_missing(lists: Path) -> None:
    arguments = ["ucf_crime.annotations=ucf", "ucf_crime.times=none", "out=tables"]
    done = build(lists.parent, *arguments, "ucf_crime.videos=ucf")
    assert done.returncode == 1, done.stderr
    assert "| S-D test | 1 | 1 | 1 |" in done.stdout
    assert "missing: no video file: Robbery050_x264" in done.stderr
    assert (lists.parent / "tables/card.md").is_file()


def test_a_fault_ends_with_2_and_its_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(settings: DatasetSettings) -> int:
        raise AnnotationError("has 3 fields", path=f"{settings.out}/list.txt:1", remedy="six are needed")

    monkeypatch.setattr(datasets, "local_api", lambda state: nullcontext())
    monkeypatch.setattr(datasets, "run_flow", fail)
    assert datasets.main(["ucf_crime.annotations=ucf", "out=tables"]) == 2
    assert "tables/list.txt:1: has 3 fields" in capsys.readouterr().err


def test_no_data_set_at_all_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert datasets.main([]) == 2
    assert "tsl300.annotations" in capsys.readouterr().err
