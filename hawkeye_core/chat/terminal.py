"""The loop of ``hawkeye chat``: a question or a command a line, from a keyboard or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TextIO

from hawkeye_core.chat.commands import run_command
from hawkeye_core.chat.session import Session
from hawkeye_core.chat.turns import MAX_QUESTION
from hawkeye_core.errors import ConfigError, HawkeyeError

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130
"""Exit codes, as those of the root command."""
PROMPT = "> "


class Terminal:
    """Reads lines, prints answers.

    Args:
        session: What is talked about.
        keyboard: Whether a person types: then Ctrl-C stops an answer only, and errors do not count. Of a script Ctrl-C
            ends it all, its lines are shown before their answers, and an error makes the exit code 2.
        read: The next line without its end; raises ``EOFError`` behind the last one.
    """

    def __init__(self, session: Session, *, keyboard: bool, read: Callable[[], str]) -> None:
        self._session = session
        self._keyboard = keyboard
        self._read = read
        self._code = DONE

    def run(self, *, ask: bool) -> int:
        """Talk until the end; returns the exit code.

        Args:
            ask: Whether the paper's question is asked first.
        """
        try:
            if ask:
                self._guarded("/ask")
            while (line := self._read().strip()) != "/quit":
                if line and not self._keyboard:
                    self._session.say(f"{PROMPT}{line}", style="bold")
                if line:
                    self._guarded(line)
        except EOFError:
            if self._keyboard:
                self._session.say("")  # the shell's prompt on a line of its own
        except KeyboardInterrupt:
            self._session.say("")
            return INTERRUPTED
        return self._code

    def _guarded(self, line: str) -> None:
        """One line; what is wrong with it is said."""
        try:
            self._obey(line)
        except HawkeyeError as error:
            self._session.tell(f"error: {error}", style="red")
            self._code = DONE if self._keyboard else BAD_INPUT
        except KeyboardInterrupt:
            if not self._keyboard:
                raise
            self._session.say("")
            self._session.tell("stopped; this question is forgotten")

    def _obey(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        if name == "/ask":
            self._answer(None)
        elif name == "/all":
            self._answer(rest, windows=range(len(self._session.conversation.specs)))
        elif name.startswith("/"):
            run_command(self._session, line)
        else:
            self._answer(line)

    def _answer(self, question: str | None, *, windows: Sequence[int] | None = None) -> None:
        session, begun = self._session, False
        with closing(session.conversation.ask(question, windows=windows)) as pieces:
            for piece in pieces:
                if piece.kind == "note":
                    session.tell(piece.text)
                    continue
                if piece.kind == "window":
                    session.say(("\n" if begun else "") + f"[{piece.text}] ", style="dim", end="")
                else:
                    session.say(piece.text, end="")
                begun = True
        session.say("")
        exchange = session.conversation.history[-1]
        if len(exchange.replies) > 1 and all(reply.status != "unparsed" for reply in exchange.replies):
            session.say(f"All together: {exchange.text}")
        if not all(reply.complete for reply in exchange.replies):
            session.tell(f"(cut at {session.conversation.predictor.max_new_tokens} tokens)", style="dim")


def keyboard_lines() -> str:
    """A line typed at the prompt."""
    return input(PROMPT)


def piped_lines(stream: TextIO) -> Callable[[], str]:
    """Lines of a script; one that is too long for a question is read to its end and refused."""

    def read() -> str:
        line = stream.readline(MAX_QUESTION + 2)
        if not line:
            raise EOFError
        whole = line
        while not line.endswith("\n") and (line := stream.readline(MAX_QUESTION)):
            pass
        return whole

    return read


def talk(session: Session, *, ask: bool) -> int:
    """Standard input and output; returns the exit code."""
    for stream, what in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=what)
    if sys.stdin is None:
        raise ConfigError("there is no standard input to read questions from")
    if not sys.stdin.isatty():
        return Terminal(session, keyboard=False, read=piped_lines(sys.stdin)).run(ask=ask)
    from hawkeye_core.chat.line_history import line_history
    from hawkeye_core.ground.hawkeye import default_store

    with line_history(default_store().parent / "chat-history"):
        return Terminal(session, keyboard=True, read=keyboard_lines).run(ask=ask)
