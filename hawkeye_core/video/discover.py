"""Finds the videos a user names: files, folders, glob patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hawkeye_core.errors import VideoMissingError

VIDEO_EXTENSIONS: frozenset[str] = frozenset(
    ".3g2 .3gp .asf .avi .divx .dv .f4v .flv .h264 .h265 .hevc .m1v .m2ts .m2v .m4v .mjpeg .mjpg .mkv .mov .mp4 .mpeg "
    ".mpg .mts .mxf .ogv .ts .vob .webm .wmv".split()
)
"""Extensions taken for video when a folder is searched, in lower case."""


def find_videos(patterns: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Resolve what the user named to video files.

    A file is taken whatever its extension is: the decoder judges it. A folder is searched recursively, through
    symbolic links too, for files with a known video extension; names that begin with a dot are left out. A glob
    pattern (``*``, ``?``, ``[...]``, ``**``) may match both; it also takes other extensions if it spells them out
    (``clips/*.bin``). A file with a video's extension that is not there is returned like the others, so that it fails
    alone when it is opened.

    Returns:
        Paths as named (not made absolute), each file once, sorted.

    Raises:
        VideoMissingError: Nothing was named; a folder or pattern leads to no video; or none of the files is there.
    """
    if not patterns:
        raise VideoMissingError(
            "no video was named", remedy="give a file, a folder, or a pattern such as 'clips/*.mp4'"
        )
    found: dict[str, Path] = {}
    absent: list[Path] = []
    for pattern in patterns:
        name = os.path.expanduser(os.fspath(pattern))
        matches = list(_matches(name))
        if matches:
            for path in matches:
                found.setdefault(os.path.realpath(path), path)
        elif _is_video_name(name) and not glob.has_magic(name) and not os.path.isdir(name):
            absent.append(Path(name))
        else:
            raise _nothing(os.fspath(pattern))
    if not found:
        raise _nothing(os.fspath(patterns[0]))
    return sorted({*found.values(), *absent})


def _matches(pattern: str) -> Iterator[Path]:
    if os.path.isdir(pattern):
        yield from _in_folder(pattern)
    elif os.path.exists(pattern):  # before globbing: names may hold brackets
        yield Path(pattern)
    else:
        extension = os.path.splitext(pattern)[1].lower()
        spelt_out = bool(extension) and not glob.has_magic(extension)
        for name in sorted(glob.glob(pattern, recursive=True)):
            if os.path.isdir(name):
                if not pattern.rstrip("/").endswith("**"):  # `**` lists every folder and file below by itself
                    yield from _in_folder(name)
            elif spelt_out or _is_video_name(name):
                yield Path(name)


def _in_folder(folder: str) -> Iterator[Path]:
    seen = set()  # folders by device and inode: links may form a circle
    for root, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if _is_video_name(name))


def _is_video_name(name: str) -> bool:
    base = os.path.basename(name)
    return not base.startswith(".") and os.path.splitext(base)[1].lower() in VIDEO_EXTENSIONS


def _nothing(pattern: str) -> VideoMissingError:
    if os.path.isdir(pattern):
        message, remedy = "holds no video file", "name the files themselves if their extensions are unusual"
    elif glob.has_magic(pattern):
        message, remedy = "matches no video", "quote the pattern, and check it with ls"
    else:
        message, remedy = "no such file or folder", "check the path"
    return VideoMissingError(message, path=pattern, remedy=remedy)
