"""The conversation of a page: what was asked and answered so far, and the next answer as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hawkeye_core.app.visits import Visit, Visits
from hawkeye_core.app.work import StoppedError
from hawkeye_core.chat.conversation import Conversation
from hawkeye_core.chat.exchange import Exchange, Piece
from hawkeye_core.errors import HawkeyeError
from hawkeye_core.ground.hawkeye import Hawkeye

Message = dict[str, str]
"""``role`` and ``content``; plain text, which the page does not read as Markdown or HTML."""

OWN_TIMES = (
    "Times in the conversation are the model's own words; those of the table are read from its anomaly curve, frame by "
    "frame, and may differ."
)
FORGOTTEN = "Earlier questions were forgotten, because others used this page meanwhile."


def conversation_of(hawkeye: Hawkeye, visit: Visit, visits: Visits) -> Conversation:
    """The conversation about the video of a visit, begun when there is none.

    Raises:
        HawkeyeError: There is no video.
    """
    if visit.handle is None:
        raise HawkeyeError("there is no video to talk about", remedy="send one first")
    if visit.conversation is None:
        visits.keep_conversation(visit)
        visit.conversation = hawkeye.chat(visit.handle)
    return visit.conversation


def answered(conversation: Conversation, question: str, visit: Visit) -> Iterator[list[Message]]:
    """All messages, again and again while the answer grows.

    The paper's question is asked first where it was not yet: it is the one that the model has learned, and the first
    turn of what it has read.

    Raises:
        HawkeyeError: The question is empty or too long.
        StoppedError: The user left or wants no more; the conversation is as it was before the question.
    """
    for asked in (None, question) if not conversation.history else (question,):
        before = messages(conversation.history)
        said: list[Message] = [] if asked is None else [{"role": "user", "content": asked}]
        pieces = conversation.ask(asked)
        text = ""
        yield [*before, *said]
        try:
            for piece in pieces:
                if visit.stopped.is_set():
                    raise StoppedError("stopped")
                text += _as_text(piece, text)
                yield [*before, *said, {"role": "assistant", "content": text}]
        finally:
            pieces.close()
    yield messages(conversation.history)


def own_times(conversation: Conversation, visit: Visit) -> bool:
    """Whether the conversation's own answer to the paper's question has other times than the table."""
    if conversation.prediction is None or visit.found is None:
        return False
    said = [(item.segment.start_s, item.segment.end_s) for item in conversation.prediction.segments]
    return said != [(one.start_s, one.end_s) for one in visit.found.segments]


def messages(history: Sequence[Exchange]) -> list[Message]:
    """Finished questions and answers."""
    found: list[Message] = []
    for exchange in history:
        found.append({"role": "user", "content": exchange.question})
        notes = "".join(f"\n({note})" for note in exchange.notes)
        found.append({"role": "assistant", "content": f"{exchange.text}{notes}"})
    return found


def _as_text(piece: Piece, before: str) -> str:
    if piece.kind == "answer":
        return piece.text
    start = "\n" if before else ""
    return f"{start}[{piece.text}] " if piece.kind == "window" else f"{start}({piece.text})\n"
