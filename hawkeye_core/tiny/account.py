"""What can be said about a stretch of video: who does what when, as sentences on a clock; cut and joined.

It is what a caption writer would know: actions, plain relations and one description. Anomalous segments, their
categories and their reasons are not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hawkeye_core.datasets.reconsim.plan import VideoPlan
from hawkeye_core.datasets.reconsim.truth import VideoTruth

MIN_SPAN_S = 0.25
"""What is seen for less than two frames is not told."""


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence and when it holds.

    Args:
        start_s: Start in seconds, included.
        end_s: End, not included.
        key: In few words, the same for all that is alike: ``a man falls``, ``a woman holding a bag``.
        text: In a caption's words: ``a man loses balance and falls``; no capital, no full stop.
        who: Number of the person it is about.
        action: Whether it says what the person does; else it is a relation.
    """

    start_s: float
    end_s: float
    key: str
    text: str
    who: int
    action: bool


@dataclass(frozen=True, slots=True)
class Account:
    """All that is told about ``duration_s`` seconds of video; ``description`` is empty for a part of a video."""

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


def account_of(plan: VideoPlan | VideoTruth) -> Account:
    """What a caption writer would know of a planned or drawn video."""
    kinds = plan.entities
    told = [
        Told(span.start_s, span.end_s, f"{a_or_an(kinds[span.person])} {verb(span.action)}",
             sentence(kinds[span.person], span.caption), span.person, True)
        for span in plan.actions
    ]  # fmt: skip
    people = len(plan.people) if isinstance(plan, VideoPlan) else plan.n_people
    for span in plan.relations:
        if span.subject < people:
            text = f"{a_or_an(kinds[span.subject])} {span.predicate} {a_or_an(kinds[span.object])}"
            told.append(Told(span.start_s, span.end_s, text, text, span.subject, False))
    duration_s = plan.n_frames / plan.fps
    return Account(duration_s, tuple(told), plan.description).cut(0.0, duration_s)


def sentence(kind: str, caption: str) -> str:
    """``a person walks.`` said of a woman: ``a woman walks``."""
    text = caption.strip().rstrip(".")
    for subject in ("a person", "the person", "someone"):
        if text.lower().startswith(f"{subject} "):
            return f"{a_or_an(kind)}{text[len(subject) :]}"
    return text[:1].lower() + text[1:]


def verb(action: str) -> str:
    """A motion's name as what somebody does: ``sit_down`` is ``sits down``."""
    first, *rest = action.split("_")
    if first.endswith("y") and first[-2:-1] not in "aeo":
        first = f"{first[:-1]}ies"
    else:
        first += "es" if first.endswith(("sh", "ch", "s")) else "s"
    return " ".join([first, *rest])


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
