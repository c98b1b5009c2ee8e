"""Writes what was found in a video into a folder: every file whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from feature_store.video_id import safe_stem
from hawkeye_core.atomic import write_text
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.ground.outputs_text import csv_text, json_text, srt_text, vtt_text
from hawkeye_core.ground.records import GroundedVideo

Format = Literal["json", "csv", "srt", "vtt"]
FORMATS: tuple[Format, ...] = get_args(Format)

_TEXTS: Mapping[Format, Callable[[GroundedVideo], str]] = {
    "json": json_text, "csv": csv_text, "srt": srt_text, "vtt": vtt_text
}  # fmt: skip


class OutputError(HawkeyeError):
    """A result cannot be written."""


def write_outputs(video: GroundedVideo, folder: str | Path, name: str, formats: Collection[Format]) -> list[Path]:
    """Write ``NAME.json`` and so on; returns their paths.

    Args:
        video: What was found.
        folder: Made if it is not there.
        name: Of the files, without suffix; see :func:`output_names`.
        formats: Which files.

    Raises:
        OutputError: One cannot be written; an earlier file of that name is as it was.
    """
    written = []
    for form in FORMATS:
        if form in formats:
            path = Path(folder) / f"{name}.{form}"
            with writing(path):
                written.append(write_text(path, _TEXTS[form](video)))
    return written


def output_names(videos: Sequence[str | Path]) -> list[str]:
    """A name for the files of each video: its stem, made safe; of equal stems the later ones get ``-2``, ``-3`` ..."""
    taken: set[str] = set()
    names = []
    for video in videos:
        stem = safe_stem(str(video))
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Faults of the disk in words.

    Raises:
        OutputError: In place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot be written ({reason}); nothing of it was kept", path=path,
            remedy="free some space, or choose another place (--out, --overlay)",
        ) from error  # fmt: skip
