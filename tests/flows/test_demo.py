"""The whole demonstration on a world of four videos: drawn, extracted with the shipped weights, trained, reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import demo
from flows.stamps import Stamps
from flows.steps import Step
from hawkeye_core.cli.app import app
from hawkeye_core.demo.config import DemoSettings
from hawkeye_core.errors import WeightsError
from hawkeye_core.tiny.shipped import shipped, shipped_llava

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.server]


def run_here(step: Step, *, resumed: bool) -> None:
    """Mostly in this process: each command would import torch anew, which takes longer than what it does here."""
    words = step.command(resumed=resumed)
    assert words[:2] == [sys.executable, "-m"]
    if words[2] == "flows.extract":
        # A process of its own: Prefect reads its settings once.
        env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        subprocess.run(words, check=True, env=env)
    else:
        assert words[2] == "hawkeye_core.cli"
        found = CliRunner().invoke(app, words[3:], catch_exceptions=False)
        assert found.exit_code == 0, found.output


def chains_here(chains: dict[str, list[Step]], stamps: Stamps, settings: DemoSettings) -> None:
    for steps in chains.values():
        for step in steps:
            if not stamps.is_done(step):
                run_here(step, resumed=stamps.begin(step))
                assert not step.unfinished()
                stamps.finish(step, seconds=1.0)


@pytest.mark.usefixtures("empty_database")
def test_four_videos_from_nothing_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        shipped("pose"), shipped("relations"), shipped_llava()
    except WeightsError as error:
        pytest.skip(f"the package holds no weights: {error}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_do", run_here)
    monkeypatch.setattr(demo, "_do_chains", chains_here)
    settings = DemoSettings(
        folder=str(tmp_path / "demo"), preset="tiny", jobs=1, stage1_steps=2, stage2_steps=3, oracle=False, show=False
    )
    report = demo.run(settings)
    page = report.read_text(encoding="utf-8")
    rows = ["Hawkeye-tiny", "scene: off", "all positive", "random 1 s clips"]
    for expected in (*rows, "OKS-AP", "95 % interval", "<svg"):
        assert expected in page
    results = json.loads(settings.paths.results.read_text())
    assert [row["name"] for row in results["rows"]] == rows
    assert set(results["hawkeye_minus"]) == set(rows[1:])
    everything = next(row for row in results["rows"] if row["name"] == "all positive")
    assert (everything["fnr"], everything["recall"]) == (0.0, 1.0)
    assert 0 <= results["graphs"]["extracted"]["keypoint_ap"] <= 1
    assert results["graphs"]["extracted"]["frames"] > 90
    begun = [path.stat().st_mtime_ns for path in sorted(settings.paths.done.iterdir())]

    def refuse(step: Step, *, resumed: bool) -> None:
        raise AssertionError(f"{step.name} was done already")

    monkeypatch.setattr(demo, "_do", refuse)
    assert demo.run(settings) == report
    assert [path.stat().st_mtime_ns for path in sorted(settings.paths.done.iterdir())] == begun


def test_a_command_that_fails_ends_the_demonstration_with_the_step_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = demo.main([f"folder={tmp_path / 'demo'}", "preset=nowhere"])
    assert code == 1
    said = capfd.readouterr().err
    assert "drawing a world of surveillance videos: the command ended with 2" in said or "ended with 1" in said
    assert "then run `make demo` again" in said


def test_settings_are_checked_before_anything_is_done(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert demo.main([f"folder={tmp_path / 'demo'}", "job=3"]) == 1
    assert "job" in capfd.readouterr().err
    assert not (tmp_path / "demo").exists()
