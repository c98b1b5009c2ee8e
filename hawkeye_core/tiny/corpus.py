"""Texts of ReconSim: what the small tokenizer is trained on, and the sentences that are learned without a video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hawkeye_core.answers.render import INSTRUCTION, NO_SEGMENT, render_answer
from hawkeye_core.answers.segments import Segment
from hawkeye_core.answers.time_text import stamp
from hawkeye_core.datasets.reconsim.scenarios import CATEGORIES, SCENARIOS
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.tiny.account import Account, a_or_an
from hawkeye_core.tiny.questions import draw_exchanges

ACTORS = ("man", "woman")
_THEM = {"man": "him", "woman": "her", "child": "the child"}
_ROUNDS = 3


def sentences() -> list[str]:
    """What people do to people and things, in the words of reasons; without a video, a time or a category.

    The language model knows these words before it has seen an anomaly, as any language model does; which of them are
    anomalous it is not told.
    """
    return [
        f"{text[:1].upper()}{text[1:]}."
        for row in SCENARIOS.values()
        for actor in ACTORS
        for target in row.targets
        for text in [
            row.reason.format(actor=a_or_an(actor), target=a_or_an(target), them=_THEM.get(target, "it")),
        ]
    ]


def tokenizer_texts(accounts: Sequence[Account], rng: np.random.Generator) -> list[str]:
    """Questions and answers about some videos, and the fixed words of Hawkeye's prompts and answers.

    Args:
        accounts: Of the videos that are learned from.
        rng: Chooses the questions.
    """
    foreign = sorted({item.key for account in accounts for item in account.told})
    asked = [
        f"USER: {stamp(second)}\n{item.question} ASSISTANT: {item.answer}"
        for account in accounts
        for second in range(_ROUNDS)
        for item in draw_exchanges(account, rng, count=8, foreign=foreign)
    ]
    described = [account.description for account in accounts if account.description]
    segments = [Segment(3.0, 4.5, category, "a man and a woman") for category in CATEGORIES]
    fixed = [f"USER: 0.0s\n{INSTRUCTION} ASSISTANT: {render_answer(segments)} {NO_SEGMENT}"] * 3
    words = [f" {name}" for name in (*OBJECT_CLASSES[1:], *PREDICATE_CLASSES[1:])] * 2
    return [*asked, *described, *fixed, *sentences(), *sentences(), *words]
