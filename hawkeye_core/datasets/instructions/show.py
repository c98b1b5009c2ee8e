"""One video of the tables on a page: its pictures, its segments, and what is asked and answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hawkeye_core.datasets.instructions.rows import Instruction
from hawkeye_core.report.page import Bar, Report, Section, Still, TableBlock, TimelineBlock, Track, data_uri
from hawkeye_core.video.frame_at import read_frame_at
from hawkeye_core.video.probe import probe

STILLS = 6
FPS = 8.0


def page_of(row: Instruction, *, file: Path | None, others: Sequence[Track] = ()) -> Report:
    """The page of a video.

    Args:
        row: Of the table.
        file: Its video; none: a page without pictures.
        others: Times of other sources, to compare.

    Raises:
        VideoError: The file cannot be read.
    """
    duration = row.duration_s or max((s.end_s for s in row.segments), default=1.0)
    stills: list[Still] = []
    if file is not None:
        duration = probe(file).duration_s or duration
        for time_s in still_times(row, duration):
            image = read_frame_at(file, index=int(time_s * FPS)).images[0]
            stills.append(Still(time_s, data_uri(image), f"{row.video} at {time_s:.1f} s"))
    track = Track("annotation", "truth", [Bar(s.start_s, s.end_s, s.category) for s in row.segments])
    facts = {
        "set": f"{row.source} ({row.sentiment}), {row.split}", "protocol": row.protocol, "label": row.label or "none",
        "duration": f"{duration:.1f} s", "question": row.question, "answer": row.answer,
    }  # fmt: skip
    table = TableBlock("What the table holds", ["", ""], [[name, value] for name, value in facts.items()])
    timeline = TimelineBlock(row.video, "", duration, stills, [track, *others])
    return Report(row.video, row.answer, [Section("Timeline", [], [timeline]), Section("Row", [], [table])])


def still_times(row: Instruction, duration_s: float) -> list[float]:
    """The middle of each segment, and times spread over the video, :data:`STILLS` in all at most."""
    middles = [(s.start_s + s.end_s) / 2 for s in row.segments][: STILLS // 2]
    spread = STILLS - len(middles)
    times = middles + [duration_s * (k + 0.5) / spread for k in range(spread)]
    return sorted(min(time, max(duration_s - 0.2, 0.0)) for time in times)


def text_timeline(row: Instruction, duration_s: float, *, width: int = 72) -> str:
    """The segments as a line of characters: ``..####....``."""
    if duration_s <= 0:
        return ""
    cells = ["·"] * width
    for segment in row.segments:
        first = int(segment.start_s / duration_s * width)
        last = max(first + 1, int(segment.end_s / duration_s * width + 0.5))
        cells[first:last] = "█" * (min(last, width) - min(first, width))
    return "".join(cells[:width])
