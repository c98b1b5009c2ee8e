"""`hawkeye watch` as a user meets it: a real (tiny) model, signals, files and exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import cv2
import pytest

from hawkeye_core.cli import main
from hawkeye_core.errors import ConfigError
from hawkeye_core.model.tiny import byte_tokenizer
from hawkeye_core.stopping import StopRequest
from hawkeye_core.training.collate import Collator
from hawkeye_core.watch.run import require_room

from ..ground.conftest import SEGMENT, GroundRun, ground_run  # noqa: F401 - a fixture
from .stream_servers import Pictures, Receiver


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs the command in this process."""

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["hawkeye", "watch", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "300")
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return Done(int(ended.value.code or 0), said.out, said.err)

    return call


def of_run(run: GroundRun) -> list[str]:
    return ["--checkpoint", run.run, "--config", run.config, "--device", "cpu"]


@pytest.mark.slow
def test_sigterm_ends_the_real_command_cleanly(ground_run: GroundRun, tmp_path: Path) -> None:  # noqa: F811
    receiver, said, asked = Receiver(), [], False
    with Pictures(rate=10, connections=[150.0]).serve() as url, receiver.serve() as hook:
        arguments = [url, "--window", "2", "--hop", "1", "--presence", "0.001", "--status", "0.5",
                     "--out", str(tmp_path / "alerts.jsonl"), *of_run(ground_run)]  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "hawkeye_core.cli", "watch", *arguments, "batch_size=4"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "300", "HAWKEYE_WEBHOOK": hook},
        )  # fmt: skip
        try:
            assert process.stderr is not None
            for line in process.stderr:
                said.append(line)
                if "windows 2 answered" in line and not asked:  # the summary may say so too
                    asked = True
                    process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, said
        finally:
            process.kill()
            process.communicate()
    alerts = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert receiver.accepted == alerts
    words = "".join(said) + json.dumps(alerts)
    for never in ("Traceback", "hunter2", "swordfish"):
        assert never not in words
    assert said[-1].count("ended: lag") == 1
    assert f"alerts {len(alerts)} |" in said[-1]
    assert f"webhook {len(alerts)} sent, 0 waiting, 0 failed" in said[-1]
    assert {a["id"] for a in alerts if a["kind"] == "new"} == {a["id"] for a in alerts if a["kind"] == "final"}


def test_signals_and_their_exit_codes() -> None:
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        before = signal.getsignal(number)
        with StopRequest() as stop:
            assert not stop.asked()
            os.kill(os.getpid(), number)
            assert stop.asked()
            assert stop.exit_code == code
        assert signal.getsignal(number) is before
    with StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):  # the second one does not wait
            os.kill(os.getpid(), signal.SIGINT)


def test_a_folder_is_watched_over_a_restart(watch, ground_run: GroundRun, tmp_path: Path) -> None:  # noqa: F811
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    shutil.copy(ground_run.clip, inbox / "fight.mp4")
    (inbox / "bad.mp4").write_text("no video")
    arguments = [inbox, "--store", tmp_path / "store", "settle_s=0.2", "poll_s=0.1", *of_run(ground_run)]
    done = watch(*arguments, "--idle", 0.5)
    assert done.code == 1  # a file could not be used
    alerts = [json.loads(line) for line in done.out.splitlines()]
    assert [(a["kind"], a["file"], a["category"]) for a in alerts] == [("final", "fight.mp4", SEGMENT["category"])]
    assert (alerts[0]["start_s"], alerts[0]["end_s"]) == (SEGMENT["start"], SEGMENT["end"])
    assert "bad.mp4: failed:" in done.err
    assert "files 1 done, 1 failed" in done.err
    shutil.copy(ground_run.clip, inbox / "again.mp4")
    done = watch(*arguments, "--once", "settle_s=0")
    assert done.code == 0, done.err
    assert [json.loads(line)["file"] for line in done.out.splitlines()] == ["again.mp4"]


def test_a_file_that_grows_gives_the_segment_that_was_learned(
    watch, ground_run: GroundRun, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    path, whole = tmp_path / "fight.avi", tmp_path / "whole.avi"
    read = cv2.VideoCapture(str(ground_run.clip))
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"FFV1"), 8, (96, 64))
    while (picture := read.read()[1]) is not None:
        writer.write(picture)
    writer.release()
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) // 2])

    def grow() -> None:
        with path.open("ab") as file:
            file.write(data[len(data) // 2 :])

    threading.Timer(1.0, grow).start()
    done = watch(path, "--window", 4, "--hop", 4, "--idle", 3, *of_run(ground_run))
    assert done.code == 0, done.err
    assert "20 done, 0 dropped" in done.err
    first = json.loads(done.out.splitlines()[0])
    assert (first["start_s"], first["end_s"], first["category"]) == (0.5, 1.5, "fighting")
    assert first["reason"] == SEGMENT["reason"]
    assert "untrained backbone" in first["model"]["marks"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://cam/x"], "begins with rtsp://"),
        (["nowhere.ts"], "no such file or folder"),
        (["camera:0", "--webhook", "ftp://u:secret@host/x"], "begins with http://"),
        (["camera:0", "--window", "0"], "window_s"),
        (["camera:0", "--window", "2", "--hop", "3"], "longer than"),
        (["camera:0", "--presence", "1"], "between 0 and 1"),
        (["camera:0", "--out", "/proc/nothing/alerts"], "cannot be written"),
        (["camera:0", "--checkpoint", "/nowhere"], "checkpoint"),
    ],
)
def test_bad_input_is_said_in_words(watch, arguments: list[str], words: str) -> None:
    done = watch(*arguments)
    assert done.code == 2
    assert words in done.err
    assert "secret" not in done.err


def test_a_camera_that_is_not_there_is_bad_input(watch, ground_run: GroundRun) -> None:  # noqa: F811
    done = watch("camera:99", "--reconnects", 0, *of_run(ground_run))
    assert done.code == 2
    assert "camera:99: cannot be opened" in done.err
    assert "ended: lag -" in done.err


def test_a_window_longer_than_the_model_takes_is_refused_before_the_watch() -> None:
    collate = Collator(byte_tokenizer(), scene_token_id=4, max_length=300)
    hawkeye: Any = SimpleNamespace(
        predictor=SimpleNamespace(collate=collate, max_new_tokens=80), settings=SimpleNamespace(fps=8.0)
    )
    require_room(hawkeye, 32)
    with pytest.raises(ConfigError, match=r"a window of 16 s needs \d+ tokens; .* takes 300\n.*--window"):
        require_room(hawkeye, 128)
