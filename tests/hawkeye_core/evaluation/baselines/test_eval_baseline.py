"""``hawkeye eval --model``, as a user types it: the folder that it writes, rows beside it, and what it refuses."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hawkeye_core.answers.segments import Segment
from hawkeye_core.cli.app import app
from hawkeye_core.errors import AnnotationError, ConfigError, HawkeyeError, VideoMissingError
from hawkeye_core.evaluation.baselines.annotated import video_files
from hawkeye_core.evaluation.baselines.evaluate import evaluate_baseline
from hawkeye_core.evaluation.command import command_of
from hawkeye_core.evaluation.config import EvalSettings
from hawkeye_core.evaluation.folder import read_evaluation
from hawkeye_core.settings import load_settings

from .conftest import draw

TRIVIAL = ["all positive", "random 1 s clips", "oracle 1 s clips"]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", *map(str, words)])


@pytest.fixture
def common(video_folder: Path, annotations: Path, tmp_path: Path) -> list[str]:
    return ["--videos", str(video_folder), "--annotations", str(annotations), "--out", str(tmp_path / "out"),
            "--store", str(tmp_path / "no-store"), "device=cpu"]  # fmt: skip


def test_a_model_from_a_folder_to_scores(common: list[str], model_folder: Callable[..., Path], tmp_path: Path) -> None:
    words = ["--model", f"hf:{model_folder('video-llava', rigged=True)}", *common, "baseline.frames=4", "--name", "VL"]
    first = run(*words)
    assert first.exit_code == 1, first.output  # a video cannot be used
    found = read_evaluation(tmp_path / "out")
    assert (found.protocol.name, found.protocol.kind, found.protocol.split) == ("VL", "baseline", "test")
    assert [(item.video, item.duration_s) for item in found.protocol.videos] == [("a", 10.0), ("bad", 3.0), ("b", 6.0)]
    assert found.protocol.videos[0].segments[0].reason == "a man takes a bag"
    assert "baseline.frames=4" in found.protocol.command
    assert found.protocol.videos[0].category == "theft"
    segments = {item.video: [s.segment for s in item.segments] for item in found.predictions}
    assert segments == {"a": [Segment(2.5, 4.0)], "b": [Segment(2.5, 4.0)]}
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["name"] for row in result["rows"]] == ["VL", *TRIVIAL]
    # 12 frames found, 12 too many in b, 16 missed in the video that cannot be used.
    assert (result["rows"][0]["precision"], result["rows"][0]["fnr"]) == (pytest.approx(0.5), pytest.approx(16 / 28))
    assert result["missing"] == ["bad"]
    assert result["remarks"] == {"note: file cannot be used (counted as missed)": 1}
    assert result["statuses"]["ok"] == 2
    assert found.seconds_per_minute is not None
    assert "from video files" in (tmp_path / "out" / "results.md").read_text()
    # The same command again computes nothing and gives the same bytes.
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert run(*words).exit_code == 1
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}


def test_motion_energy_learns_on_the_training_split_alone(common: list[str], tmp_path: Path) -> None:
    assert run("--model", "motion-energy", *common).exit_code == 1  # `bad` again
    found = read_evaluation(tmp_path / "out")
    assert (found.protocol.name, found.protocol.kind) == ("motion energy", "baseline")
    by_video = {item.video: item for item in found.predictions}
    ((start, end),) = [(s.segment.start_s, s.segment.end_s) for s in by_video["a"].segments]
    assert start <= 4 < 6 <= end  # the box moves from 4 to 6 s
    curve = by_video["a"].curve
    assert curve is not None
    assert len(curve) == 10
    assert min(curve[4:6]) > max(curve[:3] + curve[8:])
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "on the 1 training videos" in result["protocol"]
    assert [row["name"] for row in result["rows"]] == ["motion energy", *TRIVIAL]
    before = (tmp_path / "out" / "predictions.jsonl").read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "kept").iterdir()}
    assert len(kept) == 3
    assert run("--model", "motion-energy", *common).exit_code == 1
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "kept").iterdir()} == kept
    assert (tmp_path / "out" / "predictions.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["model=motion-energy", "split=all"], AnnotationError, "chosen on 1 of the videos to judge: learn"),
        (["model=motion-energy", "videos=/no/such/folder"], VideoMissingError, "no such file or folder"),
        (["model=motion-energy", "annotations=/no/such.jsonl"], AnnotationError, "no such annotation file"),
        (["model=motion-energy", "annotations=/no/such.parquet"], AnnotationError, "no such table"),
        (["model=motion-energy", "sentiment=S-S"], ConfigError, "do not say which sentiment"),
        (["model=movement"], ConfigError, "motion-energy or hf:NAME"),
        (["model='hf: '"], ConfigError, "motion-energy or hf:NAME"),
        (["model=hf:x", "baseline.frames=0"], ConfigError, r"baseline\.frames"),
        (["model=hf:x", "baseline.window_s=.nan"], ConfigError, r"baseline\.window_s"),
        (["model=hf:x", "baseline.prompt_template=x"], ConfigError, "must have {question} and {video} once each"),
        (["model=hf:x", "predictions=y"], ConfigError, "not both"),
        (["model=hf:x", "videos=null"], ConfigError, "given together"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_model_is_loaded(
    video_folder: Path, annotations: Path, tmp_path: Path, words: list[str], error: type[HawkeyeError], said: str
) -> None:
    base = [f"videos={video_folder}", f"annotations={annotations}", f"out={tmp_path}", f"store={tmp_path / 'none'}"]
    with pytest.raises(error, match=said):
        evaluate_baseline(load_settings(EvalSettings, overrides=[*base, *words]))


def test_a_segment_behind_a_whole_file_is_an_error_and_behind_a_cut_one_a_miss(
    video_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    for name in ("a", "learn"):
        shutil.copy(video_folder / f"{name}.mp4", tmp_path / "videos")
    line = '{{"video": "{}", "split": "{}", "segments": [{{"start": {}, "end": {}, "category": "x"}}]}}\n'
    path = tmp_path / "s.jsonl"
    path.write_text(line.format("a", "test", 11, 12) + line.format("learn", "train", 3, 5))
    settings = EvalSettings(model="motion-energy", videos=str(tmp_path / "videos"), annotations=str(path),
                            out=str(tmp_path / "out"), store=str(tmp_path / "none"))  # fmt: skip
    with pytest.raises(AnnotationError, match=r"'a' lasts 10\.0 s; a segment is at 11"):
        evaluate_baseline(settings)
    draw(tmp_path / "videos" / "a.avi")
    (tmp_path / "videos" / "a.mp4").unlink()
    whole = (tmp_path / "videos" / "a.avi").read_bytes()
    (tmp_path / "videos" / "a.avi").write_bytes(whole[: len(whole) * 2 // 3])
    result = evaluate_baseline(settings)
    assert result.rows[0].fnr == 1.0
    assert any("behind the end of a cut video" in rule for rule in result.remarks)
    (item,) = read_evaluation(tmp_path / "out").predictions
    assert item.curve is not None
    assert len(item.curve) == 12
    assert item.curve[-1] == 0.0


def test_the_command_in_the_protocol_says_the_settings_again() -> None:
    baseline = {
        "prompt_template": "USER: {video}\n{question} A: 'x'",
        "question": "no",
        "window_s": 64,
        "parser": "glue",
    }
    settings = EvalSettings.model_validate(
        {"model": "hf:a/b c", "videos": "my videos", "baseline": baseline, "name": "on", "seed": 3}
    )
    _, _, *words = shlex.split(command_of(settings, options=("model", "videos", "annotations", "out")))
    options = [word.removeprefix("--") for word in words]
    assert load_settings(EvalSettings, overrides=options) == settings


def test_files_are_called_as_extraction_calls_them(video_folder: Path, tmp_path: Path) -> None:
    for folder, source, name in (("x", "a", "cam 1"), ("y", "b", "cam 1"), ("z", "a", "cam_2"), ("z", "b", "Näh")):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(video_folder / f"{source}.mp4", tmp_path / folder / f"{name}.mp4")
    found = {video: f"{path.parent.name}/{path.name}" for video, path in video_files(tmp_path).items()}
    (other,) = set(found) - {"cam_1", "cam_2", "Nah"}
    assert (found["cam_1"], found["cam_2"], found["Nah"]) == ("x/cam 1.mp4", "z/cam_2.mp4", "z/Näh.mp4")
    assert other.startswith("cam_1-")
    assert found[other] == "y/cam 1.mp4"
