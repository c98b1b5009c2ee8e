"""Runs that are killed at random steps and resumed give, byte for byte, what an undisturbed run gives."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.state import AcceleratorState

from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.settings import load_settings
from hawkeye_core.training import run_state
from hawkeye_core.training.checkpoint import WEIGHTS
from hawkeye_core.training.config import TrainSettings
from hawkeye_core.training.keeper import CHECKPOINT
from hawkeye_core.training.meter import TIMED
from hawkeye_core.training.record import CONFIG, read_record
from hawkeye_core.training.stop import TRIGGER, StopAskedError, StopSignal
from hawkeye_core.training.trainer import Trainer

from .processes import Started, start, wait_for_lines


def lines(run: Path) -> list[str]:
    """The metrics without what the clock decides."""
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [json.dumps({k: v for k, v in line.items() if k not in TIMED}) for line in found]


def same(first: Path, second: Path) -> None:
    assert lines(first) == lines(second)
    assert (first / CHECKPOINT / WEIGHTS).read_bytes() == (second / CHECKPOINT / WEIGHTS).read_bytes()
    assert read_record(first).result == read_record(second).result


def same_states(first: Path, second: Path) -> None:
    """Optimiser, schedule, generators and position of the last checkpoints."""
    a, b = (run_state.checkpoints_of(run)[-1] for run in (first, second))
    assert a.name == b.name
    one, two = (torch.load(folder / run_state.OPTIMIZER, weights_only=True) for folder in (a, b))
    assert repr(one["rng"]) == repr(two["rng"])
    assert repr(one["schedule"]) == repr(two["schedule"])
    assert one["optimizer"]["param_groups"] == two["optimizer"]["param_groups"]
    assert one["optimizer"]["state"].keys() == two["optimizer"]["state"].keys() != set()
    for key, values in one["optimizer"]["state"].items():
        assert all(torch.equal(value, two["optimizer"]["state"][key][name]) for name, value in values.items())
    assert (a / WEIGHTS).read_bytes() == (b / WEIGHTS).read_bytes()


class StopAfter(StopSignal):
    """Asks to stop at the n-th time it is looked at."""

    def __init__(self, run: str, looks: int) -> None:
        super().__init__(run)
        self.looks = looks

    def asked(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def run_with(settings: TrainSettings, stop: StopSignal | None = None) -> Path:
    AcceleratorState._reset_state(reset_partial_state=True)  # Accelerate keeps the precision for the whole process
    trainer = Trainer(settings, stop)
    trainer.setup()
    return trainer.train()


SHORT = {
    "steps": 4, "accumulate": 2, "eval_every": 2, "checkpoint_every": 2, "eval_new_tokens": 8, "tensorboard": False,
}  # fmt: skip


@pytest.fixture
def short(settings: TrainSettings) -> TrainSettings:
    """Two and two thirds epochs of three windows, each step in two pieces, evaluated twice."""
    return settings.model_copy(update=SHORT)


def test_stopped_anywhere_and_resumed_is_the_same_run(short: TrainSettings) -> None:
    whole = run_with(short)
    looks = 0
    while True:  # at every place where a run looks whether it should stop: in pieces of a step and in evaluations
        part = short.model_copy(update={"run": f"{short.run}-{looks}"})
        run = run_with(part, StopAfter(part.run, looks))
        if read_record(run).status == "finished":
            break
        assert read_record(run).status == "stopped"
        assert not (run / CHECKPOINT).exists()
        run_with(part.model_copy(update={"resume": True}))
        same(whole, run)
        same_states(whole, run)
        looks += 1
    assert looks > 4 * 3 + 2 * 4  # three looks a step; two evaluations of two batches, loss and answers


def test_the_trigger_file_stops_and_is_taken_away(short: TrainSettings) -> None:
    whole = run_with(short)
    part = short.model_copy(update={"run": short.run + "-b"})
    trainer = Trainer(part)
    trainer.setup()
    (Path(part.run) / TRIGGER).touch()
    run = trainer.train()
    assert read_record(run).status == "stopped"
    assert [path.name for path in run_state.checkpoints_of(run)] == ["step-000000"]
    assert not (run / TRIGGER).exists()
    same(whole, run_with(part.model_copy(update={"resume": True})))


def test_a_signal_before_the_first_step_is_remembered_and_handlers_are_put_back(
    short: TrainSettings, request: pytest.FixtureRequest
) -> None:
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, former))
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with StopSignal(short.run) as stop:
        assert not stop.asked()
        os.kill(os.getpid(), signal.SIGTERM)
        run = run_with(short, stop)
    assert [path.name for path in run_state.checkpoints_of(run)] == ["step-000000"]
    with StopSignal(short.run) as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_evaluation_leaves_no_trace_in_training(short: TrainSettings) -> None:
    first = run_with(short)
    second = run_with(short.model_copy(update={"run": short.run + "-b", "eval_every": 0}))
    assert (first / CHECKPOINT / WEIGHTS).read_bytes() == (second / CHECKPOINT / WEIGHTS).read_bytes()


def test_a_finished_run_is_left_as_it_is(short: TrainSettings) -> None:
    run = run_with(short)
    before = (run / "metrics.jsonl").read_bytes()
    assert run_with(short.model_copy(update={"resume": True})) == run
    assert (run / "metrics.jsonl").read_bytes() == before


def test_last_and_best_checkpoints_are_kept(short: TrainSettings) -> None:
    run = run_with(short.model_copy(update={"steps": 5, "checkpoint_every": 1, "keep_last": 3}))
    assert [path.name for path in run_state.checkpoints_of(run)] == ["step-000003", "step-000004", "step-000005"]
    result = read_record(run).result
    best = [path.name for path in (run / run_state.FOLDER).glob("best-*")]
    assert best == [run_state.best_name(int(result["best_step"]))]
    assert [path.name for path in (run / run_state.FOLDER).iterdir() if path.name.startswith(".")] == []


@pytest.fixture(scope="module")
def stopped_once(
    settings_in: Callable[[Path], TrainSettings], tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainSettings, Path, Path]:
    """A run with checkpoints of step 2 and 3, stopped there, and a copy of it."""
    settings = settings_in(tmp_path_factory.mktemp("stopped")).model_copy(update={**SHORT, "eval_every": 0})
    run = run_with(settings, StopAfter(settings.run, 3 * 3 + 1))
    assert [path.name for path in run_state.checkpoints_of(run)] == ["step-000002", "step-000003"]
    return settings, run, shutil.copytree(run, run.with_name("copy"))


@pytest.fixture
def stopped(stopped_once: tuple[TrainSettings, Path, Path]) -> tuple[TrainSettings, Path]:
    """The stopped run, put back as it was, in the folder that its files name."""
    settings, run, copy = stopped_once
    shutil.rmtree(run)
    shutil.copytree(copy, run)
    return settings.model_copy(update={"resume": True}), run


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 4}, r"(?s)batch_size was 2, now 4.*remedy: give batch_size=2"),
        ({"seed": 7, "lr": 1.0}, r"(?s)lr was 0.005, now 1.0; seed was 0, now 7.*give lr=0.005 seed=0"),
        ({"steps": 9}, r"(?s)steps was 4, now 9.*leave out --resume"),
        ({"precision": "bf16"}, "precision was fp32, now bf16"),
        ({"accumulate": 1}, "accumulate was 2, now 1"),
    ],
)
def test_changed_settings_are_refused(
    stopped: tuple[TrainSettings, Path], change: dict[str, object], message: str
) -> None:
    settings, run = stopped
    before = (run / "metrics.jsonl").read_bytes()
    with pytest.raises(ConfigError, match=message):
        run_with(settings.model_copy(update=change))
    assert (run / "metrics.jsonl").read_bytes() == before


def test_a_changed_number_of_processes_or_annotation_is_refused(stopped: tuple[TrainSettings, Path]) -> None:
    settings, run = stopped
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"processes": 2}))
    with pytest.raises(ConfigError, match=r"(?s)processes was 2, now 1.*start it with 2 processes"):
        run_with(settings)
    (run / "run.json").write_text(json.dumps(record | {"inputs": {"annotations": "0" * 64}}))
    with pytest.raises(ConfigError, match=r"(?s)annotations was 0+, now.*give back what it was begun with"):
        run_with(settings)


def test_settings_that_do_not_touch_the_weights_may_change(stopped: tuple[TrainSettings, Path]) -> None:
    settings, run = stopped
    run_with(settings.model_copy(update={"checkpoint_every": 7, "keep_last": 9, "workers": 1}))
    assert read_record(run).status == "finished"


@pytest.mark.parametrize("name", [WEIGHTS, run_state.OPTIMIZER, run_state.POSITION, "config.json"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(
    stopped: tuple[TrainSettings, Path], name: str
) -> None:
    settings, run = stopped
    path = run / run_state.FOLDER / "step-000003" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"(?s)step-000003: is damaged: {name}.*resume_from=step-000002"):
        run_with(settings)
    path.unlink()
    with pytest.raises(WeightsError, match=rf"is damaged: {name}"):
        run_with(settings)
    run_with(settings.model_copy(update={"resume_from": "step-000002"}))
    assert read_record(run).status == "finished"
    (run / "run.json").write_text((run / "run.json").read_text().replace("finished", "stopped"))
    with pytest.raises(ConfigError, match="has no checkpoint 'step-9'"):
        run_with(settings.model_copy(update={"resume_from": "step-9"}))


def test_resuming_from_the_one_before_gives_the_same_run(stopped: tuple[TrainSettings, Path]) -> None:
    settings, run = stopped
    whole = run_with(settings.model_copy(update={"resume": False, "run": settings.run + "-whole"}))
    run_with(settings.model_copy(update={"resume_from": "step-000002"}))
    same(whole, run)


def test_a_damaged_manifest_and_a_foreign_checkpoint_are_refused(stopped: tuple[TrainSettings, Path]) -> None:
    settings, run = stopped
    manifest = run / run_state.FOLDER / "step-000002" / run_state.MANIFEST
    content = manifest.read_text()
    manifest.write_text(content[:-9])
    with pytest.raises(WeightsError, match=r"(?s)no manifest that can be read.*there is none before it"):
        run_with(settings.model_copy(update={"resume_from": "step-000002"}))
    manifest.write_text(content)
    other = run_with(settings.model_copy(update={"resume": False, "seed": 3, "run": settings.run + "-other"}),
                     StopAfter(settings.run, 10**6))  # fmt: skip
    run_state.checkpoints_of(other)[-1].rename(run / run_state.FOLDER / "step-000004")
    with pytest.raises(WeightsError, match=r"(?s)belongs to another run.*resume_from=step-000003"):
        run_with(settings)


def test_resume_without_a_run_says_so(settings: TrainSettings) -> None:
    with pytest.raises(WeightsError, match=r"(?s)no such training run.*hawkeye train"):
        run_with(settings.model_copy(update={"resume": True}))


def test_an_evaluation_can_be_left(short: TrainSettings) -> None:
    trainer = Trainer(short, StopAfter(short.run, 0))
    trainer.setup()
    with pytest.raises(StopAskedError):
        trainer.evaluate()


# Through the command line, in processes that are really killed


@pytest.fixture
def launch(settings: TrainSettings, tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Starts `hawkeye train` on the made-up store."""
    config = tmp_path / "config.yaml"
    chosen = settings.model_copy(
        update={"steps": 24, "accumulate": 2, "checkpoint_every": 5, "eval_every": 12, "eval_new_tokens": 8}
    )
    config.write_text(yaml.safe_dump(chosen.model_dump(mode="json")))
    all_of_them: list[Started] = []

    def begin(run: Path, *arguments: str, resume: bool = False) -> Started:
        how = ["--resume"] if resume else ["--config", str(config)]
        all_of_them.append(start("train", "--run", str(run), *how, *arguments))
        return all_of_them[-1]

    yield begin
    for started in all_of_them:
        started.signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.long)])
def test_killed_at_random_steps_and_resumed_is_the_same_run(
    launch: Callable[..., Started], tmp_path: Path, workers: int
) -> None:
    whole, run = tmp_path / "whole", tmp_path / "killed"
    launch(whole, f"workers={workers}").ended()
    dice = random.Random(workers)
    last = 0
    for attempt, number in enumerate([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL]):
        process = launch(run, f"workers={workers}", resume=attempt > 0)
        wait_for_lines(process, run, last + dice.randrange(2, 7))
        process.signal(number)
        output = process.ended(code=0 if number == signal.SIGTERM else -number)
        done = int(run_state.checkpoints_of(run)[-1].name[-6:]) if run_state.checkpoints_of(run) else 0
        if number == signal.SIGTERM:
            assert f"hawkeye train --resume --run {run}" in "".join(output.split("\n"))
            assert done == json.loads(lines(run)[-1])["step"] + 1
        else:
            assert json.loads(lines(run)[-1])["step"] + 1 - done <= 5
        last = len(lines(run))
    assert 0 < last < 24
    launch(run, f"workers={workers}", resume=True).ended()
    same(whole, run)
    same_states(whole, run)


def test_the_runs_own_settings_are_taken_up(stopped: tuple[TrainSettings, Path]) -> None:
    settings, run = stopped
    own = load_settings(TrainSettings, config=run / CONFIG, values={"resume": True})
    assert own == settings
