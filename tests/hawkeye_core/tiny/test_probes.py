"""The measuring scripts beside the benchmarks that tell which part of the graphs limits a model, on a small world."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hawkeye_core.datasets.reconsim.truth_files import read_truth

from .drawn_store import write_world

SCRIPTS = Path(__file__).parents[2] / "benchmarks"


def ran(script: str, *options: str) -> str:
    """What the script prints."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *options], capture_output=True, text=True, check=False, timeout=240,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(SCRIPTS.parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[Path, Path]:
    return write_world(tmp_path_factory.mktemp("probe"), {"a": "test", "b": "test"})


def test_relations_read_from_true_graphs_are_all_right(world):
    table = ran("relation_probe.py", "--true", str(world[1]), "--found", str(world[1]), "--least", "8")
    assert "2 videos" in table
    for line in ("there or not", "its score"):
        values = next(row for row in table.splitlines() if line in row)
        assert "1.000" in values, "the truth finds itself in every single frame"


def test_too_few_frames_are_said(world):
    with pytest.raises(AssertionError, match="lower --least"):
        ran("relation_probe.py", "--true", str(world[1]), "--found", str(world[1]), "--least", "100000")


def test_a_model_answers_four_times_and_equal_graphs_give_equal_rows(world, tmp_path):
    folder, store = world
    annotations = tmp_path / "segments.jsonl"
    truths = [read_truth(folder / "truth", video) for video in ("a", "b")]
    rows = []
    for truth in truths:
        segments = [
            {"start": s.start_s, "end": s.end_s, "category": "assault", "reason": "hits him"} for s in truth.segments
        ]
        rows.append({"video": truth.video, "split": "test", "segments": segments})
    annotations.write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = ran("mixed_graphs.py", "--annotations", str(annotations), "--true", str(store), "--found", str(store))
    found = [line.split()[-6:] for line in table.splitlines() if line.count("│") >= 4]
    assert len(found) == 4
    assert len({tuple(row[-5:]) for row in found}) == 1
