"""UCF-Crime's files, and HIVAU-70k's event times for its training videos.

``Anomaly_Train.txt``, ``Anomaly_Test.txt`` and ``Temporal_Anomaly_Annotation.txt`` are those of
github.com/WaqasSultani/AnomalyDetectionCVPR2018 (Sultani et al., CVPR 2018); the JSON files hold HIVAU-70k's raw
annotations (Zhang et al., CVPR 2025; github.com/pipixin321/HolmesVAU) in the compact form without captions.

* A line of ``Anomaly_*.txt`` is ``Class/Class003_x264.mp4``, or, of a normal video,
  ``Training_Normal_Videos_Anomaly/Normal_Videos003_x264.mp4`` and
  ``Testing_Normal_Videos_Anomaly/Normal_Videos_003_x264.mp4``; sorted.
* A line of the temporal annotation is ``name.mp4  Class  start1  end1  start2  end2  `` with two spaces between and
  after its fields, -1 for absent, test videos only, sorted; the class of a normal video is ``Normal``. It knows two
  segments a video and no frame rate. All its real videos run at 30 frames a second, so that its frame numbers are
  thirtieths of a second; here they are that too, whatever the rate of the drawn video, because a reader of the file
  alone can know no other. They count from 1.
* ``hivau70k_ucf_*_events_compact.json``: ``{video: {"n_frames", "fps", "label", "events"}}``, seconds with up to three
  decimals; ``n_frames`` and ``fps`` are the drawn video's own. The events of a normal video are ordinary ones, no
  anomalies: here the times at which somebody does something other than stand, walk, sit or talk.
* ``hivau70k_ucf_train_video_summary_anomalous.json``: ``{video: text}`` for the anomalous training videos, here the
  categories and reasons of their segments.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.reconsim.formats.names import UCF_NORMAL, ucf_class, ucf_class_of, ucf_path
from hawkeye_core.datasets.reconsim.formats.tsl300 import merged
from hawkeye_core.datasets.reconsim.formats.video import FormatVideo
from hawkeye_core.datasets.reconsim.truth import VideoTruth
from hawkeye_core.errors import AnnotationError

TEMPORAL_FPS = 30.0
"""Frames a second of the temporal annotation."""
TEMPORAL_SEGMENTS = 2
"""Segments that one of its lines can hold."""
EVENTLESS = frozenset({"stand", "walk", "sit", "talk", "lie", "carry"})
"""Actions that make no event of a normal video."""


def temporal_line(truth: VideoTruth) -> str:
    """A line of the temporal annotation, without its end.

    Raises:
        AnnotationError: More segments than a line can hold.
    """
    if len(truth.segments) > TEMPORAL_SEGMENTS:
        raise AnnotationError(
            f"{truth.video}: {len(truth.segments)} segments; a line of the temporal annotation holds "
            f"{TEMPORAL_SEGMENTS}",
            remedy="plan test videos with two segments at most",
        )
    frames = [max(1, round(time * TEMPORAL_FPS)) for s in truth.segments for time in (s.start_s, s.end_s)]
    frames += [-1] * (2 * TEMPORAL_SEGMENTS - len(frames))
    fields = [f"{truth.video}.mp4", ucf_class_of(truth.video), *map(str, frames)]
    return "".join(f"{field}  " for field in fields)


def events(truth: VideoTruth) -> dict[str, Any]:
    """A record of HIVAU-70k's compact form."""
    name = ucf_class_of(truth.video)
    spans = [(s.start_s, s.end_s) for s in truth.segments]
    if name == UCF_NORMAL:
        spans = merged((a.start_s, a.end_s) for a in truth.actions if a.action not in EVENTLESS)
    return {
        "n_frames": int(truth.n_frames),
        "fps": float(truth.fps),
        "label": [] if name == UCF_NORMAL else [name],
        "events": [[round(float(start), 3), round(float(end), 3)] for start, end in spans],
    }


def summary(truth: VideoTruth) -> str:
    """What is anomalous, in sentences."""
    found = [f"{s.category.capitalize()}, as {s.reason.rstrip('.')}." if s.reason else "" for s in truth.segments]
    return " ".join(["An anomaly exists.", *dict.fromkeys(text for text in found if text)])


class UcfCrimeWriter:
    """Writes the six files.

    Args:
        folder: Gets them.

    Raises:
        AnnotationError: From :meth:`add`: a name, a split or a number of segments that UCF-Crime does not have, or a
            name that contradicts the segments.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._paths: dict[str, list[str]] = {"train": [], "test": []}
        self._events: dict[str, dict[str, Any]] = {"train": {}, "test": {}}
        self._lines: list[str] = []
        self._summaries: dict[str, str] = {}

    def add(self, video: FormatVideo) -> None:
        """Take over path, class and segments."""
        truth = video.truth
        _check(truth)
        self._paths[truth.split].append(ucf_path(truth.video, split=truth.split))
        self._events[truth.split][truth.video] = events(truth)
        if truth.split == "test":
            self._lines.append(temporal_line(truth))
        elif truth.segments:
            self._summaries[truth.video] = summary(truth)

    def close(self) -> list[Path]:
        """Write the files; returns their paths."""
        texts = {f"Anomaly_{split.capitalize()}.txt": _lines(paths) for split, paths in self._paths.items()}
        texts["Temporal_Anomaly_Annotation.txt"] = _lines(self._lines)
        for split, rows in self._events.items():
            texts[f"hivau70k_ucf_{split}_events_compact.json"] = _compact(rows)
        texts["hivau70k_ucf_train_video_summary_anomalous.json"] = _compact(self._summaries)
        return [write_text(self.folder / name, text) for name, text in texts.items()]


def _check(truth: VideoTruth) -> None:
    name = ucf_class_of(truth.video)
    ucf_path(truth.video, split=truth.split)
    meant = {ucf_class(segment.category) for segment in truth.segments} or {UCF_NORMAL}
    if name not in meant:
        raise AnnotationError(
            f"{truth.video} holds segments of {', '.join(sorted(meant))}",
            remedy="name it after the category of its segments, or Normal_Videos where there are none",
        )


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in sorted(lines))


def _compact(rows: dict[str, Any]) -> str:
    ordered = sorted(rows.items(), key=lambda item: (item[0].startswith("Normal"), item[0]))
    return json.dumps(dict(ordered), separators=(",", ":"))


def write_ucf_crime(folder: str | Path, videos: Iterable[FormatVideo]) -> list[Path]:
    """Write the files of UCF-Crime for a stream of videos; returns their paths."""
    writer = UcfCrimeWriter(folder)
    for video in videos:
        writer.add(video)
    return writer.close()
