"""The command line as a user meets it: results, exit codes, and errors in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hawkeye_core.cli import main

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def run() -> Run:
    """Runs `hawkeye ARGS` in a folder; nothing but the exit code and the two streams is looked at."""

    def call(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", "from hawkeye_core.cli import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=os.environ | {"COLUMNS": "160", "PYTHONPATH": str(ROOT)},
        )

    return call


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory, run: Run) -> tuple[Path, subprocess.CompletedProcess]:
    """A store of one good video and a failure, and how the command ended."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "videos").mkdir()
    writer = cv2.VideoWriter(str(folder / "videos" / "walk.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (96, 64))
    for number in range(20):
        image = np.full((64, 96, 3), 90, np.uint8)
        cv2.circle(image, (10 + 3 * number, 30), 10, (200, 180, 90), -1)
        writer.write(image)
    writer.release()
    (folder / "videos" / "broken.mp4").write_text("no video at all")
    (folder / "link.mp4").symlink_to(folder / "nowhere.mp4")
    done = run(
        "extract", "--config", "tiny-untrained",
        "-i", folder / "videos", "-i", folder / "link.mp4", "-s", folder / "store",
        "relations.short_side=64", "relations.long_side=96", "device=cpu",
    )  # fmt: skip
    return folder, done


def test_extract_goes_on_after_a_bad_video_and_exits_with_1(extracted) -> None:
    _, done = extracted
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("│")}
    assert " done " in rows["walk"]
    assert " 16 " in rows["walk"]
    assert " failed " in rows["broken"]
    assert "broken.mp4" in rows["broken"]
    assert " failed " in rows["link"]
    assert "untrained" in done.stderr


def test_stats_as_json_has_videos_frames_bytes_and_fingerprints(extracted, run: Run) -> None:
    folder, _ = extracted
    for arguments in ([folder / "store"], ["--store", folder / "store"]):
        found = json.loads(run("store", "stats", *arguments, "--json").stdout)
        assert (found["videos"], found["frames"]) == (3, 16)
        assert set(found["bytes"]) == {"pose", "relations", "vision"}
        assert all(size > 0 for size in found["bytes"].values())
        assert {entry["backend"] for entry in found["fingerprints"]} == {"higherhrnet", "reltr", "clip"}
        assert found["trained"] is False


def test_ls_names_videos_statuses_and_untrained_weights(extracted, run: Run) -> None:
    folder, _ = extracted
    listed = run("store", "ls", folder / "store").stdout
    (walk,) = [line for line in listed.splitlines() if "walk" in line]
    assert "done" in walk
    assert "untrained" in walk
    (broken,) = [line for line in listed.splitlines() if "│ broken" in line]
    assert "failed" in broken


def test_ls_shows_the_latest_extraction(extracted, run: Run, tmp_path: Path) -> None:
    import shutil

    from feature_store.fingerprint import Fingerprint
    from feature_store.store import FeatureStore

    folder, _ = extracted
    shutil.copytree(folder / "store", tmp_path / "store")
    store = FeatureStore.open(tmp_path / "store")
    for number in range(8):  # digests in any order: the latest counts, not the last by name
        fingerprint = Fingerprint("pose", backend="other", version=str(number), weights="untrained")
        store.record_failure(store.source("walk"), fingerprint, f"attempt number {number}")
    (walk,) = [line for line in run("store", "ls", tmp_path / "store").stdout.splitlines() if "│ walk" in line]
    assert "attempt number 7" in walk


def test_verify_finds_a_flipped_byte(extracted, run: Run, tmp_path: Path) -> None:
    import shutil

    folder, _ = extracted
    shutil.copytree(folder / "store", tmp_path / "store")
    good = run("store", "verify", tmp_path / "store")
    assert (good.returncode, "ok" in good.stdout) == (0, True)
    (shard,) = (tmp_path / "store" / "vision").rglob("*.parquet")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    bad = run("store", "verify", tmp_path / "store")
    assert bad.returncode == 1
    assert "walk.parquet" in bad.stdout


def test_show_in_words_and_as_a_picture(extracted, run: Run, tmp_path: Path) -> None:
    folder, _ = extracted
    words = run("store", "show", folder / "store", "walk", "--frame", 4).stdout
    assert "0.500 s" in words
    assert "untrained" in words
    drawn = run("store", "show", "walk", "-s", folder / "store", "--frame", 4, "--png", tmp_path / "f.png")
    assert drawn.returncode == 0, drawn.stderr
    image = cv2.imread(str(tmp_path / "f.png"))
    assert image.shape[0] > 256
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["store", "ls", "/nowhere/store"], "not a feature store"),
        (["store", "show", "STORE", "unknown"], "unknown"),
        (["store", "show", "STORE", "broken"], "broken"),
        (["store", "show", "STORE", "walk", "--frame", "99"], "walk"),
        (["extract", "-i", "/nowhere/*.mp4", "--config", "tiny-untrained", "-s", "STORE"], "/nowhere/*.mp4"),
        (["extract", "--config", "no-such-preset"], "tiny-untrained"),
        (["extract", "nonsense=1"], "nonsense"),
        (["train", "-s", "/nowhere/store"], "/nowhere/store"),
        (["eval", "-s", "STORE", "-r", "/nowhere/run"], "/nowhere/run"),
    ],
)
def test_bad_input_ends_with_2_and_words(
    extracted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """In this process: a new one would import torch for every row."""
    folder, _ = extracted
    named = [str(folder / "store") if a == "STORE" else a for a in arguments]
    monkeypatch.setattr(sys, "argv", ["hawkeye", *named])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert message in said.replace("\n", "")
    assert "Traceback" not in said


def test_bad_input_ends_a_process_with_2_and_words(run: Run) -> None:
    done = run("store", "ls", "/nowhere/store")
    assert done.returncode == 2, done.stderr
    assert "not a feature store" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_help_and_version_teach(run: Run) -> None:
    assert "feature store" in run("--help").stdout
    assert run("--version").stdout.startswith("hawkeye ")
    for command in (["extract"], ["train"], ["eval"], ["store", "show"]):
        text = run(*command, "--help").stdout
        assert "Usage" in text
        assert "Example" in text
