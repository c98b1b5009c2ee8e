"""TSL-300's files (Zhang and Yang, ACM MM 2022; github.com/nku-zhichengzhang/TSL300, dataset/VideoSenti).

===========================  ===========================================================================================
``videosenti_gt.json``       ``{"database": {video: {"subset", "annotations": [{"segment": [start, end], "label"}]}}}``,
                             seconds as strings with one to three decimals, label ``p`` or ``n``; train, then test
``gt.json``                  the same for scoring: test first, the lists of the training videos empty
``len_duration_dict.json``   ``{video: seconds}`` of all videos, in the order of ``gt.json``
``time.json``                ``{video: seconds}`` of the test videos
``fps_dict.json``            ``{video: frames a second}`` of all videos
``split_*.txt``              names, a line each, by their number
===========================  ===========================================================================================

The label ``n`` is given to the anomalous segments. ``p`` is given to what is pleasant to watch, people who wave or hand
something over (:data:`PLEASANT`), outside the anomalous segments: ordinary moments that a model must not report.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hawkeye_core.answers.segments import Segment
from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.formats.names import tsl_number
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.errors import AnnotationError

PLEASANT = frozenset({"wave", "hand_over"})
"""Actions that make a segment of label ``p``."""
SHORTEST_S = 0.5
"""Shorter pleasant moments get no label."""


def segments_text(segments: Iterable[tuple[float, float]], label: str) -> list[dict[str, Any]]:
    """Rows of ``annotations``."""
    return [{"segment": [seconds_text(start), seconds_text(end)], "label": label} for start, end in segments]


def seconds_text(seconds: float) -> str:
    """Seconds as the files write them: one to three decimals."""
    return repr(round(float(seconds), 3))


def merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Union of spans [start, end), ordered."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[tuple[float, float]], holes: Iterable[Segment]) -> list[tuple[float, float]]:
    """What of the spans no hole covers."""
    left = list(spans)
    for hole in holes:
        pieces = [
            piece for start, end in left for piece in ((start, min(end, hole.start_s)), (max(start, hole.end_s), end))
        ]
        left = [(start, end) for start, end in pieces if end > start]
    return left


def pleasant(truth: VideoTruth) -> list[tuple[float, float]]:
    """Moments of label ``p``."""
    spans = merged((span.start_s, span.end_s) for span in truth.actions if span.action in PLEASANT)
    return [(start, end) for start, end in without(spans, truth.segments) if end - start >= SHORTEST_S]


class Tsl300Writer:
    """Writes the seven files.

    Args:
        folder: Gets them.

    Raises:
        AnnotationError: From :meth:`add`: a name without a number in front, a number met before, or another split than
            ``train`` and ``test``.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._rows: dict[str, dict[str, dict[str, Any]]] = {"train": {}, "test": {}}
        self._seconds: dict[str, float] = {}
        self._fps: dict[str, float] = {}
        self._numbers: set[int] = set()

    def add(self, video: FormatVideo) -> None:
        """Take over segments, length and frame rate."""
        truth = video.truth
        number = tsl_number(truth.video)
        if truth.split not in self._rows:
            raise AnnotationError(
                f"TSL-300 has no split {truth.split!r} ({truth.video})", remedy="give it to `train` or `test`"
            )
        if number in self._numbers:
            raise AnnotationError(
                f"{truth.video}: number {number} is taken", remedy="count the videos over both splits"
            )
        self._numbers.add(number)
        negative = segments_text(((s.start_s, s.end_s) for s in truth.segments), "n")
        rows = negative + segments_text(pleasant(truth), "p")
        rows.sort(key=lambda row: float(row["segment"][0]))
        self._rows[truth.split][truth.video] = {"subset": truth.split, "annotations": rows}
        self._seconds[truth.video] = float(truth.duration_s)
        self._fps[truth.video] = float(truth.fps)

    def close(self) -> list[Path]:
        """Write the files; returns their paths."""
        train, test = self._rows["train"], self._rows["test"]
        unlabelled = {video: {"subset": "train", "annotations": []} for video in train}
        order = [*test, *train]
        contents: dict[str, Any] = {
            "videosenti_gt.json": {"database": train | test},
            "gt.json": {"database": test | unlabelled},
            "len_duration_dict.json": {video: self._seconds[video] for video in order},
            "time.json": {video: self._seconds[video] for video in test},
            "fps_dict.json": {video: self._fps[video] for video in order},
        }
        paths = [write_text(self.folder / name, json.dumps(content)) for name, content in contents.items()]
        for split, rows in self._rows.items():
            lines = "".join(f"{video}\n" for video in sorted(rows, key=tsl_number))
            paths.append(write_text(self.folder / f"split_{split}.txt", lines))
        return paths


def write_tsl300(folder: str | Path, videos: Iterable[FormatVideo]) -> list[Path]:
    """Write the files of TSL-300 for a stream of videos; returns their paths."""
    writer = Tsl300Writer(folder)
    for video in videos:
        writer.add(video)
    return writer.close()
