"""`hawkeye ground` as a user meets it: tables, files and exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from hawkeye_core.cli import main
from hawkeye_core.ground.hawkeye import Hawkeye


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def ground(
    hawkeye, ground_run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs the command in this process, with the run's model and the store that all tests share."""

    def call(*arguments: object) -> Done:
        own = ("--checkpoint", ground_run.run, "--config", ground_run.config, "--store", hawkeye.settings.store)
        given = [str(a) for a in (*arguments, *(() if "--checkpoint" in arguments else own))]
        monkeypatch.setattr(sys, "argv", ["hawkeye", "ground", *given])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return Done(int(ended.value.code or 0), said.out, said.err)

    return call


def test_a_table_and_the_files_asked_for(ground, ground_run, tmp_path: Path) -> None:
    done = ground(ground_run.clip, "--out", tmp_path / "found", "--json", "--srt", "--overlay", tmp_path / "o.mp4")
    assert done.code == 0, done.err
    (row,) = [line for line in done.out.splitlines() if "fighting" in line]
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["0.5", "1.5", "fighting"]
    assert "a man hits a man" in row
    assert {path.name for path in (tmp_path / "found").iterdir()} == {"fight.json", "fight.srt"}
    assert json.loads((tmp_path / "found" / "fight.json").read_text())["segments"][0]["category"] == "fighting"
    assert (tmp_path / "o.mp4").stat().st_size > 1000
    assert "is good for nothing: parts of it were never trained" in done.err.replace("\n", " ")
    assert "untrained backbone" in done.err


def test_a_bad_video_does_not_stop_the_others(ground, ground_run, clip, tmp_path: Path) -> None:
    folder = tmp_path / "cams"
    clip(folder / "zoo.mp4", seed=0)  # the clip that was learned
    (folder / "[red]bad.mp4").write_text("no video")
    done = ground(folder, tmp_path / "gone.mp4", "--out", tmp_path / "found", "--exit-on-anomaly")
    assert done.code == 1
    said = done.err.replace("\n", "")
    assert "[red]bad.mp4: is not a video" in said
    assert "gone.mp4: no such file" in said
    assert "2 of 3 videos failed" in said
    assert {path.name for path in (tmp_path / "found").iterdir()} == {"zoo.json"}


def test_something_found_is_an_exit_code_where_it_is_asked_for(ground, ground_run, clip, tmp_path: Path) -> None:
    assert ground(ground_run.clip, "--exit-on-anomaly").code == 3
    assert ground(ground_run.clip).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere/*.mp4"], "/nowhere/*.mp4"),
        (["CLIP", "--presence", "1"], "--presence is 1"),
        (["CLIP", "--overlay", "CLIP"], "is the video itself"),
        (["CLIP", "OTHER", "--overlay", "o.mp4"], "one file is named for 2 videos"),
        (["CLIP", "--out", "CLIP/out"], "no folder can be made there (Not a directory)"),
        (["CLIP", "--checkpoint", "/nowhere/run"], "/nowhere/run: holds no checkpoint"),
        (["CLIP", "--checkpoint", "/nowhere/run", "--config", "no-such"], "presets: paper, tiny, tiny-untrained"),
    ],
)
def test_bad_input_ends_with_2_and_words(ground, ground_run, clip, tmp_path, arguments: list[str], message) -> None:
    other = clip(tmp_path / "other.mp4")
    done = ground(*[a.replace("CLIP", str(ground_run.clip)).replace("OTHER", str(other)) for a in arguments])
    assert done.code == 2
    assert message in done.err.replace("\n", "")


def test_an_interruption_ends_with_130_and_what_was_done_stays(
    ground, ground_run, clip, tmp_path: Path, monkeypatch
) -> None:
    real = Hawkeye.extract

    def interrupted(self, video, **more):
        if "second" in str(video):
            raise KeyboardInterrupt
        return real(self, video, **more)

    monkeypatch.setattr(Hawkeye, "extract", interrupted)
    paths = [clip(tmp_path / name, seed=0) for name in ("first.mp4", "second.mp4")]
    done = ground(*paths, "--out", tmp_path / "found")
    assert done.code == 130
    assert "run the same command to continue" in done.err.replace("\n", " ")
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["first.json"]
