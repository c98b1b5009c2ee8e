"""The flow's parts that need no server: faults, progress, task runners, summary, settings from the command line."""

from __future__ import annotations

import argparse
import pickle
import threading
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

import flows.progress
from flows.faults import is_passing, retry_delays
from flows.progress import ProgressBar, StoppedError, stop_flag
from flows.report import BadVideoError, RunSummary, VideoRow, VideosFailedError, failure_message
from flows.runners import make_task_runner
from flows.settings_cli import add_settings_options, read_settings
from hawkeye_core.errors import BackendUnavailableError, ConfigError


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OSError(28, "No space left on device"), True),
        (TimeoutError("store did not answer"), True),
        (ConnectionResetError("peer"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (FileNotFoundError("video"), False),
        (PermissionError("store"), False),
        (ValueError("program"), False),
        (ConfigError("settings"), False),
    ],
)
def test_only_faults_that_may_pass_are_tried_again(error: BaseException, passing: bool) -> None:
    assert is_passing(error) is passing


def test_delays_grow_and_are_bounded() -> None:
    assert retry_delays(0) == []
    assert retry_delays(7) == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would go to the server."""
    calls: list[float] = []

    def create(progress: float, *, key: str | None, description: str) -> UUID:
        calls.append(progress)
        return uuid4()

    monkeypatch.setattr(flows.progress, "create_progress_artifact", create)
    monkeypatch.setattr(flows.progress, "update_progress_artifact", lambda artifact, progress: calls.append(progress))
    return calls


def test_progress_is_sent_at_most_every_two_seconds_and_at_the_end(sent: list[float]) -> None:
    clock = [0.0]
    bar = ProgressBar("frames", clock=lambda: clock[0])
    for frame in range(1, 1001):  # 10 seconds, 100 frames a second
        clock[0] += 0.01
        bar(frame, 1000)
    assert sent[0] == 0.1
    assert sent[-1] == 100.0
    assert len(sent) == 6


def test_progress_of_unknown_length_is_not_sent(sent: list[float]) -> None:
    ProgressBar("frames")(5, None)
    assert sent == []


def test_more_frames_than_the_header_promised_stay_at_100_percent(sent: list[float]) -> None:
    bar = ProgressBar("frames")
    bar(12, 10)
    bar(13, 10)
    assert sent == [100.0]


def test_a_server_that_is_away_costs_no_video(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refuse(*args: object, **options: object) -> UUID:
        tries.append(1)
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(flows.progress, "create_progress_artifact", refuse)
    bar = ProgressBar("frames")
    bar(1, 2)
    bar(2, 2)
    assert len(tries) == 1


def test_a_stop_takes_hold_at_the_next_progress_and_is_no_exception(sent: list[float]) -> None:
    flag = threading.Event()
    token = stop_flag.set(flag)
    try:
        bar = ProgressBar("frames")
        bar(1, 4)
        flag.set()
        with pytest.raises(StoppedError):
            bar(2, 4)
    finally:
        stop_flag.reset(token)
    assert not issubclass(StoppedError, Exception)


def test_task_runners_are_bounded() -> None:
    threads = make_task_runner(3, environment={})
    assert isinstance(threads, ThreadPoolTaskRunner)
    assert threads == ThreadPoolTaskRunner(max_workers=3)
    assert isinstance(make_task_runner(3, environment={"HAWKEYE_TASK_RUNNER": "processes"}), ProcessPoolTaskRunner)


def test_any_task_runner_can_be_named() -> None:
    runner = make_task_runner(
        1,
        environment={
            "HAWKEYE_TASK_RUNNER": "prefect.task_runners:ThreadPoolTaskRunner",
            "HAWKEYE_TASK_RUNNER_ARGS": '{"max_workers": 7}',
        },
    )
    assert runner == ThreadPoolTaskRunner(max_workers=7)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "text"),
    [
        ("fibers", "", ConfigError, "is unknown"),
        ("no_such_package.x:Runner", "", BackendUnavailableError, "pip install no-such-package"),
        ("prefect.task_runners:Nothing", "", ConfigError, "has no Nothing"),
        ("prefect.task_runners:ThreadPoolTaskRunner", "{", ConfigError, "is not JSON"),
        ("prefect.task_runners:ThreadPoolTaskRunner", "[1]", ConfigError, "must be a JSON object"),
        ("prefect.task_runners:ThreadPoolTaskRunner", '{"threads": 1}', ConfigError, "refuses"),
        ("pathlib:Path", "", ConfigError, "is not a Prefect task runner"),
    ],
)
def test_wrong_task_runners_are_refused(name: str, arguments: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make_task_runner(1, environment={"HAWKEYE_TASK_RUNNER": name, "HAWKEYE_TASK_RUNNER_ARGS": arguments})


def row(name: str, status: str = "done", error: str | None = None) -> VideoRow:
    return VideoRow(name, status, 8, 1.0, error, f"videos/{name}.mp4")


def test_the_summary_counts_and_names() -> None:
    rows = (
        row("a"),
        row("b", "failed", "cut | short\nremedy: x"),
        row("c", "partial", "ends at 3 s"),
        row("d", "cached"),
    )
    summary = RunSummary(rows, store="work/store", seconds=2.0, trained=False)
    assert summary.headline == "4 videos: 1 done, 1 partial, 1 cached, 1 failed; 32 frames in 2.0 s"
    text = summary.markdown()
    assert "| b | cut \\| short | videos/b.mp4 |" in text
    assert "| c | ends at 3 s | videos/c.mp4 |" in text
    assert "Untrained weights" in text
    assert summary.table()[0] == {
        "video_id": "a", "status": "done", "frames": 8, "seconds": 1.0, "error": "", "path": "videos/a.mp4",
    }  # fmt: skip


def test_the_message_names_five_bad_videos_and_counts_the_rest() -> None:
    message = failure_message([row(f"v{index}", "failed", "empty") for index in range(7)], of=9)
    assert message.startswith("7 of 9 videos failed: v0 (empty); v1 (empty)")
    assert message.endswith("v4 (empty); and 2 more")


def test_errors_survive_the_way_to_another_process() -> None:
    bad = row("b", "failed", "empty")
    assert pickle.loads(pickle.dumps(BadVideoError(bad))).row == bad
    summary = RunSummary((bad,), store="s", seconds=1.0, trained=True)
    assert pickle.loads(pickle.dumps(VideosFailedError(summary))).summary == summary


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_settings_options(parser)
    return parser.parse_intermixed_args(arguments)


def test_options_win_over_variables_and_overrides_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("store: from-file\nbatch_size: 4\nworkers: 3\n")
    settings = read_settings(
        parse("--videos", "a b.mp4", "c", "--config", str(config), "batch_size=2"),
        environment={"VIDEOS": "ignored", "STORE": "from-variable"},
    )
    assert settings.videos == ("a b.mp4", "c")
    assert (settings.store, settings.batch_size, settings.workers) == ("from-variable", 2, 3)


def test_variables_are_split_like_a_shell_does() -> None:
    settings = read_settings(parse(), environment={"VIDEOS": "'/data/my videos' b", "CONFIG": ""})
    assert settings.videos == ("/data/my videos", "b")


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="known keys"):
        read_settings(parse("colour=red"))
