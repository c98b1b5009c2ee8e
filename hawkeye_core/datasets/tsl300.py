"""TSL-300 (Zhang and Yang, ACM MM 2022; github.com/nku-zhichengzhang/TSL300, dataset/VideoSenti): S-S of the paper.

Read are ``videosenti_gt.json`` (segments of all videos), ``len_duration_dict.json`` (seconds), ``fps_dict.json``,
``split_train.txt`` and ``split_test.txt``; their layout stands in :mod:`hawkeye_core.datasets.reconsim.formats.tsl300`.
``gt.json`` and ``time.json`` repeat parts of them for scoring; where they are present, differences are remarked.

* Label ``n`` is an anomalous segment, ``p`` is none. ``p`` segments are checked like the others and counted, not kept.
* No kind of anomaly is annotated. The paper (sections 1 and 4.1) speaks of "negative sentiments", so that every segment
  gets the category :data:`CATEGORY`. The emotion in a video's name (``12_Ekman6_anger_9``) belongs to the whole video,
  and the names from CMU-MOSEI have none; it is not used.
* The paper keeps 190 + 98 videos after looking through them, and its list is unpublished. ``exclude`` is for such a
  list; nothing is excluded by default.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name, read_json, read_lines
from hawkeye_core.datasets.source import Remark, SourceVideo, SourceVideos, Split, fitted
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

CATEGORY = "negative sentiment"
"""Category of every segment."""
SPLITS: tuple[Split, ...] = ("train", "test")
SEGMENTS, DURATIONS, RATES = "videosenti_gt.json", "len_duration_dict.json", "fps_dict.json"
SCORED, SCORED_DURATIONS = "gt.json", "time.json"
LABELS = frozenset({"p", "n"})

MAX_S, MAX_FPS = 1e6, 1000.0
MAX_JSON_BYTES = 64 * 2**20

_SECONDS = re.compile(r"[0-9]{1,7}(\.[0-9]{1,12})?")
_REMEDY = "take the files of dataset/VideoSenti in github.com/nku-zhichengzhang/TSL300 as they are"


@dataclass(frozen=True, slots=True)
class _Entry:
    subset: str
    rows: tuple[tuple[float, float, str], ...]
    """Start and end in seconds, label; in the order of the file."""


def read_tsl300(folder: str | Path, *, exclude: Collection[str] = ()) -> SourceVideos:
    """All videos in the order of the split files, training first; ``path`` is ``videos/`` and the name, no ending.

    Segments are those of label ``n``, fitted into the video as :func:`fitted` says.

    Args:
        folder: Holds the files.
        exclude: Names of videos to leave out; each becomes a remark.

    Raises:
        AnnotationError: A file is missing or not in its format; the files are not about the same videos; the split of
            a video is not the same everywhere; or an excluded video does not exist.
    """
    folder = Path(folder)
    database = _entries(folder / SEGMENTS)
    seconds = _numbers(folder / DURATIONS, most=MAX_S)
    rates = _numbers(folder / RATES, most=MAX_FPS)
    splits = _splits(folder)
    for name, found in ((SEGMENTS, database), (DURATIONS, seconds), (RATES, rates)):
        _same_names(folder / name, found, splits)
    for video, entry in database.items():
        if entry.subset != splits[video]:
            _refuse(f"{video} is of {entry.subset}, but stands in split_{splits[video]}.txt", folder / SEGMENTS)
    unknown = sorted(set(exclude) - set(splits))
    if unknown:
        raise AnnotationError(
            f"to be excluded, but no video of TSL-300: {', '.join(unknown[:3])}", path=folder,
            remedy="correct the names in `exclude`; they are those of split_train.txt and split_test.txt",
        )  # fmt: skip

    remarks = [_label_note(database, split) for split in SPLITS]
    remarks += _scoring_notes(folder, database, seconds)
    videos: list[SourceVideo] = []
    for video, split in splits.items():
        if video in exclude:
            remarks.append(Remark("dropped", "excluded by name", video, split))
            continue
        negative = (Segment(start, end, CATEGORY) for start, end, label in database[video].rows if label == "n")
        segments, done = fitted(negative, subject=video, duration_s=seconds[video])
        remarks += done
        videos.append(
            SourceVideo(video, split, f"videos/{video}", segments=segments, duration_s=seconds[video], fps=rates[video])
        )
    counts = Counter(video.split for video in videos)
    left_out = f"{len(splits) - len(videos)} excluded" if len(videos) < len(splits) else "nothing excluded"
    used = (SEGMENTS, DURATIONS, RATES, *(f"split_{split}.txt" for split in SPLITS), SCORED, SCORED_DURATIONS)
    return SourceVideos(
        name="tsl300", protocol=f"tsl300 ({counts['train']} + {counts['test']} videos, {left_out})",
        videos=tuple(videos), remarks=tuple(remarks),
        files={name: sha256_of(folder / name) for name in used if (folder / name).exists()},
    )  # fmt: skip


def _entries(path: Path) -> dict[str, _Entry]:
    content = read_json(path, remedy=_REMEDY, max_bytes=MAX_JSON_BYTES)
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict) or not database:
        _refuse('has no videos under "database"', path)
    return {plain_name(video, where=str(path), remedy=_REMEDY): _entry(e, path, video) for video, e in database.items()}


def _entry(content: Any, path: Path, video: str) -> _Entry:
    subset = content.get("subset") if isinstance(content, dict) else None
    rows = content.get("annotations") if isinstance(content, dict) else None
    if subset not in ("train", "test") or not isinstance(rows, list):
        _refuse(f'{video}: needs "subset", train or test, and a list "annotations"', path)
    return _Entry(subset, tuple(_row(row, path, f"{video}: segment {i}") for i, row in enumerate(rows, start=1)))


def _row(row: Any, path: Path, what: str) -> tuple[float, float, str]:
    times = row.get("segment") if isinstance(row, dict) else None
    label = row.get("label") if isinstance(row, dict) else None
    if not isinstance(label, str) or label not in LABELS:
        _refuse(f'{what}: "label" is p or n, not {_shown(label)}', path)
    if not isinstance(times, list) or len(times) != 2:
        _refuse(f'{what}: "segment" is a start and an end, not {_shown(times)}', path)
    for text in times:
        if not isinstance(text, str) or not _SECONDS.fullmatch(text):
            _refuse(f'{what}: a time is seconds as text ("12.5"), not {_shown(text)}', path)
    start, end = (float(text) for text in times)
    if end <= start:
        _refuse(f"{what}: must end after its start, not {start} to {end}", path)
    return start, end, label


def _numbers(path: Path, *, most: float) -> dict[str, float]:
    content = read_json(path, remedy=_REMEDY, max_bytes=MAX_JSON_BYTES)
    if not isinstance(content, dict):
        _refuse("is no object of numbers by video", path)
    for video, value in content.items():
        plain_name(video, where=str(path), remedy=_REMEDY)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            _refuse(f"{video}: needs a number above 0, at most {most:g}, not {_shown(value)}", path)
    return {video: float(value) for video, value in content.items()}


def _splits(folder: Path) -> dict[str, Split]:
    found: dict[str, Split] = {}
    for split in SPLITS:
        for where, line in read_lines(folder / f"split_{split}.txt", remedy=_REMEDY):
            video = plain_name(line.strip(), where=where, remedy=_REMEDY)
            if video in found:
                _refuse(f"{video} occurs a second time in the splits", where)
            found[video] = split
    return found


def _same_names(path: Path, found: Collection[str], splits: Collection[str]) -> None:
    for names, fault in ((set(splits) - set(found), "lacks"), (set(found) - set(splits), "has, unlike the splits,")):
        if names:
            _refuse(f"{fault} {len(names)} videos, such as {', '.join(sorted(names)[:3])}", path)


def _label_note(database: Mapping[str, _Entry], split: Split) -> Remark:
    """Segments as the file has them, before anything is excluded, clipped or merged."""
    counts = Counter(label for entry in database.values() if entry.subset == split for _, _, label in entry.rows)
    return Remark("note", "segments of label p are not anomalous", split, f"{counts['p']} p, {counts['n']} n")


def _scoring_notes(folder: Path, database: Mapping[str, _Entry], seconds: Mapping[str, float]) -> list[Remark]:
    """Where the files for scoring say something else; in ``gt.json`` the training videos have no segments."""
    notes: list[Remark] = []
    if (folder / SCORED).exists():
        scored = _entries(folder / SCORED)
        for video in sorted({*scored, *database}):
            mine, theirs = database.get(video), scored.get(video)
            if mine != theirs and (mine is None or theirs != _Entry("train", ()) or mine.subset != "train"):
                detail = f"not used; {_said(theirs)}, not {_said(mine)}"
                notes.append(Remark("note", f"{SCORED} differs", video, detail))
    if (folder / SCORED_DURATIONS).exists():
        scored_s = _numbers(folder / SCORED_DURATIONS, most=MAX_S)
        tested = {video: value for video, value in seconds.items() if database[video].subset == "test"}
        for video in sorted({*scored_s, *tested}):
            if scored_s.get(video) != tested.get(video):
                detail = f"not used; {scored_s.get(video)}, not {tested.get(video)} s"
                notes.append(Remark("note", f"{SCORED_DURATIONS} differs", video, detail))
    return notes


def _said(entry: _Entry | None) -> str:
    return "no entry" if entry is None else f"{entry.subset} with {len(entry.rows)} segments"


def _shown(value: Any) -> str:
    """Beginning of a text or number; what else stands in its place may be nested too deep to be written out."""
    return repr(value)[:40] if isinstance(value, str | int | float) else type(value).__name__


def _refuse(message: str, path: str | Path) -> NoReturn:
    raise AnnotationError(message, path=path, remedy=_REMEDY)
