"""docs/ground.md: its examples run, its keys are those of the records, its exit codes those of the command."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from hawkeye_core.cli import ground as command
from hawkeye_core.cli import loading
from hawkeye_core.ground import records
from hawkeye_core.ground.hawkeye import Hawkeye
from hawkeye_core.ground.outputs_text import COLUMNS, FORMAT, VERSION

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "ground.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_run_one_after_the_other(
    hawkeye, ground_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ground_run.clip, "video.mp4")
    Path("letter.txt").write_text("no video\n" * 50)
    monkeypatch.setattr(Hawkeye, "from_pretrained", lambda *_: hawkeye)
    names: dict[str, object] = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/ground.md", "exec"), names)
    said = capsys.readouterr().out
    assert len(EXAMPLES) == 4
    assert "0.5 to 1.5 s: fighting, as a man hits a man" in said
    assert "answering 1 1" in said
    assert "letter.txt: is not a video" in said
    assert {path.name for path in Path("found").iterdir()} == {"video.json", "video.vtt", "video.mp4"}


def test_every_key_of_the_json_stands_on_the_page() -> None:
    shown = set(re.findall(r"`([a-z0-9_]+)`", PAGE))
    kinds = [kind for kind in vars(records).values() if dataclasses.is_dataclass(kind)]
    keys = {field.name for kind in kinds for field in dataclasses.fields(kind)} - {"seconds"}
    assert len(kinds) == 9
    assert not keys - shown
    assert not set(COLUMNS) - shown
    assert f'`"format": "{FORMAT}"`, `"version": {VERSION}`' in PAGE


def test_the_exit_codes_are_those_of_the_command() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \| ", PAGE.split("## Exit codes")[1].split("##")[0], re.M)]
    assert codes == [0, command.FAILED, command.BAD_INPUT, command.FOUND, command.INTERRUPTED]
    options = set(re.findall(r"`(--[a-z-]+)`", PAGE))
    source = Path(str(command.__file__)).read_text() + Path(str(loading.__file__)).read_text()
    assert not {name for name in options if name not in source and name != "--no-curve"}
