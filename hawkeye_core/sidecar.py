"""Files of results that were computed elsewhere: found for a video, hashed, and read without trusting them.

A setting names a folder or a template with ``{video}``. Of a folder, a video's results are ``<folder>/<video><suffix>``
(one file) or ``<folder>/<video>/*<suffix>`` (a file a frame, whose number is the last run of digits in its name).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import ConfigError, SidecarError
from hawkeye_core.scene import FrameBatch
from hawkeye_core.sidecar_values import last_number

VIDEO = "{video}"

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class VideoFiles:
    """Results of one video: one file, or one a frame by number."""

    path: Path
    frames: Mapping[int, Path] | None


class SidecarFiles:
    """The files a setting names.

    Args:
        path: Folder, or template with ``{video}``.
        suffix: ``.json`` or ``.npy``.
        key: The configuration key, for messages.

    Raises:
        SidecarError: There is no such folder, or it holds no file with this suffix.
        ConfigError: The path is a file and names no ``{video}``.
    """

    def __init__(self, path: str, *, suffix: Literal[".json", ".npy"], key: str) -> None:
        self._suffix, self._key = suffix, key
        parts = Path(path).expanduser().parts
        fixed = next((i for i, part in enumerate(parts) if VIDEO in part), len(parts))
        self.root = Path(*parts[:fixed]) if fixed else Path()
        self.layout = "/".join(parts[fixed:]) or f"{VIDEO}{suffix} or {VIDEO}/*{suffix}"
        self._template = self.layout if fixed < len(parts) else None
        if self.root.is_file():
            raise ConfigError(f"`{key}: {path}` is a file", remedy=f"name its folder, or a template with {VIDEO}")
        if not self.root.is_dir():
            raise SidecarError("no such folder", path=self.root, remedy=f"set `{key}` to the folder of the results")
        self._all = sorted(p for p in self.root.rglob(f"*{suffix}") if p.is_file() and not p.name.startswith("."))
        if not self._all:
            raise SidecarError(
                f"holds no {suffix} files", path=self.root, remedy=f"set `{key}` to the folder of the results"
            )

    def digest(self) -> str:
        """SHA-256 over relative names and contents of all files below the folder; times and places do not count.

        One digest for all videos: a changed, added or removed file makes new features for every video, which costs an
        import, not a network.
        """
        total = hashlib.sha256()
        for path in self._all:
            total.update(f"{path.relative_to(self.root).as_posix()} {sha256_of(path)}\n".encode())
        return total.hexdigest()

    def locate(self, video: str) -> VideoFiles:
        """The results of a video.

        Raises:
            SidecarError: There are none, two kinds of them, or the video's id leads out of the folder.
        """
        names = [self._template.replace(VIDEO, video)] if self._template else [f"{video}{self._suffix}", video]
        found = [path for name in names if (path := self._inside(name, video)).exists()]
        if not found:
            raise SidecarError(
                f"holds no results of video {video!r} (looked for {' and '.join(names)})",
                path=self.root,
                remedy=f"add them, or leave the video out; `{self._key}` names the folder",
            )
        if len(found) > 1:
            both = " and ".join(path.name for path in found)
            raise SidecarError(f"has both {both} for video {video!r}", path=self.root, remedy="keep one of them")
        return VideoFiles(found[0], None if found[0].is_file() else self._frames(found[0]))

    def _inside(self, name: str, video: str) -> Path:
        root = os.path.normpath(self.root.absolute())
        path = os.path.normpath(os.path.join(root, name))
        if "\0" in name or os.path.isabs(name) or os.path.commonpath((root, path)) != root or path == root:
            raise SidecarError(f"the id of video {video!r} leads out of the folder", path=self.root)
        return Path(path)

    def _frames(self, folder: Path) -> dict[int, Path]:
        frames: dict[int, Path] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix != self._suffix or path.name.startswith("."):
                continue
            number = last_number(path.stem)
            if number is None:
                raise SidecarError(
                    "has no frame number in its name", path=path, remedy="name it like 000012" + path.suffix
                )
            if number in frames:
                raise SidecarError(
                    f"is frame {number}, as is {frames[number].name}", path=path, remedy="keep one of them"
                )
            frames[number] = path
        if not frames:
            raise SidecarError(f"holds no {self._suffix} files", path=folder, remedy="add a file for each frame")
        return frames


_VIDEOS_AT_HAND = 16
"""Videos whose files stay parsed. Workers take turns batch by batch: with one, each turn would parse a file again."""


class SidecarReader(Generic[ResultT]):
    """Results by frame number, of a few videos at a time.

    Args:
        files: Where they are.
        parse_video: A file of one video to its results by frame number.
        parse_frame: A file of one frame to its result.
    """

    def __init__(
        self,
        files: SidecarFiles,
        *,
        parse_video: Callable[[Path], Mapping[int, ResultT]],
        parse_frame: Callable[[Path], ResultT],
    ) -> None:
        self._files, self._parse_video, self._parse_frame = files, parse_video, parse_frame
        self._at_hand: dict[str, tuple[VideoFiles, Mapping[int, ResultT]]] = {}

    def get(self, video: str, number: int) -> ResultT | None:
        """The result of a frame, ``None`` where the video's files have none.

        Raises:
            SidecarError: The video has no files, or they are not in the stated format.
        """
        where, results = self._at_hand.get(video) or self._open(video)
        if where.frames is None:
            return results.get(number)
        path = where.frames.get(number)
        return None if path is None else self._parse_frame(path)

    def _open(self, video: str) -> tuple[VideoFiles, Mapping[int, ResultT]]:
        """Parse a video's files; the video opened first makes room."""
        where = self._files.locate(video)
        opened = (where, self._parse_video(where.path) if where.frames is None else {})
        if len(self._at_hand) >= _VIDEOS_AT_HAND:
            del self._at_hand[next(iter(self._at_hand))]
        self._at_hand[video] = opened
        return opened


def frame_numbers(batch: FrameBatch, *, numbering: Literal["sampled", "source"], first_frame: int) -> list[int]:
    """[B] the numbers under which the files know these frames."""
    numbers = batch.index if numbering == "sampled" else batch.source_index
    return [int(number) + first_frame for number in numbers]
