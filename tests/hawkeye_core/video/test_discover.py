"""Files, folders and patterns to a sorted list of videos."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hawkeye_core.errors import VideoMissingError
from hawkeye_core.video.discover import find_videos


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "b.mp4",
        "a.AVI",
        "notes.txt",
        "sub/deep/c.mkv",
        "sub/._c.mkv",
        ".hidden/d.mp4",
        "odd.bin",
        "x[1].mp4",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*patterns: str) -> list[str]:
    return [path.as_posix() for path in find_videos(patterns)]


def test_folder_is_searched_recursively(tree: Path) -> None:
    assert names(".") == ["a.AVI", "b.mp4", "sub/deep/c.mkv", "x[1].mp4"]


def test_named_file_of_any_extension(tree: Path) -> None:
    assert names("notes.txt", "odd.bin") == ["notes.txt", "odd.bin"]


def test_patterns(tree: Path) -> None:
    assert names("*") == ["a.AVI", "b.mp4", "sub/deep/c.mkv", "x[1].mp4"]
    assert names("**/*.mkv") == ["sub/deep/c.mkv"]
    assert names("*.bin") == ["odd.bin"]
    assert names("su?") == ["sub/deep/c.mkv"]
    assert names("sub/**") == ["sub/deep/c.mkv"]


def test_brackets_in_a_file_name(tree: Path) -> None:
    assert names("x[1].mp4") == ["x[1].mp4"]


def test_each_file_once(tree: Path) -> None:
    os.symlink(tree / "b.mp4", tree / "zz.mp4")
    assert names("b.mp4", str(tree / "b.mp4"), "zz.mp4", "./b.mp4") == ["b.mp4"]


def test_circle_of_links_ends(tree: Path) -> None:
    for name in ("again", "and_again", "once_more"):  # followed blindly, 3 to the power of 40 folders
        os.symlink(tree / "sub", tree / "sub/deep" / name)
    assert names("sub") == ["sub/deep/c.mkv"]


def test_linked_folder_is_followed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("disk2")
    (elsewhere / "e.mp4").touch()
    os.symlink(elsewhere, tree / "linked")
    assert "linked/e.mp4" in names(".")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("gone", "no such file"),
        ("gone.bin", "no such file"),
        ("*.webm", "matches no video"),
        ("empty", "holds no video"),
        ("sub/deep/*.mp4", "no"),
    ],
)
def test_nothing_found_names_the_pattern(pattern: str, message: str, tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(VideoMissingError, match=message) as caught:
        find_videos(["b.mp4", pattern])
    assert caught.value.path == pattern
    assert caught.value.remedy


def test_a_missing_file_among_others_is_left_to_fail_alone(tree: Path) -> None:
    assert names("b.mp4", "gone.mp4", "gone.mp4") == ["b.mp4", "gone.mp4"]


def test_files_that_are_all_missing_are_refused(tree: Path) -> None:
    with pytest.raises(VideoMissingError, match="no such file") as caught:
        find_videos(["gone.mp4", "lost.mp4"])
    assert caught.value.path == "gone.mp4"


def test_nothing_named() -> None:
    with pytest.raises(VideoMissingError, match="no video was named"):
        find_videos([])
