"""What was found, as the page shows it: player, timeline, list of segments, evidence. HTML with every text escaped."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from hawkeye_core.app.config import AppSettings
from hawkeye_core.app.pictures import Pictures, frame_number
from hawkeye_core.ground.records import Evidence, GroundedSegment, GroundedVideo, ModelNote
from hawkeye_core.ground.stored import StoredVideo
from hawkeye_core.report.blocks import Image
from hawkeye_core.report.drawing import short
from hawkeye_core.report.lanes import curve_svg, ticks

if TYPE_CHECKING:
    from jinja2 import Environment

LISTED = 500
"""Most segments that are listed; the files have all."""
LETTERS = 400
"""Most letters of a text in the page; the files have all."""
LEAST_WIDTH = 0.6
"""Least width of a segment on the timeline, in percent, so that it can be hit."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of something, to be drawn as a bar: words, percent of the full width, and the value in words."""

    words: str
    percent: float
    value: str


@dataclass(frozen=True, slots=True)
class Mover:
    """A person that moved: since when, and the joints."""

    title: str
    joints: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """How the experts shared the work: on what, within the segment or outside, and percent by expert."""

    words: str
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One segment as the page shows it.

    Args:
        start_s: When it begins.
        end_s: When it ends.
        left: Place on the timeline in percent.
        width: Of its bar, in percent.
        category: What it is; may be empty.
        reason: Why; may be empty.
        score: In words.
        peak: Of the curve in words, empty without one.
        stills: Instants and pictures.
        movers: Who moved how.
        held: Relations.
        router: Shares of the experts.
    """

    start_s: float
    end_s: float
    left: float
    width: float
    category: str
    reason: str
    score: str
    peak: str
    stills: tuple[tuple[float, Image], ...]
    movers: tuple[Mover, ...]
    held: tuple[Bar, ...]
    router: tuple[Split, ...]


def stage_html(
    found: GroundedVideo, pictures: Pictures, handle: StoredVideo, *, token: str, served: Sequence[str]
) -> str:
    """The middle of the page.

    Args:
        found: What was found.
        pictures: Stills, and why nothing plays if so.
        handle: Of the video.
        token: In the addresses of its files.
        served: Kinds of files that can be asked for.
    """
    segments = [_shown(one, found, pictures.stills, handle) for one in found.segments[:LISTED]]
    curve = None if found.curve is None else np.asarray(found.curve, np.float64)
    return _render("stage.html.j2", {
        "name": found.video, "duration_s": found.duration_s, "segments": segments, "more": len(found.segments) - LISTED,
        "curve": "" if curve is None else curve_svg([("curve", curve)], found.duration_s),
        "values": [] if curve is None else [round(float(value), 3) for value in curve],
        "ticks": ticks(found.duration_s), "base": f"hawkeye/media/{token}", "plays": "video" in served,
        "why_none": pictures.why_none, "files": [kind for kind in served if kind != "video"],
        "answers": [short(one.text, LETTERS) for one in found.answers if one.status == "unparsed"],
    })  # fmt: skip


def header_html(note: ModelNote) -> str:
    """The top of the page: which model answers and what that is worth."""
    return _render("header.html.j2", {"note": note, "checkpoint": checkpoint_name(note)})


def checkpoint_name(note: ModelNote) -> str:
    """The last part of where it lies: folders of this machine are not the visitors' business."""
    return PurePath(note.checkpoint).name or note.checkpoint


def zone_html(settings: AppSettings) -> str:
    """Where a video is dropped, with the limits."""
    limits = {name: getattr(settings, name) for name in ("max_mb", "max_minutes", "idle_minutes")}
    return _render("zone.html.j2", limits)


def notice_html(title: str, words: str = "", *, kind: str = "info") -> str:
    """A message; ``kind`` is ``info``, ``warning`` or ``error``."""
    return _render("notice.html.j2", {"title": short(title, LETTERS), "words": short(words, LETTERS), "kind": kind})


def done_html(found: GroundedVideo) -> str:
    """What came out, in a line, and what makes it worth less."""
    count = len(found.segments)
    said = f"{count} segment{'' if count == 1 else 's'} found" if count else "Nothing found"
    label = "partial: " if found.status == "partial" else ""
    title = f"{said} in {found.video} ({found.duration_s:.1f} s)"
    return notice_html(title, f"{label}{found.note}" if found.note else "", kind="warning" if found.note else "info")


def _shown(
    one: GroundedSegment, found: GroundedVideo, stills: Mapping[int, Image], handle: StoredVideo
) -> Shown:  # fmt: skip
    evidence = one.evidence
    numbers = [(time, frame_number(time, handle)) for time in evidence.frames]
    width = min(100.0, max(LEAST_WIDTH, 100 * (one.end_s - one.start_s) / found.duration_s))
    return Shown(
        start_s=one.start_s, end_s=one.end_s, left=min(100 * one.start_s / found.duration_s, 100 - width), width=width,
        category=short(one.category, LETTERS), reason=short(one.reason, LETTERS), score=f"{one.score:.2f}",
        peak="" if evidence.peak is None else f"{evidence.peak:.2f}",
        stills=tuple((time, stills[number]) for time, number in numbers if number in stills),
        movers=_movers(evidence), held=_held(evidence), router=_router(evidence),
    )  # fmt: skip


def _movers(evidence: Evidence) -> tuple[Mover, ...]:
    fastest = max((joint.speed for person in evidence.people for joint in person.joints), default=0.0) or 1.0
    return tuple(
        Mover(
            f"{person.start_s:.1f} to {person.end_s:.1f} s, person score {person.score:.2f}",
            tuple(
                Bar(joint.joint.replace("_", " "), 100 * joint.speed / fastest, f"{joint.speed:.2f}")
                for joint in person.joints
            ),
        )
        for person in evidence.people
    )


def _held(evidence: Evidence) -> tuple[Bar, ...]:
    return tuple(
        Bar(f"{one.subject} {one.predicate} {one.object}", 100 * one.share, f"{100 * one.share:.0f} %")
        for one in evidence.triplets
    )


def _router(evidence: Evidence) -> tuple[Split, ...]:
    share = evidence.router
    if share is None:
        return ()
    rows = (("actions, here", share.action), ("actions, else", share.rest_action),
            ("objects, here", share.object), ("objects, else", share.rest_object))  # fmt: skip
    return tuple(Split(words, tuple(100 * value for value in parts)) for words, parts in rows if parts)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("hawkeye_core.app"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def _render(template: str, values: dict[str, Any]) -> str:
    return _environment().get_template(template).render(values)


def asset(name: str) -> str:
    """Text of a file that lies beside the templates: the page's style and script."""
    return _environment().get_template(name).render()
