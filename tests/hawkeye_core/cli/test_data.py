"""``hawkeye data``: doctor, build, stats, show, agreement, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hawkeye_core.cli.app import app
from hawkeye_core.datasets.doctor import SETS, diagnose
from hawkeye_core.errors import AnnotationError, ConfigError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["data", *arguments], env={"COLUMNS": "200"})


@pytest.fixture
def ucf(tmp_path: Path) -> Path:
    """UCF-Crime's files with two sources of times."""
    folder = tmp_path / "data" / "ucf_crime"
    folder.mkdir(parents=True)
    (folder / "Anomaly_Train.txt").write_text("Abuse/Abuse001_x264.mp4\nArson/Arson002_x264.mp4\n")
    (folder / "Anomaly_Test.txt").write_text("Robbery/Robbery050_x264.mp4\n")
    (folder / "Temporal_Anomaly_Annotation.txt").write_text("Robbery050_x264.mp4  Robbery  30  150  -1  -1  \n")
    record = {"n_frames": 900, "fps": 30.0}
    events = {
        "Abuse001_x264": {**record, "label": ["Abuse"], "events": [[1.0, 16.0]]},
        "Arson002_x264": {**record, "label": ["Arson"], "events": [[20.0, 25.0]]},
    }
    (folder / "hivau70k_ucf_train_events_compact.json").write_text(json.dumps(events))
    (folder / "glancevad_ucf_glance_annotations.csv").write_text(
        "video-id,glance\nAbuse001_x264,255\nArson002_x264,30\n"
    )
    return folder


def test_build_stats_and_show(ucf: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "tables")
    built = run("build", f"ucf_crime.annotations={ucf}", f"out={out}")
    assert built.exit_code == 0, built.output
    stats = run("stats", "--out", out)
    assert "S-D train" in stats.output
    assert "810" in stats.output  # what the paper has stands beside it
    page = tmp_path / "abuse.html"
    shown = run("show", "Abuse001_x264", "--out", out, "--html", str(page))
    assert "1.0 to     16.0 s" in shown.output
    assert "From 1.0 to 16.0 seconds" in shown.output
    assert "From 1.0 to 16.0 seconds" in page.read_text()


def test_exit_codes_tell_missing_from_wrong(ucf: Path, tmp_path: Path) -> None:
    out = f"out={tmp_path / 'tables'}"
    assert run("build", f"ucf_crime.annotations={ucf}", f"ucf_crime.videos={tmp_path}", out).exit_code == 1
    broken = run("build", f"ucf_crime.annotations={tmp_path / 'nowhere'}", out)
    assert isinstance(broken.exception, AnnotationError)  # which the command line turns into words and exit code 2
    assert "nowhere" in str(broken.exception)


def test_agreement_of_two_sources(ucf: Path) -> None:
    told = run("agreement", str(ucf), "-a", "hivau-70k", "-b", "glancevad")
    assert told.exit_code == 0, told.output
    assert "2 videos, 1 without a common frame" in told.output
    abuse = next(line for line in told.output.splitlines() if "Abuse" in line)
    assert "1.000" in abuse  # 8.5 s and 7.5 s to both sides is 1 to 16 s
    assert isinstance(run("agreement", str(ucf), "-b", "texts").exception, ConfigError)
    assert isinstance(run("agreement", str(ucf), "-b", "rumours").exception, ConfigError)


def test_the_doctor_says_what_is_there_and_what_to_do(ucf: Path, tmp_path: Path) -> None:
    told = run("doctor", str(ucf.parent))
    assert told.exit_code == 0  # one set can be used
    assert "holds 0 of 1,900" in told.output
    assert "HumanML3D" in told.output
    assert run("doctor", str(tmp_path / "empty")).exit_code == 1
    found = {one.data_set.name: one for one in diagnose(ucf.parent)}
    assert found["UCF-Crime"].usable
    assert not found["TSL-300"].usable
    assert str(found["TSL-300"].folder) in found["TSL-300"].next_step
    (ucf / "videos" / "Abuse").mkdir(parents=True)
    (ucf / "videos" / "Abuse" / "Abuse001_x264.mp4").touch()
    again = {one.data_set.name: one for one in diagnose(ucf.parent)}["UCF-Crime"]
    assert [seen.files for seen in again.pieces if seen.piece.path == "videos/"] == [1]


def test_every_set_names_home_and_licence() -> None:
    for one in SETS:
        assert one.home.startswith("https://")
        assert one.licence
        assert any(piece.needed for piece in one.pieces)


def test_show_of_an_unknown_video_says_where_it_looked(ucf: Path, tmp_path: Path) -> None:
    out = tmp_path / "tables"
    run("build", f"ucf_crime.annotations={ucf}", f"out={out}")
    assert "stage2.parquet" in str(run("show", "Nobody", "--out", str(out)).exception)
    assert "hawkeye data build" in str(run("stats", "--out", str(tmp_path / "none")).exception)
