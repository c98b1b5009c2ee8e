"""HIVAU-70k's event times of UCF-Crime (Zhang et al., CVPR 2025; github.com/pipixin321/HolmesVAU, MIT).

Read in a compact form of its raw annotations, without captions::

    hivau70k_ucf_train_events_compact.json
        {video: {"n_frames": 2729, "fps": 30.0, "label": ["Abuse"], "events": [[3.933, 15.867], ...]}}
    hivau70k_ucf_train_video_summary_anomalous.json
        {video: text}

Facts of the training file: 1403 videos, 810 of them anomalous with 1582 events. The events of a normal video are
ordinary ones, no anomalies. In 61 anomalous videos the events are not in order, and some overlap.

Some texts find nothing anomalous in a video whose label says otherwise. Such videos are dropped where the text opens
with saying so (:func:`denies`): 23 of 810 videos (2.8 %), with 34 of the 1582 events (2.1 %). The 8.5 % of events that
are denied in HIVAU-70k's captions of single events cannot be told from these files, which hold no text of an event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hawkeye_core.answers.segments import Segment
from hawkeye_core.datasets.reading import plain_name, read_json
from hawkeye_core.datasets.source import Remark
from hawkeye_core.datasets.times import MAX_FRAME, Times, make_times, number, span
from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import AnnotationError

NAME = "hivau-70k"
MAX_REASON = 160
"""Longest reason that is made of a text, in characters."""
MAX_TEXT = 65_536
"""Longest text of a video, in characters."""
MAX_EVENTS = 10_000
"""Most events that a video can have."""
NORMAL = "normal"
"""A label that begins so is that of a normal video, as none at all is."""

_EVENTS = (
    'the file is {video: {"n_frames": frames, "fps": rate, "label": [classes], "events": [[start, end], ...]}}, '
    "times in seconds"
)
_SUMMARIES = "the file of summaries is {video: text}"

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_DENIAL = re.compile(
    r"\W*(?:in (?:this|the) video(?: clip| segment)?,\s*)?(?:there (?:is|are|was|were|exists?) no|no)\s+"
    r"(?:(?:actual|apparent|clear|evident|obvious|specific|such|visible)\s+)?(?:anomal(?:y|ies|ous)|abnormal)",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:but|however|although|though|yet|except|unless|until|other than|apart from|aside from|besides|before|after|"
    r"first|second|initially|then|later|beginning|end|half)\b",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"(?:in (?:the|this) video,\s*)?(?:the|this|these)\s+(?:(?:first|video)\s+)*anomal(?:y|ies|ous)(?:\s+events?)?"
    r"(?:\s+summary)?(?:,[^,]{0,60},)?\s+"
    r"(?:involves?|depicts?|shows?|captures?|features?|describes?|consists? of|(?:begins?|starts?) (?:with|when|as)|"
    r"occurs? when|unfolds? (?:as|when|with)|is that|are that|is characterized by|is|are)\s+",
    re.IGNORECASE,
)
_PRELUDE = re.compile(r"(?:in (?:the|this) video,\s*|(?:the|this) video (?:only |simply )?(?:shows|depicts)\s+)", re.I)
_CALM = re.compile(r"an?\s+(?:\w+\s+){0,2}normal\b[^;]*?,?\s+but\s+(?:then\s+)?", re.IGNORECASE)
_NAMED = re.compile(r"[\w ]{1,40},\s+as\s+(?=\S)")
_JUDGEMENT = re.compile(
    r"\s*(?:;|,\s*(?:and\s+)?(?:suggesting|indicating|implying|deviating|demonstrating|constituting|which|thereby|"
    r"potentially|possibly|likely|an? (?:clear|unusual|abnormal))\b)",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"(?:[\s,:(-]|\b(?:a|an|the|and|or|of|to|with|in|on|at|by|for|from|into|his|her|its|their|then|while|as|who|"
    r"that|before|after|is|are|was|were))+$",
    re.IGNORECASE,
)


def read_hivau(events: str | Path, *, summaries: str | Path | None = None) -> Times:
    """Times of the anomalous videos, with a reason where there is a text.

    Args:
        events: The file of events, of the training or of the test videos.
        summaries: The file of texts. Each becomes the reason of all segments of its video (:func:`reason_of`), as it
            does not say to which it belongs. Where it denies that there is an anomaly, the video is dropped.

    Raises:
        AnnotationError: A file is missing or not in the form above, or no anomalous video is left.
    """
    rows = _mapping(events, remedy=_EVENTS)
    texts = {} if summaries is None else _texts(summaries)
    durations: dict[str, float] = {}
    found: dict[str, list[Segment]] = {}
    remarks: list[Remark] = []
    for video, row in rows.items():
        spans, anomalous, durations[video] = _record(row, where=f"{events}: {video}")
        if not anomalous:
            remarks.append(Remark("dropped", "normal video", video, f"{len(spans)} ordinary events"))
        elif not spans:
            remarks.append(Remark("dropped", "anomalous without events", video))
        elif denies(texts.get(video, "")):
            remarks.append(Remark("dropped", "its text says that there is no anomaly", video, f"{len(spans)} events"))
        else:
            reason = reason_of(texts[video]) if video in texts else ""
            if summaries is not None and not reason:
                remarks.append(Remark("note", "without a reason", video))
            found[video] = [replace(one, reason=reason) for one in spans]
    remarks += [Remark("note", "text of a video without events", video) for video in texts if video not in rows]
    if not found:
        raise AnnotationError("holds no anomalous video with events", path=events, remedy=_EVENTS)
    paths = [Path(events), *([] if summaries is None else [Path(summaries)])]
    files = {path.name: sha256_of(path) for path in paths}
    return make_times(NAME, found, durations=durations, remarks=remarks, files=files)


def denies(text: str) -> bool:
    """Whether a text says of the whole video that nothing in it is anomalous.

    Conservative: the first sentence must open with "No anomaly", "There is no anomalous event", "There are no
    anomalies" or the like, and hold no word that could take it back or narrow it to a part (but, until, first, later,
    half, ...). Doubts behind the first sentence are not looked at.
    """
    first = _SENTENCE_END.split(text.strip(), maxsplit=1)[0]
    return _DENIAL.match(first) is not None and _TURN.search(first) is None


def reason_of(text: str) -> str:
    """The clause of a text that says what happens, to stand behind "as" in an answer.

    The first sentence that opens like "The anomaly event involves" without this opening; else the second sentence
    (the first names the class), or the only one. Where it begins with a normal scene, what follows its "but". Of it
    what stands before a semicolon or a judgement (", suggesting", ", which", ...), cut at the last comma or else space
    within :data:`MAX_REASON` characters, without quotation marks and the words that lead nowhere at its end, and with
    a small first letter before a small second one.
    """
    printable = "".join(c if c.isprintable() else " " for c in text)
    plain = " ".join(re.sub(r'["\u201c\u201d<>]', " ", printable).split())
    sentences = _SENTENCE_END.split(plain)
    told = next((s[m.end() :] for s in sentences if (m := _EVENT.match(s))), None)
    if told is None:
        told = sentences[1] if len(sentences) > 1 else sentences[0]
        for opening in (_PRELUDE, _NAMED):
            told = told[m.end() :] if (m := opening.match(told)) else told
    told = told[m.end() :] if (m := _CALM.match(told)) else told
    told = _shortened(_JUDGEMENT.split(told, maxsplit=1)[0].rstrip(" .!?"))
    if told.startswith("A ") or told[1:2].islower():
        told = told[0].lower() + told[1:]
    return told


def _shortened(text: str) -> str:
    if len(text) > MAX_REASON:
        head = text[: MAX_REASON + 1]
        comma = head.rfind(", ")
        text = head[: comma if comma >= MAX_REASON // 2 else max(head.rfind(" "), 0)] or head[:MAX_REASON]
    return _LOOSE.sub("", text).rstrip(" .!?,;:")


def _mapping(path: str | Path, *, remedy: str) -> dict[str, Any]:
    """By checked names of videos."""
    content = read_json(path, remedy=remedy)
    if not isinstance(content, dict) or not content:
        raise AnnotationError("must be a JSON object with videos", path=path, remedy=remedy)
    return {plain_name(video, where=str(path), remedy=remedy): row for video, row in content.items()}


def _texts(path: str | Path) -> Mapping[str, str]:
    texts = _mapping(path, remedy=_SUMMARIES)
    for video, text in texts.items():
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
            raise AnnotationError(
                f"must be a text of 1 to {MAX_TEXT} characters", path=f"{path}: {video}", remedy=_SUMMARIES
            )
    return texts


def _record(row: Any, *, where: str) -> tuple[list[Segment], bool, float]:
    """Events, whether the label is anomalous, and seconds of the video."""
    keys = ("n_frames", "fps", "label", "events")
    missing = [key for key in keys if key not in row] if isinstance(row, dict) else list(keys)
    if missing:
        raise AnnotationError(f"has no {', '.join(missing)}", path=where, remedy=_EVENTS)
    frames = number(row["n_frames"], what="n_frames", where=where, remedy=_EVENTS, low=1, high=MAX_FRAME)
    fps = number(row["fps"], what="fps", where=where, remedy=_EVENTS, low=0.1, high=1000)
    labels, events = row["label"], row["events"]
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        raise AnnotationError("label must be a list of names of classes", path=where, remedy=_EVENTS)
    pairs = isinstance(events, list) and all(isinstance(event, list) and len(event) == 2 for event in events)
    if not pairs or len(events) > MAX_EVENTS:
        raise AnnotationError(
            f"events must be a list of at most {MAX_EVENTS} pairs of a start and an end", path=where, remedy=_EVENTS
        )
    spans = [span(start, end, where=where, remedy=_EVENTS) for start, end in events]
    return spans, any(not label.lower().startswith(NORMAL) for label in labels), frames / fps
