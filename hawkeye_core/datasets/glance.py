"""GlanceVAD's clicks: one frame inside each abnormal event of UCF-Crime's training videos.

Zhang et al., ICME 2025; github.com/pipixin321/GlanceVAD, MIT. The file is CSV with the header ``video-id,glance`` and a
line a click; 810 videos, 2026 clicks. Frames count at 30 a second; whether from 0 or 1 is not said, and makes a
difference of a thirtieth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name, read_lines
from hawkeye_core.datasets.source import Remark
from hawkeye_core.datasets.times import MAX_FRAME, MAX_SECONDS, UCF_FPS, Times, make_times
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

NAME = "glancevad"
HEADER = "video-id,glance"
HALF_WIDTH_S = 7.5
"""Half the width of the window around a click, in seconds. A choice, not a fact: a click says where an event is and
nothing of how long it is. Of 2 to 20 s this value agrees best with HIVAU-70k's events of the same videos (mean IoU
0.44; 0.33 with 2 s, 0.39 with 20 s), so that this agreement is a fitted one."""

_REMEDY = f"the file is CSV with the header `{HEADER}` and lines like `Abuse001_x264,299`"
_FRAME = re.compile(r"[0-9]{1,9}")


def read_glances(path: str | Path) -> Mapping[str, tuple[int, ...]]:
    """Frames that were clicked in each video, at 30 a second, in ascending order.

    Raises:
        AnnotationError: The file is missing, has another header or no click, a line is not a video and a frame, or a
            click occurs twice; the message starts with ``file:line`` where there is one.
    """
    found: dict[str, set[int]] = {}
    lines = read_lines(path, remedy=_REMEDY)
    where, header = next(lines)  # a file without a line that is not blank is an error of `read_lines`
    if header.strip() != HEADER:
        raise AnnotationError(f"the header is {header.strip()[:60]!r}", path=where, remedy=_REMEDY)
    for where, line in lines:
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 2 or not _FRAME.fullmatch(fields[1]) or int(fields[1]) > MAX_FRAME:
            raise AnnotationError(f"{line.strip()[:60]!r} is no video and frame", path=where, remedy=_REMEDY)
        frames = found.setdefault(plain_name(fields[0], where=where, remedy=_REMEDY), set())
        if int(fields[1]) in frames:
            raise AnnotationError(f"{line.strip()[:60]!r} occurs a second time", path=where, remedy=_REMEDY)
        frames.add(int(fields[1]))
    if not found:
        raise AnnotationError("has no click", path=path, remedy=_REMEDY)
    return {video: tuple(sorted(frames)) for video, frames in found.items()}


def times_of_glances(
    glances: Mapping[str, tuple[int, ...]],
    *,
    half_width_s: float = HALF_WIDTH_S,
    durations: Mapping[str, float] | None = None,
) -> Times:
    """A window around each click, inside the video; those that overlap become one.

    Args:
        glances: Frames of each video, as :func:`read_glances` gives them.
        half_width_s: Half the width of a window. A choice of the caller's: the clicks do not say how long an event is.
        durations: Seconds of the videos, where known; elsewhere a window may end behind its video.

    Raises:
        AnnotationError: ``half_width_s`` is not above 0, or absurd.
    """
    if not 0 < half_width_s <= MAX_SECONDS:
        raise AnnotationError(
            f"half_width_s is {half_width_s}", path=NAME, remedy=f"give seconds above 0, at most {MAX_SECONDS:g}"
        )
    found = {
        video: [Segment(max(0.0, frame / UCF_FPS - half_width_s), frame / UCF_FPS + half_width_s) for frame in frames]
        for video, frames in glances.items()
    }
    width = Remark("note", "windows of a chosen width", "all", f"{half_width_s:g} s before and behind each click")
    known = {video: durations[video] for video in glances if durations is not None and video in durations}
    return make_times(NAME, found, durations=known, remarks=[width], files={})


def read_glance_times(
    path: str | Path, *, half_width_s: float = HALF_WIDTH_S, durations: Mapping[str, float] | None = None
) -> Times:
    """:func:`times_of_glances` of a file, with its SHA-256.

    Raises:
        AnnotationError: As :func:`read_glances` and :func:`times_of_glances`.
    """
    times = times_of_glances(read_glances(path), half_width_s=half_width_s, durations=durations)
    return Times(times.name, times.segments, times.durations, times.remarks, {Path(path).name: sha256_of(path)})
