"""A grounded video as the text of a file: JSON, CSV, SubRip and WebVTT. The same video gives the same bytes.

The JSON is described in ``docs/ground.md``. Wall times are left out of it, or no two files would be the same.
"""

from __future__ import annotations

import csv
import io
import json

from hawkeye_core.ground.records import GroundedSegment, GroundedVideo
from hawkeye_core.ground.words import clock, held, moved, seen, title

FORMAT, VERSION = "hawkeye-ground", 1
"""Name and version of the JSON; the version is raised when a key goes or changes its meaning."""

COLUMNS = (
    "video", "start_s", "end_s", "category", "score", "reason", "peak", "moved", "held", "frames_s", "untrained",
)  # fmt: skip
"""Of the CSV, one row a segment."""


def json_text(video: GroundedVideo) -> str:
    """All of the record but the wall times, with ``format`` and ``version`` in front."""
    record = {name: value for name, value in video.as_dict().items() if name != "seconds"}
    whole = {"format": FORMAT, "version": VERSION, **record}
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(video: GroundedVideo) -> str:
    """A header, and a row a segment; evidence in words, and what of the model was never trained."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    marks = "; ".join(video.model.marks)
    for segment in video.segments:
        found = segment.evidence
        writer.writerow((
            video.video, f"{segment.start_s:g}", f"{segment.end_s:g}", segment.category, f"{segment.score:.4f}",
            segment.reason, "" if found.peak is None else f"{found.peak:.4f}", moved(found.people),
            held(found.triplets), " ".join(f"{time:g}" for time in found.frames), marks,
        ))  # fmt: skip
    return buffer.getvalue()


def srt_text(video: GroundedVideo) -> str:
    """SubRip: a numbered cue a segment; empty without segments."""
    return "\n".join(
        f"{number}\n{_span(segment, ',')}\n{_cue(segment, video)}\n"
        for number, segment in enumerate(video.segments, start=1)
    )


def vtt_text(video: GroundedVideo) -> str:
    """WebVTT: a header, a note on the model, and a cue a segment."""
    note = _line(f"{video.model.name}: {'; '.join(video.model.marks) or video.model.good_for}")
    cues = [f"{_span(segment, '.')}\n{_escaped(_cue(segment, video))}\n" for segment in video.segments]
    return "\n".join(["WEBVTT\n", f"NOTE {note}\n", *cues])


def _span(segment: GroundedSegment, point: str) -> str:
    return f"{clock(segment.start_s, point=point)} --> {clock(segment.end_s, point=point)}"


def _cue(segment: GroundedSegment, video: GroundedVideo) -> str:
    """At most four lines, the last on what was never trained; none is empty: an empty one would end the cue."""
    marks = f"({'; '.join(video.model.marks)})" if video.model.marks else ""
    return "\n".join(filter(None, map(_line, (title(segment), segment.reason, seen(segment.evidence), marks))))


def _line(text: str) -> str:
    """One line that does not look like a time."""
    return " ".join(text.split()).replace("-->", "->")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
