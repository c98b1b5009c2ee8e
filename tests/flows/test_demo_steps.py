"""The demonstration's plan and its memory of what is done; the whole of it runs in test_demo.py."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flows import demo, runners, steps
from flows.demo_steps import plan
from flows.lanes import StepFailedError
from flows.stamps import Stamps
from flows.steps import Step
from hawkeye_core.demo import config
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.demo.report import verdict
from hawkeye_core.demo.results import Compared
from hawkeye_core.evaluation.bootstrap import Difference


@pytest.fixture
def settings(tmp_path: Path) -> DemoSettings:
    return DemoSettings(folder=str(tmp_path / "demo"))


def test_every_row_is_trained_in_two_stages_and_measured_after_its_features_are_there(settings: DemoSettings) -> None:
    names = [step.name for step in plan(settings)]
    assert names[:3] == ["draw", "extract-extracted", "extract-oracle"]
    assert not next(step for step in plan(settings) if step.name == "extract-extracted").chain
    for system in ("hawkeye", "scene-off", "oracle"):
        mine = [name for name in names if name.startswith(f"{system}-")]
        assert mine == [f"{system}-stage1", f"{system}-stage2", f"{system}-eval"]
    without = [step.name for step in plan(settings.model_copy(update={"oracle": False}))]
    assert not [name for name in without if "oracle" in name]


def test_a_key_changes_with_all_that_comes_before(settings: DemoSettings) -> None:
    def keys(**changed: object) -> dict[str, str]:
        return {step.name: step.key for step in plan(settings.model_copy(update=changed))}

    before = keys()
    assert keys() == before
    assert {name for name, key in keys(seed=1).items() if key == before[name]} == set()
    assert keys(jobs=7) == before
    same = {name for name, key in keys(stage2_steps=7).items() if key == before[name]}
    assert same == {name for name in before if not name.endswith(("stage2", "eval"))}


def test_a_step_is_done_only_with_the_key_it_was_done_with(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "done")
    step = Step("draw", "drawing", ("python", "-m", "x", "1"), "")
    other = replace(step, words=("python", "-m", "x", "2"))
    assert not stamps.is_done(step)
    assert stamps.begin(step) is False
    assert not stamps.is_done(step)
    assert stamps.begin(step) is True
    stamps.finish(step, seconds=3.21)
    assert stamps.is_done(step)
    assert stamps.seconds(step) == 3.2
    assert not stamps.is_done(other)
    assert stamps.begin(other) is False
    assert not stamps.is_done(step)
    (tmp_path / "done" / "draw.json").write_text("{")
    assert not stamps.is_done(step)


def test_the_interpreter_is_no_part_of_a_key() -> None:
    step = Step("draw", "drawing", ("/usr/bin/python", "-m", "x"), "")
    assert step.key == replace(step, words=("/other/python", "-m", "x")).key


def test_an_interrupted_training_goes_on_from_its_checkpoint_and_only_from_one(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("python", "-m", "hawkeye_core.cli", "train", "--config", "demo-stage2", "--run", str(run))
    step = Step("hawkeye-stage2", "training", words, "", run)
    assert step.unfinished()
    assert step.command(resumed=True) == list(words)
    (run / "checkpoints" / "step-000100").mkdir(parents=True)
    assert step.command(resumed=False) == list(words)
    assert step.command(resumed=True) == [*words[:4], "--resume", "--run", str(run)]
    for status, unfinished in (("running", True), ("stopped", True), ("finished", False)):
        (run / "run.json").write_text(json.dumps({"status": status}))
        assert step.unfinished() is unfinished


def test_chains_run_in_lanes_and_a_failure_is_raised(settings: DemoSettings, tmp_path: Path) -> None:
    def step(name: str, code: str, *needs: str) -> Step:
        return Step(name, f"Hawkeye: {name}", (sys.executable, "-c", code), "", None, "Hawkeye", needs)

    stamps, first, bad = Stamps(tmp_path / "done"), step("first", ""), step("bad", "raise SystemExit(3)", "first")
    demo._do_chains({"Hawkeye": [first]}, stamps, settings)
    assert stamps.is_done(first)
    with pytest.raises(StepFailedError, match=r"Hawkeye: bad: the command ended with 3(?s:.*)`make demo`"):
        demo._do_chains({"Hawkeye": [first, bad]}, stamps, settings)


def test_the_runners_variable_is_the_flows() -> None:
    assert demo.RUNNER_VARIABLE == runners.RUNNER_VARIABLE


def test_the_report_says_whether_hawkeye_is_ahead() -> None:
    def row(name: str, low: float) -> Compared:
        return Compared(name, Difference(0.1, low, 0.2, 0.01), Difference(0.1, 0.05, 0.2, 0.01))

    oracle = row("Hawkeye-tiny, oracle graphs", -0.3)
    assert verdict([row("scene: off", 0.02), row("all positive", 0.01), oracle]).startswith(
        "It is ahead of every rival"
    )
    doubtful = verdict([row("scene: off", 0.02), row("all positive", -0.01), oracle])
    assert "not surely ahead of \u201call positive\u201d in both" in doubtful


def test_weights_that_nothing_begins_with_are_no_part_of_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path = tmp_path / "hawkeye"  # as a clone may be called
    tmp_path.mkdir()
    monkeypatch.setattr(steps, "shipped_folder", lambda: tmp_path)
    keys: dict[str, list[str]] = {"": [], "shipped": [], "shipped-answers": []}
    for name in ("pose", "hawkeye/trainable", "hawkeye-answers/trainable", "hawkeye-plain/trainable"):
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
        for start, found in keys.items():
            found.append(steps.package_weights(start))
    assert [len(dict.fromkeys(found)) for found in keys.values()] == [1, 2, 2]
    assert keys["shipped-answers"][0] == keys["shipped-answers"][1] != keys["shipped-answers"][2]


def test_every_row_depends_on_the_weights_it_begins_with(
    settings: DemoSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(name: str) -> set[str]:
        before = {step.name: step.key for step in plan(settings)}
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainable.safetensors").write_bytes(b"new")
        return {step.name for step in plan(settings) if step.key != before[step.name]}

    monkeypatch.setattr(steps, "shipped_folder", lambda: tmp_path)
    rows = {
        key: {f"{key}-{part}" for part in ("stage1", "stage2", "eval")} for key in ("hawkeye", "oracle", "scene-off")
    }
    assert changed("hawkeye") == set()
    assert changed("hawkeye-answers") == rows["hawkeye"] | rows["oracle"]
    assert changed("hawkeye-plain") == rows["scene-off"]


def test_precision_is_that_of_the_cpu_unless_it_is_named(
    settings: DemoSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(**values: object) -> set[str]:
        words = next(
            step.words for step in plan(settings.model_copy(update=values)) if step.name == "extract-extracted"
        )
        return {word for word in words if ".precision=" in word}

    for able, name in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(config, "multiplies_bfloat16", lambda able=able: able)
        assert asked() == {f"pose.precision={name}", f"relations.precision={name}"}
    assert asked(precision="bfloat16") == {"pose.precision=bfloat16", "relations.precision=bfloat16"}
    assert isinstance(config.multiplies_bfloat16(), bool)
