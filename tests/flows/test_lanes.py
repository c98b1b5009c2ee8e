"""Steps side by side: order, failures, interruption, what a kill leaves behind; the commands are small scripts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from flows import lanes as lanes_module
from flows.children import left_behind, noted, start, stop_left_behind
from flows.demo_bars import Bars
from flows.lanes import Lanes, StepFailedError
from flows.stamps import Stamps
from flows.steps import Progress, Step, progress_of

WAITS = "import time; time.sleep(60)"


class Told:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def begins(self, step: Step) -> None:
        self.words.append(f"begins {step.name}")

    def goes_on(self, step: Step) -> None:
        pass

    def done(self, step: Step) -> None:
        self.words.append(f"done {step.name}")

    def failed(self, step: Step, error: StepFailedError) -> None:
        self.words.append(f"failed {step.name}")

    def stopped(self, step: Step) -> None:
        self.words.append(f"stopped {step.name}")


def step(name: str, code: str, *needs: str, run: Path | None = None, fresh: tuple[Path, ...] = ()) -> Step:
    return Step(name, f"a: {name}", (sys.executable, "-c", code), "", run, "a", needs, fresh=fresh)


def writes(path: Path, text: str) -> str:
    return f"open({str(path)!r}, 'a').write({text!r})"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(lanes_module, "POLL_S", 0.02)
    return Told()


def make_lanes(tmp_path: Path, told: Told, *, jobs: int = 2, keep_going: bool = False) -> Lanes:
    return Lanes(Stamps(tmp_path / "done"), tmp_path / "logs", jobs=jobs, watch=told, again="make this",
                 keep_going=keep_going)  # fmt: skip


def test_what_is_ready_begins_in_order_and_what_is_done_is_not_done_again(tmp_path: Path, told: Told) -> None:
    lanes, log = make_lanes(tmp_path, told, jobs=1), tmp_path / "log"
    steps = [step(name, writes(log, f"{name} "), *needs) for name, *needs in [("a",), ("b", "a"), ("c",), ("d", "b")]]
    assert lanes.run(steps) == []
    assert log.read_text().split() == ["a", "b", "c", "d"]
    assert told.words == [f"{what} {name}" for name in "abcd" for what in ("begins", "done")]
    assert lanes.run(steps) == []
    assert log.read_text().split() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="b needs a, which does not stand before it"):
        lanes.run(steps[1:])


def test_as_many_commands_as_jobs_run_at_the_same_time(tmp_path: Path, told: Told) -> None:
    """Two wait for each other's file; the third begins behind one of them."""
    one, two = tmp_path / "one", tmp_path / "two"
    meet = "import pathlib, time\nopen({!r}, 'w')\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.02)"
    steps = [step("a", meet.format(str(one), str(two))), step("b", meet.format(str(two), str(one))), step("c", "")]
    assert make_lanes(tmp_path, told).run(steps) == []
    assert told.words[:2] == ["begins a", "begins b"]
    assert told.words[2].startswith("done")
    assert told.words[-1] == "done c"


def test_a_failure_stops_what_needs_it_while_all_else_is_done_and_is_tried_again(tmp_path: Path, told: Told) -> None:
    lanes, mended = make_lanes(tmp_path, told, keep_going=True), tmp_path / "mended"
    code = f"import pathlib, sys; print('no such thing'); sys.exit(0 if pathlib.Path({str(mended)!r}).exists() else 3)"
    steps = [step("bad", code), step("needs-bad", "", "bad"), step("last", "", "needs-bad"), step("other", "")]
    (failure,) = lanes.run(steps)
    assert "a: bad: the command ended with 3" in str(failure)
    assert "no such thing" in str(failure)
    assert "make this" in str(failure)
    assert [lanes.stamps.status(s) for s in steps] == ["failed", "new", "new", "done"]
    mended.touch()
    assert lanes.run(steps) == []
    assert [lanes.stamps.status(s) for s in steps] == ["done"] * 4


def test_without_going_on_a_failure_stops_the_others(tmp_path: Path, told: Told) -> None:
    lanes, long = make_lanes(tmp_path, told), step("long", WAITS)
    begun = time.monotonic()
    (failure,) = lanes.run([step("bad", "raise SystemExit(3)"), long, step("more", "")])
    assert "ended with 3" in str(failure)
    assert time.monotonic() - begun < 30
    assert lanes.stamps.status(long) == "begun"  # goes on next time
    assert "begins more" not in told.words


def test_ctrl_c_lets_commands_end_and_notes_nothing_as_done(
    tmp_path: Path, told: Told, request: pytest.FixtureRequest
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
    lanes, training = make_lanes(tmp_path, told), step("long", code, run=run)

    def interrupt() -> None:
        while not (run / "ready").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        lanes.run([training, step("after", "raise SystemExit(1)", "long")])
    thread.join()
    assert json.loads((run / "run.json").read_text()) == {"status": "stopped"}
    assert lanes.stamps.status(training) == "begun"
    assert not list((tmp_path / "logs").glob("*.pid"))


def test_a_training_that_somebody_stopped_is_not_done(tmp_path: Path, told: Told) -> None:
    run = tmp_path / "run"
    code = (
        f"import pathlib; p = pathlib.Path({str(run)!r}); p.mkdir(); "
        "(p / 'run.json').write_text('{\"status\": \"stopped\"}')"
    )
    lanes, training = make_lanes(tmp_path, told), step("t", code, run=run)
    with pytest.raises(KeyboardInterrupt):
        lanes.run([training, step("after", "raise SystemExit(1)", "t"), step("other", "")])
    assert lanes.stamps.status(training) == "begun"
    assert "done other" in told.words
    assert "begins after" not in told.words


def test_what_a_step_left_is_removed_before_it_begins_anew_not_before_it_goes_on(tmp_path: Path, told: Told) -> None:
    left, lanes = tmp_path / "left", make_lanes(tmp_path, told)
    left.mkdir()
    keeps = step("s", f"import pathlib; assert pathlib.Path({str(left)!r}).exists()", fresh=(left,))
    lanes.stamps.begin(keeps)
    assert lanes.run([keeps]) == []
    changed = step("s", f"import pathlib; assert not pathlib.Path({str(left)!r}).exists()", fresh=(left,))
    assert lanes.run([changed]) == []


def test_commands_that_a_kill_left_behind_are_found_and_ended_and_no_stranger(tmp_path: Path) -> None:
    child = start([sys.executable, "-c", WAITS], log=tmp_path / "a.log", note=tmp_path / "a.pid", env={})
    stranger = subprocess.Popen([sys.executable, "-c", WAITS])
    try:
        (tmp_path / "b.pid").write_text(json.dumps({"pid": stranger.pid, "started": 1.0}))
        (tmp_path / "c.pid").write_text("{")
        assert noted(tmp_path / "a.pid") is not None
        assert noted(tmp_path / "b.pid") is None
        assert list(left_behind(tmp_path)) == ["a"]
        stop_left_behind(tmp_path)
        assert child.popen.wait(10) is not None
        assert stranger.poll() is None
        assert not list(tmp_path.glob("*.pid"))
    finally:
        stranger.kill()
        stranger.wait()


def test_progress_is_read_from_the_files_of_a_training(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "hawkeye_core.cli", "train", "steps=300")
    training = Step("s", "x: s", words, "", tmp_path, "x")
    assert progress_of(training) == Progress(0, 300)
    lines = [json.dumps({"step": n, "loss": 1, "seconds": s}) for n, s in ((40, 9.0), (41, 2.0), (42, 4.0))]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert progress_of(training) == Progress(42, 300, 3.0)  # the first line may be cut
    (tmp_path / "run.json").write_text('{"steps": 50}')
    assert progress_of(training).of == 50
    assert progress_of(Step("e", "x: e", words[:4], "")) == Progress()


def test_bars_show_a_chain_from_its_beginning_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [step("one", ""), step("two", "")]
    with Bars(steps, ["one"]) as bars:
        bars.begins(steps[1])
        bars.goes_on(steps[1])
        bars.done(steps[1])
    assert "done" in capsys.readouterr().out
