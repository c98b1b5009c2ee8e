"""A conversation with what a terminal shows of it and keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from hawkeye_core.chat.conversation import Conversation
from hawkeye_core.chat.escaping import visible
from hawkeye_core.chat.transcript import Transcript
from hawkeye_core.errors import ConfigError, HawkeyeError
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.evaluation.window_answers import VideoPrediction
from hawkeye_core.ground.evidence import Seen, Span, evidence_of
from hawkeye_core.ground.records import Evidence, ModelNote
from hawkeye_core.ground.stored import StoredVideo

EvidenceOf = Callable[[VideoPrediction, Span, Sequence[Span]], Evidence]
"""Evidence for one segment, given all segments of the video."""


@dataclass(slots=True)
class Session:
    """What commands work on.

    Args:
        conversation: Of the video.
        video: As named by the user.
        model: Which answers.
        evidence: Finds what speaks for a segment.
        out: Gets answers and results.
        errors: Gets messages.
        written: Files of this session, which it may replace.
    """

    conversation: Conversation
    video: str
    model: ModelNote
    evidence: EvidenceOf
    out: Console
    errors: Console
    written: set[Path] = field(default_factory=set)

    def say(self, text: str, *, style: str = "", end: str = "\n") -> None:
        """Text of any origin on the terminal, nothing in it taken for markup or control."""
        self.out.print(Text(visible(text), style=style), end=end)

    def tell(self, text: str, *, style: str = "yellow") -> None:
        """A message to the user."""
        self.errors.print(Text(visible(text), style=style))

    def prediction(self) -> VideoPrediction:
        """What was found with the paper's question.

        Raises:
            ConfigError: It was not asked.
        """
        found = self.conversation.prediction
        if found is None:
            raise ConfigError("the paper's question was not asked yet", remedy="/ask asks it")
        return found

    def segment(self, number: str) -> tuple[int, ScoredSegment]:
        """A segment by its number in the list, or the one spoken of last, and its place.

        Raises:
            ConfigError: There is no such segment.
        """
        found = self.prediction().segments
        if not found:
            raise ConfigError("no segment was found")
        if number:
            if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= len(found)):
                raise ConfigError(f"there is no segment {visible(number)}", remedy=f"/why 1 to /why {len(found)}")
            place = int(number) - 1
        else:
            focus = self.conversation.focus
            place = next((i for i, item in enumerate(found) if item.segment == focus), 0)
        return place, found[place]

    def transcript(self) -> Transcript:
        """The conversation so far."""
        prediction = self.conversation.prediction
        return Transcript(
            self.video, self.conversation.duration_s, self.model, () if prediction is None else prediction.segments,
            self.conversation.history,
        )  # fmt: skip

    def write(self, name: str, writer: Callable[[Path], Path]) -> None:
        """Write a file and say so; one that was there before this session is not replaced.

        Raises:
            HawkeyeError: It is there, or cannot be written.
        """
        if not name.isprintable():
            raise ConfigError("holds characters that cannot be printed", path=visible(name))
        path = Path(name).expanduser()
        if path.resolve() not in self.written and path.exists():
            raise ConfigError("is there already, and not of this conversation", path=path, remedy="choose another name")
        try:
            writer(path)
        except OSError as error:
            raise HawkeyeError(f"cannot be written ({error.strerror or error})", path=path) from error
        self.written.add(path.resolve())
        self.say(f"written: {path}")


def evidence_in(handle: StoredVideo) -> EvidenceOf:
    """Evidence out of the stored features of a video."""

    def find(prediction: VideoPrediction, span: Span, spans: Sequence[Span]) -> Evidence:
        seen = Seen(handle.columns, handle.n_frames, handle.fps, prediction.curve, prediction.router)
        return evidence_of(seen, span, spans=spans)

    return find
