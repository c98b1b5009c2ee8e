"""Commands of the terminal: ``/segments``, ``/why`` and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from hawkeye_core.answers.time_text import format_seconds
from hawkeye_core.chat.escaping import visible
from hawkeye_core.chat.exchange import stretch
from hawkeye_core.chat.plot import curve_lines, write_plot
from hawkeye_core.chat.session import Session
from hawkeye_core.errors import ConfigError
from hawkeye_core.ground.words import held, moved, routed

WIDEST = 110
"""Columns of a plot, at most."""


class Command(NamedTuple):
    """What a command does; a question or the end of the conversation is the loop's (:mod:`.terminal`)."""

    usage: str
    help: str
    run: Callable[[Session, str], None]


def run_command(session: Session, line: str) -> None:
    """Carry out ``/name argument``.

    Raises:
        HawkeyeError: There is no such command, or it cannot do what is asked.
    """
    name, _, argument = line.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise ConfigError(f"there is no command {visible(name)}", remedy="/help lists them")
    command.run(session, _unquoted(argument.strip()))


def _help(session: Session, _: str) -> None:
    rows = [(command.usage, command.help) for command in COMMANDS.values()]
    rows += OF_THE_LOOP.items()
    for usage, text in sorted(rows):
        session.say(f"{usage:<16} {text}")
    session.say("Anything else is a question. A time in it (at 75 s, from 20 to 30 seconds) says which part of a long "
                "video is asked.")  # fmt: skip


def _segments(session: Session, _: str) -> None:
    found = session.prediction().segments
    if not found:
        session.say("nothing found")
        return
    table = Table()
    for name in ("", "start", "end", "category", "score", "reason"):
        table.add_column(name, justify="left" if name in ("category", "reason") else "right", overflow="fold")
    for number, item in enumerate(found, start=1):
        one = item.segment
        cells = (str(number), format_seconds(one.start_s), format_seconds(one.end_s), one.category,
                 f"{item.score:.2f}", one.reason)  # fmt: skip
        table.add_row(*(Text(visible(cell)) for cell in cells))
    session.out.print(table)


def _why(session: Session, number: str) -> None:
    place, item = session.segment(number)
    session.conversation.look_at(item.segment)
    prediction = session.prediction()
    spans = [(other.segment.start_s, other.segment.end_s) for other in prediction.segments]
    found = session.evidence(prediction, spans[place], spans)
    one = item.segment
    words = one.category or "an implicit anomalous sentiment"
    session.say(f"{place + 1}. {stretch(one.start_s, one.end_s)}: {words} ({item.score:.2f})"
                f"{f', as {one.reason}' if one.reason else ''}", style="bold")  # fmt: skip
    lines = {
        "moved": moved(found.people, joints=3) or "nobody",
        "held": held(found.triplets, most=4) or "no relation",
        "experts": routed(found).removeprefix("experts "),
        "curve": "" if found.peak is None else f"{found.peak:.2f} at its highest",
        "frames": ", ".join(f"{format_seconds(second)} s" for second in found.frames),
    }
    for name, text in lines.items():
        if text:
            session.say(f"   {name:<8} {text}")


def _plot(session: Session, name: str) -> None:
    session.prediction()
    curve = session.conversation.curve()
    if not curve:
        raise ConfigError("there is no curve of this video")
    segments = [item.segment for item in session.prediction().segments]
    duration = session.conversation.duration_s
    if name:
        if Path(name).suffix.lower() != ".png":
            raise ConfigError("a plot is written as .png", path=visible(name))
        title = visible(Path(session.video).name)
        session.write(name, lambda path: write_plot(path, curve, segments, duration_s=duration, title=title))
        return
    plain = "utf" not in session.out.encoding.lower()
    width = min(session.out.width - 1, WIDEST)
    for line in curve_lines(curve, segments, duration_s=duration, width=width, plain=plain):
        session.say(line)


def _save(session: Session, name: str) -> None:
    name = name or re.sub(r"[^\w.-]", "_", Path(session.video).stem) + "-chat.json"
    session.write(name, session.transcript().write)


def _history(session: Session, _: str) -> None:
    for number, exchange in enumerate(session.conversation.history, start=1):
        session.say(f"{number}. {exchange.question}", style="bold")
        session.say(exchange.text)


def _reset(session: Session, _: str) -> None:
    session.conversation.reset()
    session.say("questions and answers are forgotten; the video is not read again")


COMMANDS = {
    "/help": Command("/help", "this list", _help),
    "/segments": Command("/segments", "what was found, with numbers", _segments),
    "/why": Command("/why [N]", "what was seen in segment N: who moved, what held; without N the one spoken of", _why),
    "/plot": Command("/plot [FILE]", "the anomaly curve here, or as FILE.png", _plot),
    "/save": Command("/save [FILE]", "the conversation as FILE.json or FILE.md", _save),
    "/history": Command("/history", "questions and answers so far", _history),
    "/reset": Command("/reset", "forget questions and answers", _reset),
}
OF_THE_LOOP = {
    "/ask": "the paper's question, to the whole video",
    "/all QUESTION": "a question to all windows of a long video",
    "/quit": "end; so does Ctrl-D. Ctrl-C stops an answer",
}


def _unquoted(text: str) -> str:
    """A file name without the quotation marks around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
