"""What can be said about a stretch of video: who does what when, as sentences on a clock; cut and joined.

It is what a caption writer would know: actions, plain relations and one description. Anomalous segments, their
categories and their reasons are not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hawkeye_core.datasets.reconsim.truth import VideoTruth

MIN_SPAN_S = 0.25
"""What is seen for less than two frames is not told."""


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence and when it holds.

    Args:
        start_s: Start in seconds, included.
        end_s: End, not included.
        text: ``a man falls down``, ``a woman holding a bag``; no capital, no full stop.
        who: Number of the person it is about.
        action: Whether it says what the person does; else it is a relation.
    """

    start_s: float
    end_s: float
    text: str
    who: int
    action: bool


@dataclass(frozen=True, slots=True)
class Account:
    """All that is told about a stretch of video of ``duration_s`` seconds; ``description`` is empty for a part of one."""

    duration_s: float
    told: tuple[Told, ...]
    description: str = ""

    def cut(self, start_s: float, end_s: float) -> Account:
        """What is told of [start_s, end_s), on a clock that starts there; slivers are left out."""
        inside = (
            replace(item, start_s=max(item.start_s, start_s) - start_s, end_s=min(item.end_s, end_s) - start_s)
            for item in self.told
        )
        whole = start_s <= 0 and end_s >= self.duration_s
        kept = tuple(item for item in inside if item.end_s - item.start_s >= MIN_SPAN_S)
        return Account(min(end_s, self.duration_s) - start_s, kept, self.description if whole else "")


def join(parts: Sequence[Account]) -> Account:
    """Accounts one after the other on one clock; people of different parts are different people."""
    told: list[Told] = []
    offset, people = 0.0, 0
    for part in parts:
        told += [
            replace(item, start_s=item.start_s + offset, end_s=item.end_s + offset, who=item.who + people)
            for item in part.told
        ]
        offset += part.duration_s
        people += 1 + max((item.who for item in part.told), default=-1)
    return Account(offset, tuple(told), parts[0].description if len(parts) == 1 else "")


def account_of(truth: VideoTruth) -> Account:
    """What a caption writer would know of a drawn video."""
    actions = [
        Told(span.start_s, span.end_s, action_sentence(truth.entities[span.person], span.caption), span.person, True)
        for span in truth.actions
    ]
    relations = [
        Told(span.start_s, span.end_s, f"{a_or_an(truth.entities[span.subject])} {span.predicate} "
             f"{a_or_an(truth.entities[span.object])}", span.subject, False)
        for span in truth.relations if span.subject < truth.n_people
    ]  # fmt: skip
    return Account(truth.duration_s, tuple(actions + relations), truth.description).cut(0.0, truth.duration_s)


def action_sentence(kind: str, caption: str) -> str:
    """``a person walks.`` said of a woman: ``a woman walks``."""
    text = caption.strip().rstrip(".")
    for subject in ("a person", "the person", "someone"):
        if text.lower().startswith(f"{subject} "):
            return f"{a_or_an(kind)}{text[len(subject) :]}"
    return text[:1].lower() + text[1:]


def a_or_an(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def merged_spans(told: Sequence[Told], *, gap_s: float = MIN_SPAN_S) -> list[tuple[float, float]]:
    """(start, end) of the union, ordered; pauses shorter than ``gap_s`` are bridged."""
    spans: list[tuple[float, float]] = []
    for item in sorted(told, key=lambda item: item.start_s):
        if spans and item.start_s - spans[-1][1] < gap_s:
            spans[-1] = (spans[-1][0], max(spans[-1][1], item.end_s))
        else:
            spans.append((item.start_s, item.end_s))
    return spans
