"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hawkeye_core.atomic import replacing, write_text


def test_a_file_is_written_with_its_folder_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a" / "b.json", "ä")
    assert path.read_text(encoding="utf-8") == "ä"
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_an_error_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = write_text(tmp_path / "b.json", "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert temporary.suffix == ".json"
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]
