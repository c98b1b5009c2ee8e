"""Questions on plain actions and relations, and their answers: what the small language model learns before Hawkeye.

Five kinds: when something is seen, what is seen from when to when, what one after the other, a description, and
something that is not seen at all. "When" is also asked of an action and a relation together (``a man hits while in
front of a board``), of which both may be seen without being seen at once. Times are written as everywhere
(:mod:`hawkeye_core.answers.time_text`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hawkeye_core.answers.time_text import STEP_S, format_seconds
from hawkeye_core.tiny.account import MIN_SPAN_S, Account, Told, merged_spans

NOT_SEEN = "It is not present."
DESCRIBE = "Describe the video."
LIST = "List what happens."
LISTED = 4
"""Things in a list at most."""

KINDS = ("when", "what", "list", "describe", "not")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer; ``kind`` is one of :data:`KINDS`."""

    kind: str
    question: str
    answer: str


def when_question(text: str) -> str:
    """Asks when something is seen."""
    return f"Locate the timestamps when this is present: {text}."


def when_answer(spans: Sequence[tuple[float, float]]) -> str:
    """``From 3.0 to 4.5 seconds. From 7.0 to 8.0 seconds.``, or that it is not seen."""
    return " ".join(f"{between(*span)}." for span in spans) or NOT_SEEN


def between(start_s: float, end_s: float) -> str:
    """``From 3.0 to 4.5 seconds``; what is shorter than the written resolution is written 0.1 s long."""
    start, end = format_seconds(start_s), format_seconds(end_s)
    return f"From {start} to {end if end != start else format_seconds(start_s + STEP_S)} seconds"


def draw_exchanges(
    account: Account, rng: np.random.Generator, *, count: int, foreign: Sequence[str] = ()
) -> list[Exchange]:
    """Different questions about one stretch of video.

    Args:
        account: What is known of it.
        rng: Chooses.
        count: How many; fewer if not so many different ones come up.
        foreign: Keys of what is told of other videos, to ask for what is not there.
    """
    makers: list[Callable[[Account, np.random.Generator], Exchange | None]]
    makers = [_when_action, _when_relation, _when_both, _what, _list, _describe]
    shares = np.array([0.24, 0.14, 0.2, 0.14, 0.15, 0.03])
    if foreign:
        makers, shares = [*makers, lambda a, r: _absent(a, r, foreign)], np.append(shares, 0.1)
    found: dict[str, Exchange] = {}
    for maker in rng.choice(len(makers), size=3 * count, p=shares / shares.sum()):
        exchange = makers[int(maker)](account, rng)
        if exchange is not None:
            found.setdefault(exchange.question, exchange)
        if len(found) == count:
            break
    return list(found.values())


def _when(told: Sequence[Told], rng: np.random.Generator) -> Exchange | None:
    keys = sorted({item.key for item in told})
    if not keys:
        return None
    alike = {key: [item for item in told if item.key == key] for key in keys}
    spans_of = {key: merged_spans(alike[key]) for key in keys}
    # What is always there says little about time: short spans are asked for more often.
    weight = np.array([1 / (0.5 + sum(end - start for start, end in spans_of[key])) for key in keys])
    key = keys[int(rng.choice(len(keys), p=weight / weight.sum()))]
    text = key if rng.random() < 0.5 else alike[key][int(rng.integers(len(alike[key])))].text
    return Exchange("when", when_question(text), when_answer(spans_of[key]))


def _when_action(account: Account, rng: np.random.Generator) -> Exchange | None:
    return _when([item for item in account.told if item.action], rng)


def _when_relation(account: Account, rng: np.random.Generator) -> Exchange | None:
    return _when([item for item in account.told if not item.action], rng)


def _when_both(account: Account, rng: np.random.Generator) -> Exchange | None:
    """An action of a person and a relation of the same kind of person, seen at once or each at its time."""
    actions = [item for item in account.told if item.action]
    if not actions:
        return None
    action = actions[int(rng.integers(len(actions)))]
    kind = kind_of(action)
    others = sorted({item.key for item in account.told if not item.action and kind_of(item) == kind})
    if not others:
        return None
    relation = others[int(rng.integers(len(others)))]
    spans = together(account.told, action.key, relation)
    text = f"{action.key} while {relation.removeprefix(kind).strip()}"
    return Exchange("when" if spans else "not", when_question(text), when_answer(spans))


def together(told: Sequence[Told], action: str, relation: str) -> list[tuple[float, float]]:
    """When one person does the one thing and is in the other relation; shorter spans than are told are left out."""
    both = [
        replace(first, start_s=max(first.start_s, second.start_s), end_s=min(first.end_s, second.end_s))
        for first in told
        if first.key == action
        for second in told
        if second.key == relation and second.who == first.who
    ]
    return merged_spans([item for item in both if item.end_s - item.start_s >= MIN_SPAN_S])


def kind_of(item: Told) -> str:
    """Whom it is about, with the article: ``a man``."""
    return " ".join(item.key.split()[:2])


def _absent(account: Account, rng: np.random.Generator, foreign: Sequence[str]) -> Exchange | None:
    present = {item.key for item in account.told}
    key = foreign[int(rng.integers(len(foreign)))]
    return None if key in present else Exchange("not", when_question(key), NOT_SEEN)


def _what(account: Account, rng: np.random.Generator) -> Exchange | None:
    actions = [item for item in account.told if item.action]
    if not actions:
        return None
    item = actions[int(rng.integers(len(actions)))]
    start, end = format_seconds(item.start_s), format_seconds(item.end_s)
    texts = dict.fromkeys(
        other.key for other in actions
        if min(other.end_s, item.end_s) - max(other.start_s, item.start_s) > 0.6 * (item.end_s - item.start_s)
    )  # fmt: skip
    return Exchange("what", f"What happens from {start} to {end} seconds?", " ".join(map(_sentence, texts)))


def _list(account: Account, rng: np.random.Generator) -> Exchange | None:
    people = sorted({item.who for item in account.told if item.action})
    if not people:
        return None
    counts = np.array([sum(item.action and item.who == who for item in account.told) for who in people], float)
    who = people[int(rng.choice(len(people), p=counts / counts.sum()))]
    items = sorted((i for i in account.told if i.action and i.who == who), key=lambda item: item.start_s)
    subject = kind_of(items[0])
    lines = [f"{between(item.start_s, item.end_s)}, {item.key}." for item in _runs(items)[:LISTED]]
    return Exchange("list", f"{LIST.rstrip('.')} to {subject}.", " ".join(lines))


def _runs(items: Sequence[Told]) -> list[Told]:
    """The same thing done several times on end is one."""
    found: list[Told] = []
    for item in items:
        if found and found[-1].key == item.key and item.start_s - found[-1].end_s < MIN_SPAN_S:
            found[-1] = replace(found[-1], end_s=item.end_s)
        else:
            found.append(item)
    return found


def _describe(account: Account, rng: np.random.Generator) -> Exchange | None:
    return Exchange("describe", DESCRIBE, account.description) if account.description else None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
