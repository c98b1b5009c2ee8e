"""What a run has to tell: a row a video, a summary in words, and the error that names the bad videos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hawkeye_core.errors import HawkeyeError

if TYPE_CHECKING:
    from hawkeye_core.extraction.run import VideoPlan, VideoResult

STATUSES = ("done", "partial", "cached", "failed")
NO_REASON = "no reason given"
NAMED_IN_MESSAGE = 5
"""Bad videos named in the state message; the table artifact has them all."""


@dataclass(frozen=True)
class VideoRow:
    """One video of a run.

    Args:
        video_id: Id in the store.
        status: ``done``; ``partial`` (the file ends early); ``cached`` (nothing was missing); ``failed``.
        frames: Frames sampled by this run.
        seconds: Wall time of this run.
        error: Why it is ``failed`` or ``partial``.
        path: Source file.
    """

    video_id: str
    status: str
    frames: int
    seconds: float
    error: str | None
    path: str

    @property
    def reason(self) -> str:
        """First line of the error, or nothing."""
        return self.error.strip().splitlines()[0] if self.error and self.error.strip() else ""

    @classmethod
    def of(cls, result: VideoResult) -> VideoRow:
        """The row of a result that extraction returned."""
        return cls(result.video_id, result.status, result.frames, result.seconds, result.error, result.path)

    @classmethod
    def cached(cls, plan: VideoPlan) -> VideoRow:
        """The row of a video of which nothing was missing."""
        return cls(plan.video_id, "cached", 0, 0.0, None, plan.path)

    @classmethod
    def fault(cls, plan: VideoPlan, error: BaseException | str) -> VideoRow:
        """The row of a video whose task ended with an exception, after its retries."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        return cls(plan.video_id, "failed", 0, 0.0, text, plan.path)


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Args:
        rows: A row a video, sorted by path.
        store: Path or URL of the store.
        seconds: Wall time of the flow.
        trained: False when the store holds features of untrained networks.
    """

    rows: tuple[VideoRow, ...]
    store: str
    seconds: float
    trained: bool

    @property
    def failed(self) -> tuple[VideoRow, ...]:
        """The bad videos."""
        return tuple(row for row in self.rows if row.status == "failed")

    @property
    def counts(self) -> dict[str, int]:
        """Videos by status, in the order done, partial, cached, failed."""
        counted = Counter(row.status for row in self.rows)
        return {status: counted[status] for status in STATUSES}

    @property
    def headline(self) -> str:
        """One line: ``3 videos: 2 done, 1 failed; 142 frames in 12.3 s``."""
        parts = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        frames = sum(row.frames for row in self.rows)
        return f"{len(self.rows)} videos: {parts or 'none'}; {frames} frames in {self.seconds:.1f} s"

    def table(self) -> list[dict[str, Any]]:
        """Rows of the table artifact."""
        return [{**asdict(row), "seconds": round(row.seconds, 2), "error": row.error or ""} for row in self.rows]

    def markdown(self) -> str:
        """The summary artifact: counts, the bad and the partial videos with their reasons, and the untrained mark."""
        lines = [f"# extract-features: {self.headline}", "", f"Store: `{self.store}`", "", "| status | videos |"]
        lines += ["| --- | ---: |", *(f"| {status} | {count} |" for status, count in self.counts.items())]
        if not self.trained:
            lines += ["", "**Untrained weights were used: these features mean nothing.**"]
        for status, title in (("failed", "Failed"), ("partial", "Partial (the file ends early)")):
            chosen = [row for row in self.rows if row.status == status]
            if chosen:
                lines += [
                    "",
                    f"## {title}",
                    "",
                    "| video | reason | file |",
                    "| --- | --- | --- |",
                    *map(_line, chosen),
                ]
        return "\n".join(lines) + "\n"


class BadVideoError(HawkeyeError):
    """One video could not be extracted; the store has the reason on record. ``row`` tells it, too."""

    def __init__(self, row: VideoRow) -> None:
        super().__init__(row.error or NO_REASON)
        self.row = row

    def __reduce__(self) -> tuple[type[BadVideoError], tuple[VideoRow]]:
        return type(self), (self.row,)


class VideosFailedError(HawkeyeError):
    """Some videos of a run failed; the others are in the store. ``summary`` tells which."""

    def __init__(self, summary: RunSummary) -> None:
        super().__init__(failure_message(summary.failed, of=len(summary.rows)))
        self.summary = summary

    def __reduce__(self) -> tuple[type[VideosFailedError], tuple[RunSummary]]:
        return type(self), (self.summary,)


def failure_message(failed: Iterable[VideoRow], *, of: int) -> str:
    """``2 of 9 videos failed: a (reason); b (reason)``; at most five are named."""
    rows = list(failed)
    named = "; ".join(f"{row.video_id} ({row.reason or NO_REASON})" for row in rows[:NAMED_IN_MESSAGE])
    more = f"; and {len(rows) - NAMED_IN_MESSAGE} more" if len(rows) > NAMED_IN_MESSAGE else ""
    return f"{len(rows)} of {of} videos failed: {named}{more}"


def _line(row: VideoRow) -> str:
    return f"| {_cell(row.video_id)} | {_cell(row.reason or NO_REASON)} | {_cell(row.path)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
