"""Checks of instructions against files and feature store: nothing is found out in the middle of a run."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from feature_store.store import FeatureStore
from hawkeye_core.datasets.instructions.rows import Instruction
from hawkeye_core.errors import VideoError
from hawkeye_core.video.frame_at import read_frame_at
from hawkeye_core.video.probe import probe

Severity = Literal["error", "missing", "warning"]
"""``error``: results would be wrong; ``missing``: a video cannot be used yet; ``warning``: a reader should know."""

ENDINGS = (".mp4", ".avi", ".mkv", ".webm", ".mov")
"""Looked for, in this order, where a list names a video without one."""
PROBED_BYTES = 1 << 20
TOLERANCE_S = 1.0
"""How much longer an annotation may think a video is than it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    severity: Severity
    rule: str
    video: str
    detail: str = ""


def check_splits(rows: Sequence[Instruction]) -> list[Finding]:
    """No video in two splits, no segment that is empty or lies behind the video's end."""
    splits: dict[str, set[str]] = defaultdict(set)
    found = []
    for row in rows:
        splits[row.video].add(row.split)
        for segment in row.segments:
            if not 0 <= segment.start_s < segment.end_s:
                found.append(Finding("error", "empty segment", row.video, f"{segment.start_s} to {segment.end_s} s"))
            elif row.duration_s is not None and segment.end_s > row.duration_s + 1e-6:
                detail = f"{segment.end_s} s of {row.duration_s} s"
                found.append(Finding("error", "segment ends behind the video", row.video, detail))
    found += [
        Finding("error", "in more than one split", video, ", ".join(sorted(names)))
        for video, names in splits.items()
        if len(names) > 1
    ]
    return found


def locate(rows: Iterable[Instruction], folders: Mapping[str, Path]) -> tuple[dict[str, Path], list[Finding]]:
    """The file of each video below its data set's folder.

    Args:
        rows: Of any sources.
        folders: Folder of the videos by source; sources without one are left out.

    Returns:
        Files by video id, and what is missing.
    """
    files, missing = {}, []
    for row in rows:
        folder = folders.get(row.source)
        if folder is None:
            continue
        path = find_file(folder, row.path)
        if path is None:
            missing.append(Finding("missing", "no video file", row.video, str(folder / row.path)))
        else:
            files[row.video] = path
    return files, missing


def find_file(folder: Path, name: str) -> Path | None:
    """The file ``folder/name``, with one of :data:`ENDINGS` if it has none, or directly in the folder."""
    for base in (folder / name, folder / Path(name).name):
        candidates = [base] if base.suffix.lower() in ENDINGS else [base.with_name(base.name + e) for e in ENDINGS]
        for path in candidates:
            if path.is_file():
                return path
    return None


def check_files(
    rows: Sequence[Instruction], files: Mapping[str, Path], *, progress: Callable[[int, int], None] | None = None
) -> list[Finding]:
    """Every file opens and decodes its first frame, is as long as its annotation says, and is in one split only.

    Args:
        rows: The instructions.
        files: By video id; rows without one are passed over.
        progress: Called with how many are done, of how many.
    """
    found: list[Finding] = []
    contents: dict[str, list[Instruction]] = defaultdict(list)
    present = [row for row in rows if row.video in files]
    for number, row in enumerate(present, start=1):
        path = files[row.video]
        try:
            info = probe(path)
            read_frame_at(path, index=0)
        except VideoError as error:
            found.append(Finding("missing", "cannot be decoded", row.video, str(error)))
            continue
        contents[digest_of(path)].append(row)
        end_s = max((segment.end_s for segment in row.segments), default=0.0)
        if info.duration_s is not None and end_s > info.duration_s + TOLERANCE_S:
            detail = f"{end_s:.1f} s of {info.duration_s:.1f} s"
            found.append(Finding("error", "segment ends behind the file", row.video, detail))
        if progress is not None:
            progress(number, len(present))
    for same in contents.values():
        if len({row.video for row in same}) > 1:
            across = len({row.split for row in same}) > 1
            names = ", ".join(f"{row.video} ({row.split})" for row in same)
            found.append(Finding("error" if across else "warning", "same content", same[0].video, names))
    return found


def check_features(rows: Iterable[Instruction], store: FeatureStore) -> list[Finding]:
    """Every video has all features, and its segments begin inside what was extracted."""
    held = set(store.videos(families=("pose", "relations", "vision")))
    found = []
    for row in rows:
        if row.video not in held:
            found.append(Finding("missing", "no features", row.video, str(store.url)))
            continue
        duration = store.n_frames(row.video) / store.source(row.video).fps
        found += [
            Finding("error", "segment begins behind the features", row.video, f"{s.start_s} s of {duration:.1f} s")
            for s in row.segments
            if s.start_s >= duration
        ]
    return found


def digest_of(path: Path) -> str:
    """A fingerprint of a file's content: its size, its first and its last MiB.

    Two videos that agree in all three are the same; reading the whole of UCF-Crime (some 100 GB) would take hours.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(PROBED_BYTES))
        if size > PROBED_BYTES:
            file.seek(max(PROBED_BYTES, size - PROBED_BYTES))
            digest.update(file.read(PROBED_BYTES))
    return digest.hexdigest()
