"""The study as a command: small scripts in place of trainings, then once the real thing on four videos."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import ablation, lanes
from flows.ablation_status import standing
from flows.ablation_steps import EVALUATE, TUNE, plan
from flows.stamps import Stamps
from flows.steps import Step
from hawkeye_core.ablation.config import AblationSettings

ROOT = Path(__file__).resolve().parents[2]
RESULT = {"rows": [{"f2": 0.5, "mean_ap": {"mean": 0.25}}]}


def small(step: Step) -> Step:
    """The step with a script that leaves what the real command leaves, and fails where a file ``fail-NAME`` lies."""
    base = step.fresh[0].parent.parent if step.fresh else Path()
    lines = [f"import json, pathlib, sys; base = pathlib.Path({str(base)!r})"]
    if step.fresh:
        lines.append(f"if (base / 'fail-{step.name}').exists(): print('out of luck'); sys.exit(3)")
        lines.append(f"p = pathlib.Path({str(step.fresh[0])!r}); p.mkdir(parents=True)")
    if step.run is not None:
        lines.append("(p / 'run.json').write_text(json.dumps({'status': 'finished', 'steps': 3}))")
        lines.append("[(p / name).mkdir(parents=True) for name in ('checkpoint', 'checkpoints/step-000003')]")
    if step.kind == EVALUATE:
        lines.append(f"(p / 'results.json').write_text({json.dumps(RESULT)!r})")
    words = (sys.executable, "-c", "\n".join(lines))
    return Step(step.name, step.title, words, step.key, step.run, "", step.needs, step.kind, step.fresh)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(ablation, "plan", lambda settings: [small(step) for step in plan(settings)])
    monkeypatch.setattr(ablation.os, "nice", lambda by: 0)
    monkeypatch.setattr(lanes, "POLL_S", 0.02)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield tmp_path / "study"
    for number, handler in before.items():
        signal.signal(number, handler)


def words(folder: Path, *more: str) -> list[str]:
    return [
        f"folder={folder}",
        "preset=tiny",
        "variants=[hawkeye, no-asg]",
        "seeds=2",
        "jobs=2",
        "label_steps=0",
        *more,
    ]


def test_a_study_from_nothing_to_its_table_and_not_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablation.main(words(folder)) == 0
    said = capsys.readouterr().out
    titles = re.findall(r"begins  (.*)", said)
    assert titles[:2] == ["drawing the world", "features of the videos, graphs made of the truth"]
    assert {"Hawkeye, seed 0: stage 2", "w/o ASG, seed 1: evaluation (test)"} < set(titles)
    assert titles[-1] == "the report (test)"
    # The first full table as soon as every row has seed 0, the last one at the end.
    assert said.count("ReconSim 'tiny', test videos") == 2
    assert said.index("ReconSim") < said.index("begins  the report")
    assert "50.0" in said
    # Of a finished training the final checkpoint stays.
    runs = folder / "runs"
    assert sorted(path.name for path in runs.iterdir()) == [
        "hawkeye-seed0", "hawkeye-seed1", "hawkeye-stage1", "no-asg-seed0", "no-asg-seed1", "no-asg-stage1"
    ]  # fmt: skip
    assert {path.name for run in runs.iterdir() for path in run.iterdir()} == {"run.json", "checkpoint"}
    assert ablation.main(words(folder)) == 0
    assert "begins" not in capsys.readouterr().out
    # Another split is evaluated, nothing is trained again; a changed recipe trains again.
    stamps = {path.name: path.stat().st_mtime_ns for path in (folder / "done").iterdir()}
    assert ablation.main(words(folder, "presence=0.4")) == 0
    assert set(re.findall(r"begins  (.*)", capsys.readouterr().out)) == {
        t for t in titles if "eval" in t or "report" in t
    }
    assert all(stamps[f"{run.name}.json"] == (folder / "done" / f"{run.name}.json").stat().st_mtime_ns
               for run in runs.iterdir())  # fmt: skip


def test_a_failing_step_ends_its_chain_alone_and_is_tried_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "fail-no-asg-seed0").touch()
    assert ablation.main(words(folder)) == 1
    said = capsys.readouterr()
    assert "w/o ASG, seed 0: stage 2: the command ended with 3" in said.err
    assert "out of luck" in said.err
    assert "1 FAILED (w/o ASG, seed 0: stage 2)" in said.out
    assert "done    w/o ASG, seed 1: evaluation (test)" in said.out
    assert "begins  the report" not in said.out
    assert ablation.main(["status", f"folder={folder}"]) == 0
    assert "13 steps: 10 done; 0 running; 2 waiting; 1 FAILED" in " ".join(capsys.readouterr().out.split())
    (folder / "fail-no-asg-seed0").unlink()
    assert ablation.main(words(folder)) == 0
    assert re.findall(r"begins  (.*)", capsys.readouterr().out) == [
        "w/o ASG, seed 0: stage 2", "w/o ASG, seed 0: evaluation (test)", "the report (test)"
    ]  # fmt: skip


def test_status_and_table_take_the_settings_of_the_last_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablation.main(words(folder)) == 0
    capsys.readouterr()
    assert ablation.main([f"folder={folder}", "status"]) == 0
    assert capsys.readouterr().out.strip() == f"{folder}: 13 steps: 13 done; 0 running; 0 waiting"
    assert ablation.main(["table", f"folder={folder}"]) == 0
    table = capsys.readouterr().out
    assert "w/o ASG" in table
    assert "scene: off" not in table
    assert ablation.main(["status", f"folder={folder.parent / 'nothing'}"]) == 0
    assert "84 steps: 0 done" in capsys.readouterr().out
    assert not (folder.parent / "nothing").exists()


def test_two_processes_do_not_work_in_one_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ablation._alone(AblationSettings(folder=str(folder))):
        assert ablation.main(words(folder)) == 1
    assert "another process is at work in this folder" in capsys.readouterr().err


def test_wrong_words_are_said_before_anything_is_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablation.main([f"folder={folder}", "seed=3"]) == 1
    assert ablation.main([f"folder={folder}", "stauts"]) == 1
    assert "'stauts' is not of the form a.b=value" in " ".join(capsys.readouterr().err.split())
    assert not folder.exists()


def test_the_command_opens_without_torch_and_prefect() -> None:
    code = "import sys, flows.ablation; print([m for m in ('torch', 'prefect', 'transformers') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_time_left_is_what_kinds_of_steps_have_taken(tmp_path: Path) -> None:
    settings = AblationSettings(
        folder=str(tmp_path), preset="tiny", variants=("hawkeye", "no-asg"), seeds=2, label_steps=0
    )
    steps, stamps = plan(settings), Stamps(tmp_path / "done")
    assert standing(steps, stamps, tmp_path, jobs=2).left_s is None
    for step, seconds in zip(steps[:7], (40.0, 60.0, 30.0, 30.0, 100.0, 10.0, 120.0), strict=True):
        stamps.finish(step, seconds=seconds)
    assert [step.kind for step in steps[4:7]] == [TUNE, EVALUATE, TUNE]
    found = standing(steps, stamps, tmp_path, jobs=2)
    assert found.left_s == (2 * 110.0 + 3 * 10.0) / 2
    assert (found.done, found.waiting) == (7, 6)
    assert found.line().endswith("about 2 min left")
    # One that runs: by its own speed.
    run, last = steps[8].run, steps[8]
    assert run is not None
    stamps.begin(last)
    run.mkdir(parents=True)
    (run / "metrics.jsonl").write_text("\n" + json.dumps({"step": 9, "seconds": 2.0}) + "\n")
    (run / "run.json").write_text('{"steps": 30}')
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        from psutil import Process

        note = {"pid": process.pid, "started": Process(process.pid).create_time()}
        (tmp_path / f"{last.name}.pid").write_text(json.dumps(note))
        found = standing(steps, stamps, tmp_path, jobs=2)
        assert found.running == ("Hawkeye, seed 1: stage 2 9/30",)
        assert found.left_s == (40.0 + 110.0 + 3 * 10.0) / 2
    finally:
        process.kill()
        process.wait()
