"""Liu & Ma's boxes around the anomalies of UCF-Crime.

Liu & Ma, "Exploring Background-bias for Anomaly Detection in Surveillance Videos", ACM MM 2019;
github.com/xuzero/UCFCrime_BoundingBox_Annotation, which names no licence. ``Train_annotation.pkl`` (810 videos, 25,483
boxes) and ``Test_annotation.pkl`` (140, 3,102) are pickles of::

    {video: [[".../Anomaly_Train/Abuse/Abuse007_x264/image_0075.jpg", x1, y1, x2, y2], ...]}

in pixels of a picture of 320 x 240, at most one box a frame, on every 16th frame while the anomaly lasts (88 % of the
steps from a box to the next). What follows is not said there and supposed: frames count from 1, at 30 a second.

A pickle can run any code; this one is read by :mod:`.restricted_pickle`, which refuses all but plain data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name
from hawkeye_core.datasets.restricted_pickle import load_plain_pickle
from hawkeye_core.datasets.source import Remark
from hawkeye_core.datasets.times import MAX_SECONDS, UCF_FPS, Times, make_times
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

NAME = "anomaly-boxes"
STEP_FRAMES = 16
"""Frames that a box stands for: its own and those up to the next box."""
MAX_GAP_S = 2.0
"""Longest time between two boxes of one segment: two boxes may be missing between them. A choice."""
MAX_BYTES = 64 * 2**20
MAX_BOXES = 2_000_000
WIDTH, HEIGHT = 320, 240
"""Of the pictures, in pixels."""

_REMEDY = (
    "the file is Train_annotation.pkl or Test_annotation.pkl of github.com/xuzero/UCFCrime_BoundingBox_Annotation: a "
    "pickle of {video: [[path of a frame, x1, y1, x2, y2], ...]}"
)
_FRAME = re.compile(r"(?:.*/)?(?P<folder>[^/]+)/image_(?P<frame>[0-9]{1,8})\.jpg")


def read_anomaly_boxes(path: str | Path, *, max_gap_s: float = MAX_GAP_S) -> Times:
    """Runs of frames with boxes as times.

    A run goes on while the next box comes within ``max_gap_s``; it lasts from its first frame until
    :data:`STEP_FRAMES` frames after the last.

    Args:
        path: The pickle.
        max_gap_s: Longest time from a box to the next in the same run.

    Raises:
        AnnotationError: The file is missing, too large, no pickle, one that does more than hold data, or holds
            something else; or ``max_gap_s`` is absurd.
    """
    if not 0 < max_gap_s <= MAX_SECONDS:
        raise AnnotationError(f"max_gap_s is {max_gap_s}", path=NAME, remedy=f"give seconds, at most {MAX_SECONDS:g}")
    content = load_plain_pickle(path, max_bytes=MAX_BYTES)
    if not isinstance(content, dict) or not content:
        raise AnnotationError("holds no boxes by video", path=path, remedy=_REMEDY)
    found: dict[str, list[Segment]] = {}
    remarks = [Remark("note", "gaps up to a chosen length are bridged", "all", f"{max_gap_s:g} s")]
    total = 0
    for name, rows in content.items():
        video = plain_name(name, where=str(path), remedy=_REMEDY)
        total += len(rows) if isinstance(rows, list) else 0
        if not isinstance(rows, list) or total > MAX_BOXES:
            raise AnnotationError("holds no list of boxes, or too many", path=f"{path}: {video}", remedy=_REMEDY)
        if not rows:
            remarks.append(Remark("dropped", "without boxes", video))
            continue
        boxes = [_box(row, where=f"{path}: {video}: box {count}") for count, row in enumerate(rows)]
        elsewhere = sum(folder != video for folder, _ in boxes)
        if elsewhere:
            remarks.append(Remark("note", "frames in a folder of another name", video, f"{elsewhere} of {len(boxes)}"))
        found[video] = runs([frame for _, frame in boxes], max_gap_s=max_gap_s)
    if not found:
        raise AnnotationError("holds no box", path=path, remedy=_REMEDY)
    return make_times(NAME, found, durations={}, remarks=remarks, files={Path(path).name: sha256_of(path)})


def runs(frames: Sequence[int], *, max_gap_s: float, step: int = STEP_FRAMES) -> list[Segment]:
    """Frames, from 1 and in any order -> segments in seconds, ordered; ``step`` frames behind the last of a run."""
    found: list[list[int]] = []
    for frame in sorted(set(frames)):
        if found and (frame - found[-1][1]) / UCF_FPS <= max_gap_s:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return [Segment((first - 1) / UCF_FPS, (last - 1 + step) / UCF_FPS) for first, last in found]


def _box(row: Any, *, where: str) -> tuple[str, int]:
    """Folder and frame of a box, its numbers checked."""
    if not isinstance(row, list) or len(row) != 5 or not isinstance(row[0], str):
        raise AnnotationError("is no path and four numbers", path=where, remedy=_REMEDY)
    match = _FRAME.fullmatch(row[0])
    if match is None or int(match["frame"]) < 1:
        raise AnnotationError(f"{row[0][:80]!r} is no path of a frame from 1 on", path=where, remedy=_REMEDY)
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in row[1:])
    if not whole or not (0 <= row[1] < row[3] <= WIDTH and 0 <= row[2] < row[4] <= HEIGHT):
        raise AnnotationError(
            f"{repr(row[1:])[:80]} is no box inside {WIDTH} x {HEIGHT} pixels", path=where, remedy=_REMEDY
        )
    return match["folder"], int(match["frame"])
