"""What was asked and what was answered, as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from hawkeye_core.answers.parse import Status
from hawkeye_core.answers.render import render_answer
from hawkeye_core.answers.time_text import format_seconds
from hawkeye_core.evaluation.scores import ScoredSegment, merge_scored


class Piece(NamedTuple):
    """A part of what is shown while an answer comes.

    Args:
        text: Unescaped, as the model or the file's name gave it.
        kind: ``answer``; ``window``, which window speaks from here on (only of videos with several); ``note``, what
            the user should know about the conversation.
    """

    text: str
    kind: Literal["answer", "window", "note"] = "answer"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of one window.

    Args:
        start_s: Of the window, in seconds of the video.
        end_s: Of the window.
        asked: The question with times on the window's clock.
        said: The answer as the model gave it, on the window's clock.
        text: The answer with its times on the clock of the video.
        status: Whether segments could be read from it.
        segments: On the clock of the video.
        complete: False if the answer was cut at the greatest length.
    """

    start_s: float
    end_s: float
    asked: str
    said: str
    text: str
    status: Status
    segments: tuple[ScoredSegment, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and the answers of the windows it went to.

    Args:
        question: On the clock of the video.
        replies: Window after window, one or more.
        notes: What the user was told beside it.
    """

    question: str
    replies: tuple[Reply, ...]
    notes: tuple[str, ...] = ()

    @property
    def segments(self) -> tuple[ScoredSegment, ...]:
        """Those of all replies on one timeline."""
        return tuple(merge_scored(item for reply in self.replies for item in reply.segments))

    @property
    def text(self) -> str:
        """One answer: of several windows the merged segments, or, where one says something else, a line a window."""
        if len(self.replies) == 1:
            return self.replies[0].text
        if all(reply.status != "unparsed" for reply in self.replies):
            return render_answer([item.segment for item in self.segments])
        return "\n".join(f"[{stretch(reply.start_s, reply.end_s)}] {reply.text}" for reply in self.replies)


def stretch(start_s: float, end_s: float) -> str:
    """``48.0 to 112.0 s``."""
    return f"{format_seconds(start_s)} to {format_seconds(end_s)} s"
