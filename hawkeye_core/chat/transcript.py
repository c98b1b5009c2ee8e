"""A conversation as a file: JSON with all that was said, Markdown to read.

JSON, version 1: ``video``, ``duration_s``, ``model`` (name, checkpoint, marks, good_for), ``segments`` (those of the
paper's question: start_s, end_s, category, reason, score) and ``exchanges``, each with ``question``, ``answer``,
``notes`` and ``windows``: of each window that was asked start_s and end_s, what it was ``asked`` and ``said`` on its
own clock, the ``status`` of the answer, and ``complete``, false if the answer was cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hawkeye_core.answers.time_text import format_seconds
from hawkeye_core.atomic import write_text
from hawkeye_core.chat.escaping import visible
from hawkeye_core.chat.exchange import Exchange, Reply
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.scores import ScoredSegment
from hawkeye_core.ground.records import ModelNote

VERSION = 1
SUFFIXES = (".json", ".md")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&])")


@dataclass(frozen=True, slots=True)
class Transcript:
    """All of a conversation.

    Args:
        video: As named by the user.
        duration_s: Its length.
        model: Which answered.
        segments: Found with the paper's question.
        exchanges: In order.
    """

    video: str
    duration_s: float
    model: ModelNote
    segments: Sequence[ScoredSegment]
    exchanges: Sequence[Exchange]

    def write(self, path: str | Path) -> Path:
        """Write it in the form that the name ends in, whole or not at all.

        Raises:
            ConfigError: Another ending than :data:`SUFFIXES`.
            OSError: It cannot be written.
        """
        form = Path(path).suffix.lower()
        if form not in SUFFIXES:
            raise ConfigError("a conversation is saved as .json or .md", path=visible(str(path)))
        return write_text(path, self.as_json() if form == ".json" else self.as_markdown())

    def as_json(self) -> str:
        """The JSON text."""
        content = {
            "version": VERSION, "video": visible(self.video), "duration_s": round(self.duration_s, 3),
            "model": self.model.as_dict(), "segments": [_segment(item) for item in self.segments],
            "exchanges": [_exchange(item) for item in self.exchanges],
        }  # fmt: skip
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    def as_markdown(self) -> str:
        """The same to read; nothing that was said can become a heading, a link or HTML."""
        note = self.model
        lines = [
            f"# {_plain(self.video)}", "",
            f"{format_seconds(self.duration_s)} s. {_plain(note.name)} ({_plain(note.checkpoint)}) is good for "
            f"{_plain(note.good_for)}.", *(f"{_plain(mark)}." for mark in note.marks),
        ]  # fmt: skip
        for item in self.exchanges:
            lines += ["", f"**{_plain(item.question)}**", ""]
            lines += [f"> {_plain(line)}  " for line in item.text.split("\n")]
            lines += [f"\n({_plain(text)})" for text in item.notes]
        return "\n".join(lines) + "\n"


def _segment(item: ScoredSegment) -> dict[str, Any]:
    one = item.segment
    return {
        "start_s": round(one.start_s, 3), "end_s": round(one.end_s, 3), "category": one.category,
        "reason": one.reason, "score": round(item.score, 6),
    }  # fmt: skip


def _exchange(item: Exchange) -> dict[str, Any]:
    windows = [_window(reply) for reply in item.replies]
    return {"question": item.question, "answer": item.text, "notes": list(item.notes), "windows": windows}


def _window(reply: Reply) -> dict[str, Any]:
    return {
        "start_s": round(reply.start_s, 3), "end_s": round(reply.end_s, 3), "asked": reply.asked, "said": reply.said,
        "status": reply.status, "complete": reply.complete,
    }  # fmt: skip


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", visible(text))
