"""``python -m flows.extract`` as a process of its own: exit codes, signals, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Runs the command with the stand-in for extraction; the settings reader and the flow are the real ones.
RUN = f"""
import importlib.util, sys, types
spec = importlib.util.spec_from_file_location("stand_in", {str(Path(__file__).parent / "conftest.py")!r})
stand_in = importlib.util.module_from_spec(spec); sys.modules["stand_in"] = stand_in; spec.loader.exec_module(stand_in)
import hawkeye_core.extraction
module = types.ModuleType("hawkeye_core.extraction.run")
for name in ("plan_videos", "extract_video", "settle"):
    setattr(module, name, getattr(stand_in, name))
sys.modules["hawkeye_core.extraction.run"] = hawkeye_core.extraction.run = module
from flows.extract import main
sys.exit(main())
"""


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", RUN, "--videos", str(folder / "videos"), "--store", str(folder / "store"), *arguments]


def environment(folder: Path) -> dict[str, str]:
    (folder / "tmp").mkdir(exist_ok=True)
    return os.environ | {"TMPDIR": str(folder / "tmp"), "COLUMNS": "200"}


def write_videos(folder: Path, **words: str) -> None:
    (folder / "videos").mkdir()
    for name, text in words.items():
        (folder / "videos" / f"{name}.txt").write_text(text)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *arguments), cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )


def test_exit_codes_table_and_second_run(tmp_path: Path) -> None:
    write_videos(tmp_path, a="", b="bad")
    first = run(tmp_path)
    assert first.returncode == 1, first.stderr
    assert "2 videos: 1 done, 1 failed; 4 frames" in first.stdout
    assert "not a video: no moov atom" in first.stdout
    assert "View at" not in first.stderr  # no page to view
    (tmp_path / "videos" / "b.txt").write_text("")
    second = run(tmp_path)
    assert second.returncode == 0, second.stderr
    assert "2 videos: 1 done, 1 cached; 4 frames" in second.stdout
    assert [path.suffix for path in (tmp_path / "work" / "prefect").iterdir()] == [".db"]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.usefixtures("empty_database")
def test_wrong_settings_end_with_2_and_the_remedy(tmp_path: Path) -> None:
    write_videos(tmp_path)
    unknown = run(tmp_path, "colour=red")
    assert unknown.returncode == 2
    assert "known keys: videos, store" in unknown.stderr
    none = run(tmp_path)
    assert none.returncode == 2
    assert "no videos" in none.stderr
    assert "Traceback" not in none.stderr


@pytest.mark.usefixtures("empty_database")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_whole_videos_and_the_next_run_finishes(tmp_path: Path, number: int, code: int) -> None:
    write_videos(tmp_path, a="", s="slow")
    process = subprocess.Popen(
        command(tmp_path, "workers=2"), cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "store" / "calls.log"
    deadline = time.monotonic() + 120
    while not (
        log.exists() and {"a", "s"} <= set(log.read_text().split()) and (tmp_path / "store" / "a.done").exists()
    ):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(number)
    _, messages = process.communicate(timeout=50)  # the slow video alone would take 60 s
    assert process.returncode == code, messages
    assert "Crashed" in messages
    assert not (tmp_path / "store" / "s.done").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
    (tmp_path / "videos" / "s.txt").write_text("")
    assert "2 videos: 1 done, 1 cached" in run(tmp_path).stdout
