"""Chains of commands side by side: order, failures, interruption; the commands are small scripts."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from flows.demo_lanes import Lanes, StepFailedError, progress_of
from flows.demo_stamps import Stamps
from flows.demo_steps import Step


def step(name: str, code: str, *, chain: str = "a", run: Path | None = None) -> Step:
    return Step(name, f"{chain}: {name}", (sys.executable, "-c", code), "", run, chain)


def writes(path: Path, text: str, *, after_s: float = 0.0) -> str:
    return f"import time; time.sleep({after_s}); open({str(path)!r}, 'a').write({text!r})"


@pytest.fixture
def lanes(tmp_path: Path) -> Lanes:
    return Lanes(Stamps(tmp_path / "done"), tmp_path / "logs", jobs=2)


def test_a_chain_keeps_its_order_and_what_is_done_is_not_done_again(lanes: Lanes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    chains = {
        "a": [step("a1", writes(log, "a1 ", after_s=0.3)), step("a2", writes(log, "a2 "))],
        "b": [step("b1", writes(log, "b1 "), chain="b")],
    }
    lanes.run(chains)
    said = log.read_text().split()
    assert sorted(said) == ["a1", "a2", "b1"]
    assert said.index("a1") < said.index("a2")
    lanes.run(chains)
    assert log.read_text().split() == said


def test_chains_run_at_the_same_time(lanes: Lanes, tmp_path: Path) -> None:
    """Each waits for the other's file."""
    one, two = tmp_path / "one", tmp_path / "two"
    meet = "import pathlib, time\nopen({!r}, 'w')\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.02)"
    lanes.run({
        "a": [step("a", meet.format(str(one), str(two)))],
        "b": [step("b", meet.format(str(two), str(one)), chain="b")],
    })  # fmt: skip


def test_a_failure_names_the_command_shows_its_last_words_and_stops_the_others(lanes: Lanes, tmp_path: Path) -> None:
    long = step("b", "import time; time.sleep(60)", chain="b", run=tmp_path / "run")
    begun = time.monotonic()
    with pytest.raises(StepFailedError, match=r"(?s)a: bad: the command ended with 3.*no such thing"):
        lanes.run({"a": [step("bad", "import sys; print('no such thing'); sys.exit(3)")], "b": [long]})
    assert time.monotonic() - begun < 30
    assert not lanes.stamps.is_done(long)
    assert lanes.stamps.begin(long) is True  # goes on next time


def test_ctrl_c_lets_commands_end_and_notes_nothing_as_done(
    lanes: Lanes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    run = tmp_path / "run"
    code = (
        "import signal, sys, time, pathlib\n"
        f"run = pathlib.Path({str(run)!r}); run.mkdir()\n"
        "def stop(*_):\n    (run / 'run.json').write_text('{\"status\": \"stopped\"}'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop); (run / 'ready').touch()\n"
        "time.sleep(60)\n"
    )
    training = step("long", code, run=run)

    def interrupt() -> None:
        while not (run / "ready").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        lanes.run({"a": [training, step("after", "raise SystemExit(1)")]})
    thread.join()
    assert json.loads((run / "run.json").read_text()) == {"status": "stopped"}
    assert not lanes.stamps.is_done(training)


def test_a_command_that_was_stopped_is_not_done(lanes: Lanes, tmp_path: Path) -> None:
    """A training that leaves in peace behind a checkpoint, and an evaluation that the failure of another chain ends."""
    run = tmp_path / "run"
    code = (
        f"import pathlib; p = pathlib.Path({str(run)!r}); p.mkdir(); "
        "(p / 'run.json').write_text('{\"status\": \"stopped\"}')"
    )
    training = step("t", code, run=run)
    with pytest.raises(KeyboardInterrupt):
        lanes.run({"a": [training, step("after", "raise SystemExit(1)")]})
    assert not lanes.stamps.is_done(training)
    evaluation = step("e", "import time; time.sleep(60)", chain="b")
    with pytest.raises(StepFailedError):
        lanes.run({"a": [step("bad", "import time; time.sleep(0.5); raise SystemExit(3)")], "b": [evaluation]})
    assert not lanes.stamps.is_done(evaluation)


def test_progress_is_read_from_the_metrics_of_a_training(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "hawkeye_core.cli", "train", "steps=300")
    training = Step("s", "x: s", words, "", tmp_path, "x")
    assert progress_of(training) == (0, 300)
    (tmp_path / "metrics.jsonl").write_text('{"step": 41, "loss": 1}\n{"step": 42, "loss": 1}\n')
    assert progress_of(training) == (42, 300)
    assert progress_of(Step("e", "x: e", words[:4], "")) == (0, None)
